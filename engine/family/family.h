/* The families of decoders: how each is told from a file's names and shapes, and built. */
#ifndef TSR_FAMILY_H
#define TSR_FAMILY_H

#include "decode/net.h"
#include "weights.h"

typedef struct tsr_family {
    const char *name; /* "wan2.1" */
    /* Tensor names (below the prefix) that a file of the family has, NULL-terminated; the first is the one that tells it. Where key schemes
     * differ, all names of the same tensor, parted by '|'. For the text of "cannot be told": the nearest family is the one with most of
     * them. */
    const char *const *signs;
    bool (*fits)(const tsr_weights *w);
    /* Builds the net into net (net->encoder: the encoder). variant: what the caller said where files do not tell (a family's own
     * words, listed in the error of an unknown one), or NULL. Failures are left in net->status or w->status. */
    void (*decoder)(tsr_net *net, tsr_weights *w, const char *variant);
    void (*encoder)(tsr_net *net, tsr_weights *w, const char *variant); /* NULL: none */
} tsr_family;

/* families.c: all of them, NULL-terminated. */
extern const tsr_family *const tsr_families[];

/* recognise.c: finds prefix and family of a file; family_name NULL or what the caller said. Fills w (open) on success. */
tsr_status tsr_recognise(const tsr_tensors *file, const char *family_name, const tsr_family **family, tsr_weights *w);

extern const tsr_family tsr_family_wan21, tsr_family_wan22, tsr_family_qwen21, tsr_family_taehv, tsr_family_taehv_super, tsr_family_ltx,
    tsr_family_hunyuan, tsr_family_hunyuan15, tsr_family_kl, tsr_family_taesd, tsr_family_cogvideox, tsr_family_svd, tsr_family_mochi;

#endif
