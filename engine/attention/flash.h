/* The flash kernel's constants and parameters, as kernels of its family share them. */
#ifndef TSR_FLASH_H
#define TSR_FLASH_H

#include "attention.h"
#include "attention/flash_args.h"

#define FLASH_ID(id, NAME, value) FLASH_##NAME = id,
enum { FLASH_SPECS(FLASH_ID) FLASH_SHAPES(FLASH_ID) };
typedef struct flash_params {
    FLASH_PARAMS(TSR_PARAM_FIELD)
} flash_params;

/* specs [BK_MAX_SPECS]: all but output type, sink and log-sum-exp, which are 0. */
void tsr_flash_fill_specs(const tsr_attention *att, const tsr_tiling *t, int32_t *specs);
/* The kernel in tile model matrix, as att->flash; flash: the constants of the other form, whole. */
tsr_status tsr_flash_create_matrix(tsr_attention *att, const tsr_tiling *t, const int32_t *flash);
/* The same for Intel's matrix engines. */
tsr_status tsr_flash_create_dpas(tsr_attention *att, const tsr_tiling *t, const int32_t *flash);
/* The kernel for a run over these keys and values: another than att->flash, compiled then, where they do not begin as that takes it. */
tsr_status tsr_flash_for(const tsr_attention *att, const tsr_span *k, const tsr_span *v, bk_kernel **out);
/* The parameters of the first pass. */
flash_params tsr_flash_params(const tsr_attention *att, const tsr_tiling *t, int64_t blocks_at);

#endif
