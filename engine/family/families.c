/* The families, in the order in which files are tried; the first that fits is taken. */
#include "family.h"

#include "tessera/tessera_decode.h"

/* One line each. */
const tsr_family *const tsr_families[] = {
    &tsr_family_qwen21,    &tsr_family_wan22, &tsr_family_wan21, &tsr_family_ltx,         &tsr_family_hunyuan15, &tsr_family_hunyuan, &tsr_family_svd,
    &tsr_family_cogvideox, &tsr_family_mochi, &tsr_family_kl,    &tsr_family_taehv_super, &tsr_family_taehv,     &tsr_family_taesd,   NULL,
};

const char *tsr_decoder_family(size_t index)
{
    const size_t count = sizeof(tsr_families) / sizeof(*tsr_families) - 1;
    return index < count ? tsr_families[index]->name : NULL;
}
