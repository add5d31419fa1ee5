# Which inputs of cooperative matrices glslangValidator can compile: TESSERA_MATRIX_TYPES, of f16, bf16 and s8; and does it know the reductions of
# VK_NV_cooperative_matrix2? TESSERA_MATRIX_REDUCED.
set(TESSERA_MATRIX_TYPES "")
set(TESSERA_MATRIX_NUMBER_f16 1) # as tsr_dtype
set(TESSERA_MATRIX_NUMBER_bf16 2)
set(TESSERA_MATRIX_NUMBER_s8 7)
set(TESSERA_MATRIX_REDUCED FALSE)

# Sets `out` where a kernel of such matrices compiles with these options.
function(tessera_try_matrices out)
  set(try ${PROJECT_BINARY_DIR}/generated/matrix_try.comp)
  file(READ ${PROJECT_SOURCE_DIR}/shaders/dialect/preamble.glsl preamble)
  file(READ ${PROJECT_SOURCE_DIR}/shaders/dialect/matrix.h dialect)
  file(WRITE ${try} "${preamble}${dialect}layout(local_size_x = 32) in;\nvoid main() { MAT_A(16, 16) a = MAT_A(16, 16)(MAT_IN(0)); }\n")
  execute_process(COMMAND ${TESSERA_GLSLANG_VALIDATOR} --quiet -S comp -DTILE=4 ${ARGN} -o ${try}.spv ${try}
    RESULT_VARIABLE failed OUTPUT_QUIET ERROR_QUIET)
  if(NOT failed)
    set(${out} TRUE PARENT_SCOPE)
  endif()
endfunction()

if(TESSERA_VULKAN)
  foreach(type f16 bf16 s8)
    set(known FALSE)
    tessera_try_matrices(known --target-env vulkan1.2 -DMAT_DT=${TESSERA_MATRIX_NUMBER_${type}})
    if(known)
      list(APPEND TESSERA_MATRIX_TYPES ${type})
    endif()
  endforeach()
  tessera_try_matrices(TESSERA_MATRIX_REDUCED --target-env vulkan1.3 -DMAT_DT=1 -DMAT_REDUCED=1)
endif()
list(JOIN TESSERA_MATRIX_TYPES " " types)
if(types)
  message(STATUS "Matrix kernels (cooperative matrices): ${types}; reductions of VK_NV_cooperative_matrix2: ${TESSERA_MATRIX_REDUCED}")
else()
  message(STATUS "Matrix kernels (cooperative matrices): none, glslangValidator lacks GL_KHR_cooperative_matrix")
endif()
