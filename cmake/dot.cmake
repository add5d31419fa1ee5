# Can glslangValidator compile dot products by their numbers (GL_EXT_spirv_intrinsics)? TESSERA_DOT. spirv-val may be older than those of fp16 pairs, and
# is left out where it does not know them: TESSERA_DOT_VALID.
set(TESSERA_DOT FALSE)
set(TESSERA_DOT_VALID FALSE)
if(TESSERA_VULKAN)
  set(try ${PROJECT_BINARY_DIR}/generated/dot_try.comp)
  file(READ ${PROJECT_SOURCE_DIR}/shaders/dialect/preamble.glsl preamble)
  file(READ ${PROJECT_SOURCE_DIR}/shaders/dialect/dots.h dialect)
  file(WRITE ${try} "${preamble}#define F16_DOT 1\n#define INT8_DOT 1\n${dialect}layout(local_size_x = 32) in;\nshared float sum;\nshared int codes;\n"
    "void main() { sum = dot2(1u, 2u, sum); codes = dot4(1u, 2u, codes); }\n")
  execute_process(COMMAND ${TESSERA_GLSLANG_VALIDATOR} --quiet --target-env vulkan1.2 -S comp -o ${try}.spv ${try} RESULT_VARIABLE failed
    OUTPUT_QUIET ERROR_QUIET)
  if(NOT failed)
    set(TESSERA_DOT TRUE)
    if(TESSERA_SPIRV_VAL)
      execute_process(COMMAND ${TESSERA_SPIRV_VAL} --target-env vulkan1.2 ${try}.spv RESULT_VARIABLE failed OUTPUT_QUIET ERROR_QUIET)
      if(NOT failed)
        set(TESSERA_DOT_VALID TRUE)
      endif()
    endif()
  endif()
endif()
message(STATUS "Dot products of fp16 pairs (VK_VALVE_shader_mixed_float_dot_product) and of int8 (VK_KHR_shader_integer_dot_product): ${TESSERA_DOT}")
