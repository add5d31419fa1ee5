# tessera_kernel(NAME DIR): a kernel text becomes generated/NAME_cl.h (OpenCL C and, behind the preamble, GLSL) and, for Vulkan,
# generated/NAME_{simt,subgroup}_spv.h. tessera_matrix_kernel(NAME DIR): NAME_matrix.k, of tile model matrix alone, becomes
# generated/NAME_matrix_cl.h and NAME_matrix_{f16,bf16,s8}_spv.h, as far as glslang knows such matrices; a third argument names the one input
# type that it takes. tessera_reduced_kernel(NAME DIR): likewise NAME_matrix_{f16,bf16,s8}_reduced_spv.h, behind it.
if(TESSERA_VULKAN)
  find_program(TESSERA_GLSLANG_VALIDATOR NAMES glslangValidator glslang)
  if(NOT TESSERA_GLSLANG_VALIDATOR)
    message(FATAL_ERROR "glslangValidator is missing; on Debian: apt-get install glslang-tools")
  endif()
  find_program(TESSERA_SPIRV_VAL spirv-val)
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

# The text of a kernel, as TEXT_cl.h.
function(tessera_text text dir)
  set(source shaders/${dir}/${text}.k) # relative, so that errors and generated texts name no machine's path
  set(base ${TESSERA_GENERATED}/${text})
  add_custom_command(OUTPUT ${base}_cl.h
    COMMAND tessera_embed flatten ${source} ${base}.cl
    COMMAND tessera_embed bytes ${base}.cl ${base}_cl.h ${text}_cl
    DEPENDS ${PROJECT_SOURCE_DIR}/${source} ${TESSERA_KERNEL_HEADERS} tessera_embed
    WORKING_DIRECTORY ${PROJECT_SOURCE_DIR} VERBATIM)
  set(TESSERA_KERNEL_OUTPUTS ${TESSERA_KERNEL_OUTPUTS} ${base}_cl.h PARENT_SCOPE)
endfunction()

# The same as SPIR-V, TEXT_VARIANT_spv.h; further arguments are definitions. TESSERA_SPIRV_ENV: of another environment than Vulkan 1.2.
function(tessera_spirv text dir variant)
  set(env vulkan1.2)
  if(TESSERA_SPIRV_ENV)
    set(env ${TESSERA_SPIRV_ENV})
  endif()
  set(source shaders/${dir}/${text}.k)
  set(base ${TESSERA_GENERATED}/${text}_${variant})
  set(validate "")
  if(TESSERA_SPIRV_VAL)
    set(validate COMMAND ${TESSERA_SPIRV_VAL} --target-env ${env} --scalar-block-layout ${base}.spv)
  endif()
  add_custom_command(OUTPUT ${base}_spv.h
    COMMAND tessera_embed flatten ${source} ${base}.comp ${TESSERA_PREAMBLE}
    COMMAND ${TESSERA_GLSLANG_VALIDATOR} --quiet --target-env ${env} -S comp ${ARGN} -o ${base}.spv ${base}.comp
    ${validate}
    COMMAND tessera_embed words ${base}.spv ${base}_spv.h ${text}_${variant}_spv
    DEPENDS ${PROJECT_SOURCE_DIR}/${source} ${TESSERA_KERNEL_HEADERS} ${TESSERA_PREAMBLE} tessera_embed
    WORKING_DIRECTORY ${PROJECT_SOURCE_DIR} VERBATIM)
  set(TESSERA_KERNEL_OUTPUTS ${TESSERA_KERNEL_OUTPUTS} ${base}_spv.h PARENT_SCOPE)
endfunction()

# A kernel whose operands may be words (shaders/tile/quads.h): also NAME_packed_spv.h, of fp16, and where glslang can NAME_dot_spv.h, the same by the
# GPU's instruction. VALUES, of a kernel with values beside: also NAME_sums_spv.h, with sums of those in fp16, and NAME_codes_{f32,f16,i8}_spv.h, of
# codes by the GPU's instruction, with values of these types.
function(tessera_packed_kernel name dir)
  if(TESSERA_VULKAN)
    set(words -DTILE=2 -DQK_DT=1)
    if("VALUES" IN_LIST ARGN)
      list(APPEND words -DPV_DT=1)
      tessera_spirv(${name} ${dir} sums ${words} -DF16_SUMS=1)
    endif()
    tessera_spirv(${name} ${dir} packed ${words})
    if(TESSERA_DOT)
      if("VALUES" IN_LIST ARGN)
        tessera_spirv(${name} ${dir} codes_f32 -DTILE=2 -DQK_DT=7 -DINT8_DOT=1)
        tessera_spirv(${name} ${dir} codes_i8 -DTILE=2 -DQK_DT=7 -DPV_DT=7 -DINT8_DOT=1)
      endif()
      if(NOT TESSERA_DOT_VALID)
        set(TESSERA_SPIRV_VAL "")
      endif()
      tessera_spirv(${name} ${dir} dot ${words} -DF16_DOT=1)
      if("VALUES" IN_LIST ARGN)
        tessera_spirv(${name} ${dir} codes_f16 -DTILE=2 -DQK_DT=7 -DPV_DT=1 -DF16_DOT=1 -DINT8_DOT=1)
      endif()
    endif()
  endif()
  set(TESSERA_KERNEL_OUTPUTS ${TESSERA_KERNEL_OUTPUTS} PARENT_SCOPE)
endfunction()

function(tessera_kernel name dir)
  tessera_text(${name} ${dir})
  if(TESSERA_VULKAN)
    tessera_spirv(${name} ${dir} simt -DTILE=2)
    tessera_spirv(${name} ${dir} subgroup -DTILE=3)
  endif()
  set(TESSERA_KERNEL_OUTPUTS ${TESSERA_KERNEL_OUTPUTS} PARENT_SCOPE)
endfunction()

function(tessera_matrix_kernel name dir)
  tessera_text(${name}_matrix ${dir})
  set(types ${TESSERA_MATRIX_TYPES})
  if(ARGN)
    list(FILTER types INCLUDE REGEX "^(${ARGN})$")
  endif()
  foreach(type IN LISTS types)
    tessera_spirv(${name}_matrix ${dir} ${type} -DTILE=4 -DMAT_DT=${TESSERA_MATRIX_NUMBER_${type}})
  endforeach()
  set(TESSERA_KERNEL_OUTPUTS ${TESSERA_KERNEL_OUTPUTS} PARENT_SCOPE)
endfunction()

function(tessera_reduced_kernel name dir)
  if(TESSERA_MATRIX_REDUCED)
    set(TESSERA_SPIRV_ENV vulkan1.3)
    foreach(type f16 bf16 s8)
      tessera_spirv(${name}_matrix ${dir} ${type}_reduced -DTILE=4 -DMAT_DT=${TESSERA_MATRIX_NUMBER_${type}} -DMAT_REDUCED=1)
    endforeach()
  endif()
  set(TESSERA_KERNEL_OUTPUTS ${TESSERA_KERNEL_OUTPUTS} PARENT_SCOPE)
endfunction()
