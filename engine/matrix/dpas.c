/* Intel's matrix engines: operands are registers in an order that is known, so that a device is asked for nothing but shapes. */
#include <string.h>

#include "layout.h"

int32_t tsr_dpas_columns(const tsr_device_info *info, tsr_dtype input)
{
    const char *const type = input == TSR_I8 ? "s8" : tsr_dtype_name(input);
    for (uint32_t i = 0; i < info->matrix_count && (info->features & TSR_FEATURE_DPAS); i++)
        if (info->matrix[i].m == TSR_DPAS_ROWS && strcmp(info->matrix[i].a, type) == 0) return (int32_t)info->matrix[i].n;
    return 0;
}
