# tessera_kernel(NAME DIR): a kernel text becomes generated/NAME_cl.h (OpenCL C and, behind the preamble, GLSL) and, for Vulkan,
# generated/NAME_{simt,subgroup}_spv.h.
if(TESSERA_VULKAN)
  find_program(TESSERA_GLSLANG_VALIDATOR NAMES glslangValidator glslang)
  if(NOT TESSERA_GLSLANG_VALIDATOR)
    message(FATAL_ERROR "glslangValidator is missing; on Debian: apt-get install glslang-tools")
  endif()
  find_program(TESSERA_SPIRV_VAL spirv-val)
  set(TESSERA_SPIRV_TILES simt subgroup)
endif()

set(TESSERA_GENERATED ${PROJECT_BINARY_DIR}/generated)
file(MAKE_DIRECTORY ${TESSERA_GENERATED})
file(GLOB TESSERA_KERNEL_HEADERS CONFIGURE_DEPENDS ${PROJECT_SOURCE_DIR}/shaders/*/*.h)
add_executable(tessera_embed ${PROJECT_SOURCE_DIR}/tools/embed.c)

set(TESSERA_PREAMBLE ${PROJECT_SOURCE_DIR}/shaders/dialect/preamble.glsl)
add_custom_command(OUTPUT ${TESSERA_GENERATED}/preamble_glsl.h
  COMMAND tessera_embed bytes ${TESSERA_PREAMBLE} ${TESSERA_GENERATED}/preamble_glsl.h preamble_glsl
  DEPENDS ${TESSERA_PREAMBLE} tessera_embed VERBATIM)
set(TESSERA_KERNEL_OUTPUTS ${TESSERA_GENERATED}/preamble_glsl.h)

function(tessera_kernel name dir)
  set(source shaders/${dir}/${name}.k) # relative, so that errors and generated texts name no machine's path
  set(base ${TESSERA_GENERATED}/${name})
  add_custom_command(OUTPUT ${base}_cl.h
    COMMAND tessera_embed flatten ${source} ${base}.cl
    COMMAND tessera_embed bytes ${base}.cl ${base}_cl.h ${name}_cl
    DEPENDS ${PROJECT_SOURCE_DIR}/${source} ${TESSERA_KERNEL_HEADERS} tessera_embed
    WORKING_DIRECTORY ${PROJECT_SOURCE_DIR} VERBATIM)
  set(outputs ${base}_cl.h)
  foreach(tile IN LISTS TESSERA_SPIRV_TILES)
    set(number 2)
    if(tile STREQUAL subgroup)
      set(number 3)
    endif()
    set(validate "")
    if(TESSERA_SPIRV_VAL)
      set(validate COMMAND ${TESSERA_SPIRV_VAL} --target-env vulkan1.2 --scalar-block-layout ${base}_${tile}.spv)
    endif()
    add_custom_command(OUTPUT ${base}_${tile}_spv.h
      COMMAND tessera_embed flatten ${source} ${base}_${tile}.comp ${TESSERA_PREAMBLE}
      COMMAND ${TESSERA_GLSLANG_VALIDATOR} --quiet --target-env vulkan1.2 -S comp -DTILE=${number}
              -o ${base}_${tile}.spv ${base}_${tile}.comp
      ${validate}
      COMMAND tessera_embed words ${base}_${tile}.spv ${base}_${tile}_spv.h ${name}_${tile}_spv
      DEPENDS ${PROJECT_SOURCE_DIR}/${source} ${TESSERA_KERNEL_HEADERS} ${TESSERA_PREAMBLE} tessera_embed
      WORKING_DIRECTORY ${PROJECT_SOURCE_DIR} VERBATIM)
    list(APPEND outputs ${base}_${tile}_spv.h)
  endforeach()
  set(TESSERA_KERNEL_OUTPUTS ${TESSERA_KERNEL_OUTPUTS} ${outputs} PARENT_SCOPE)
endfunction()
