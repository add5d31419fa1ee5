/* What a description says to kernels of the flash family: constants and parameters. */
#include "flash.h"

#include <string.h>

#include "codes.h"

void tsr_flash_fill_specs(const tsr_attention *att, const tsr_tiling *t, int32_t *specs)
{
    const tsr_attention_desc *d = &att->desc;
    const struct tsr_coder *codes = att->coder;
    bool gathered = att->given && att->given->gathered, tested = att->given && att->given->tested;
    for (uint32_t i = 0; i < att->schedule_count; i++)
        gathered = gathered || att->schedules[i]->gathered, tested = tested || att->schedules[i]->tested;
    const int32_t values[BK_MAX_SPECS] = {
        [FLASH_LANES] = t->lanes,
        [FLASH_D] = (int32_t)d->q.shape[3],
        [FLASH_D_CHUNK] = t->d_chunk,
        [FLASH_DV_SLICE] = t->dv_slice,
        [FLASH_KV_CHUNK] = t->kv_chunk,
        [FLASH_Q_DT] = (int32_t)(codes ? codes->q.dtype : d->q.dtype),
        [FLASH_K_DT] = (int32_t)(codes ? codes->k.dtype : d->k.dtype),
        [FLASH_V_DT] = (int32_t)(codes ? codes->v.dtype : d->v.dtype),
        [FLASH_BIAS_DT] = tsr_layout_wanted(&d->bias) ? (int32_t)d->bias.dtype : -1,
        [FLASH_HAS_MASK] = tsr_layout_wanted(&d->mask),
        [FLASH_HAS_CAP] = d->softcap > 0,
        [FLASH_GATHERED] = gathered,
        [FLASH_TESTED] = tested,
        [FLASH_TAGGED] = d->tagged != 0,
        [FLASH_HAS_SKIP] = d->skip > 0,
        [FLASH_CODES] = codes != NULL,
        [FLASH_P_DT] = codes ? (int32_t)codes->p : TSR_F32,
        [FLASH_RM] = t->rm,
        [FLASH_RN] = t->rn,
        [FLASH_LN] = t->ln,
        [FLASH_BC] = t->bc,
    };
    memcpy(specs, values, sizeof(values));
}

flash_params tsr_flash_params(const tsr_attention *att, const tsr_tiling *t, int64_t blocks_at)
{
    const tsr_attention_desc *d = &att->desc;
    const int64_t nq = d->q.shape[2], nk = d->k.shape[2], heads = d->q.shape[1], dv = d->v.shape[3];
    const struct tsr_coder *codes = att->coder;
    const tsr_layout *q = codes ? &codes->q : &d->q, *k = codes ? &codes->k : &d->k, *v = codes ? &codes->v : &d->v;
    return (flash_params){
        .q_sb = tsr_layout_step(q, 0),
        .q_sh = tsr_layout_step(q, 1),
        .q_sn = tsr_layout_step(q, 2),
        .q_sd = (int32_t)q->stride[3],
        .k_sb = tsr_layout_step(k, 0),
        .k_sh = tsr_layout_step(k, 1),
        .k_sn = tsr_layout_step(k, 2),
        .k_sd = (int32_t)k->stride[3],
        .v_sb = tsr_layout_step(v, 0),
        .v_sh = tsr_layout_step(v, 1),
        .v_sn = tsr_layout_step(v, 2),
        .v_sd = (int32_t)v->stride[3],
        .o_sb = tsr_layout_step(&d->o, 0),
        .o_sh = tsr_layout_step(&d->o, 1),
        .o_sn = tsr_layout_step(&d->o, 2),
        .o_sd = (int32_t)d->o.stride[3],
        .lse_sb = tsr_layout_step(&d->lse, 0),
        .lse_sh = tsr_layout_step(&d->lse, 1),
        .lse_sn = tsr_layout_step(&d->lse, 2),
        .bias_sb = tsr_layout_step(&d->bias, 0),
        .bias_sh = tsr_layout_step(&d->bias, 1),
        .bias_sn = tsr_layout_step(&d->bias, 2),
        .bias_sk = tsr_layout_step(&d->bias, 3),
        .mask_sb = tsr_layout_step(&d->mask, 0),
        .mask_sh = tsr_layout_step(&d->mask, 1),
        .mask_sn = tsr_layout_step(&d->mask, 2),
        .mask_sk = tsr_layout_step(&d->mask, 3),
        .blocks_at = blocks_at,
        .sink_sh = (int32_t)d->sink.stride[1],
        .heads = (int32_t)heads,
        .group_heads = (int32_t)(heads / d->k.shape[1]),
        .nq = (int32_t)nq,
        .nk = (int32_t)nk,
        .dv = (int32_t)dv,
        .splits = (int32_t)t->splits,
        .q_tiles = att->q_tiles,
        .dv_slices = att->dv_slices,
        .passes = (int32_t)t->passes,
        .scale = codes ? 1 : d->scale, /* which is in the steps of q */
        .softcap = d->softcap,
        .skip = (float)((double)d->skip * 0.69314718055994531), /* scores are natural */
    };
}
