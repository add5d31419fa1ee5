/* What reader and writer of safetensors files share. */
#ifndef TSR_SAFETENSORS_H
#define TSR_SAFETENSORS_H

#include "tensors.h"

/* The name of a data type in the file format, and back. */
static const struct {
    const char *name;
    tsr_dtype dtype;
} tsr_file_dtypes[] = {{"F32", TSR_F32}, {"F16", TSR_F16}, {"BF16", TSR_BF16}, {"U8", TSR_U8}, {"BOOL", TSR_U8},
                       {"I32", TSR_I32}, {"I64", TSR_I64}, {"F64", TSR_F64},   {"I8", TSR_I8}, {"I16", TSR_I16}};

enum { TSR_FILE_DTYPE_COUNT = sizeof(tsr_file_dtypes) / sizeof(tsr_file_dtypes[0]) };

#endif
