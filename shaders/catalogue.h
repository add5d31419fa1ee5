/* The catalogue of compiled kernels, and the C face of their interfaces. */
#ifndef TSR_CATALOGUE_H
#define TSR_CATALOGUE_H

#include "backend.h"

/* The kernel of that name for a tile model but matrix and packed, or NULL. */
const bk_kernel_source *tsr_kernel_source(const char *name, tsr_tile tile);
/* The same in tile model matrix, for inputs of that type: TSR_F16, TSR_BF16 or TSR_I8. */
const bk_kernel_source *tsr_kernel_matrix_source(const char *name, tsr_dtype input);

/* The same in tile model packed: TSR_F16 with values in TSR_F16 (conv: TSR_F32, it has none), or TSR_I8 with values in TSR_F32, TSR_F16 or TSR_I8.
 * sums: TSR_F16 where a few products of values are summed in fp16 (the first alone), TSR_F32 elsewhere. */
const bk_kernel_source *tsr_kernel_packed_source(const char *name, tsr_dtype input, tsr_dtype values, tsr_dtype sums);

/* The source behind another in the catalogue; NULL: the first, and behind the last. */
const bk_kernel_source *tsr_kernel_source_next(const bk_kernel_source *source);

/* From a kernel's X-macros to an enum of its spec ids and the struct of its parameters. */
#define TSR_SPEC_ID_NAME(prefix, NAME) prefix##_##NAME
#define TSR_PARAM_FIELD(T, name) T name;
typedef int64_t i64;
typedef int32_t i32;
typedef float f32;

#endif
