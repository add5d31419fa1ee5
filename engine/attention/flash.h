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
/* Constants that its forms for matrices have too: FORM is FLASH_MATRIX or FLASH_DPAS. */
#define FLASH_COPY_COMMON(FORM, flash, specs)                                                      \
    {                                                                                              \
        static const uint8_t common_[][2] = {                                                      \
            {FLASH_LANES, FORM##_LANES},       {FLASH_D, FORM##_D},               {FLASH_DV_SLICE, FORM##_DV_SLICE}, \
            {FLASH_BC, FORM##_BC},             {FLASH_V_DT, FORM##_V_DT},         {FLASH_O_DT, FORM##_O_DT},         \
            {FLASH_BIAS_DT, FORM##_BIAS_DT},   {FLASH_HAS_MASK, FORM##_HAS_MASK}, {FLASH_HAS_SINK, FORM##_HAS_SINK}, \
            {FLASH_HAS_LSE, FORM##_HAS_LSE},   {FLASH_HAS_CAP, FORM##_HAS_CAP},   {FLASH_GATHERED, FORM##_GATHERED}, \
            {FLASH_TESTED, FORM##_TESTED},     {FLASH_TAGGED, FORM##_TAGGED},     {FLASH_HAS_SKIP, FORM##_HAS_SKIP}, \
            {FLASH_CODES, FORM##_CODES},       {FLASH_P_DT, FORM##_P_DT}};                         \
        for (size_t i_ = 0; i_ < sizeof(common_) / sizeof(common_[0]); i_++) specs[common_[i_][1]] = flash[common_[i_][0]]; \
    }
/* The kernel in tile model matrix, as att->flash; flash: the constants of the other form, whole. */
tsr_status tsr_flash_create_matrix(tsr_attention *att, const tsr_tiling *t, const int32_t *flash);
/* The same for Intel's matrix engines. */
tsr_status tsr_flash_create_dpas(tsr_attention *att, const tsr_tiling *t, const int32_t *flash);
/* The kernel for a run over these keys and values: another than att->flash, compiled then, where they do not begin as that takes it. */
tsr_status tsr_flash_for(const tsr_attention *att, const tsr_span *k, const tsr_span *v, bk_kernel **out);
/* The parameters of the first pass. */
flash_params tsr_flash_params(const tsr_attention *att, const tsr_tiling *t, int64_t blocks_at);

#endif
