/* Names and sizes of data types. */
#include "internal.h"

static const struct {
    const char *name;
    size_t size;
} dtypes[TSR_DTYPE_COUNT] = {
    [TSR_F32] = {"f32", 4}, [TSR_F16] = {"f16", 2}, [TSR_BF16] = {"bf16", 2}, [TSR_U8] = {"u8", 1},   [TSR_I32] = {"i32", 4},
    [TSR_I64] = {"i64", 8}, [TSR_F64] = {"f64", 8}, [TSR_I8] = {"i8", 1},     [TSR_I16] = {"i16", 2},
};

const char *tsr_dtype_name(tsr_dtype dtype) { return (unsigned)dtype < TSR_DTYPE_COUNT ? dtypes[dtype].name : "unknown"; }

size_t tsr_dtype_size(tsr_dtype dtype) { return (unsigned)dtype < TSR_DTYPE_COUNT ? dtypes[dtype].size : 0; }
