/* The flash kernel on Intel's matrix engines: its constants. */
#include "attention/flash_dpas_args.h"
#include "flash.h"
#include "shapes.h"

#define FLASH_DPAS_ID(id, NAME, value) FLASH_DPAS_##NAME = id,
enum { FLASH_DPAS_SPECS(FLASH_DPAS_ID) };

tsr_status tsr_flash_create_dpas(tsr_attention *att, const tsr_tiling *t, const int32_t *flash)
{
    int32_t specs[BK_MAX_SPECS] = {[FLASH_DPAS_SUBGROUP] = t->lanes / t->rm, [FLASH_DPAS_QUERIES] = t->query_tile};
    FLASH_COPY_COMMON(FLASH_DPAS, flash, specs)
    return tsr_kernel_get_matrix(att->dev, "flash_dpas", tsr_matrix_input(&att->desc), specs, att->desc.score, &att->flash);
}
