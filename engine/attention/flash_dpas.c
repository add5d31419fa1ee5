/* The flash kernel on Intel's matrix engines: its constants. */
#include "attention/flash_dpas_args.h"
#include "flash.h"
#include "shapes.h"

#define FLASH_DPAS_ID(id, NAME, value) FLASH_DPAS_##NAME = id,
enum { FLASH_DPAS_SPECS(FLASH_DPAS_ID) };

tsr_status tsr_flash_create_dpas(tsr_attention *att, const tsr_tiling *t, const int32_t *flash)
{
    static const uint8_t common[][2] = {
#define COMMON(NAME) {FLASH_##NAME, FLASH_DPAS_##NAME}
        COMMON(LANES),   COMMON(D),        COMMON(DV_SLICE), COMMON(BC),      COMMON(V_DT),    COMMON(O_DT),
        COMMON(BIAS_DT), COMMON(HAS_MASK), COMMON(HAS_SINK), COMMON(HAS_LSE), COMMON(HAS_CAP), COMMON(GATHERED),
        COMMON(TESTED),  COMMON(TAGGED),   COMMON(HAS_SKIP), COMMON(CODES),   COMMON(P_DT)};
    int32_t specs[BK_MAX_SPECS] = {[FLASH_DPAS_SUBGROUP] = t->lanes / t->rm, [FLASH_DPAS_QUERIES] = t->query_tile};
    for (size_t i = 0; i < sizeof(common) / sizeof(common[0]); i++) specs[common[i][1]] = flash[common[i][0]];
    return tsr_kernel_get_matrix(att->dev, "flash_dpas", tsr_matrix_input(&att->desc), specs, att->desc.score, &att->flash);
}
