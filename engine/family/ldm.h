/* The tree of layers that decoders of the latent diffusion lineage share (KL, SVD, CogVideoX), under the key schemes of ldm and of diffusers. */
#ifndef TSR_LDM_H
#define TSR_LDM_H

#include "blocks.h"

enum { TSR_LDM_LEVELS = 8, TSR_LDM_CHANNELS = 1024 };

typedef struct tsr_ldm tsr_ldm;

struct tsr_ldm {
    tsr_net *net;
    tsr_weights *w;
    bool diffusers;        /* the key scheme */
    tsr_block_style style; /* of residual blocks and all that is around them */
    const char *inner;     /* of residual blocks' names: "spatial_res_block"; NULL: none */
    /* What follows the residual block of that name; NULL: nothing. */
    int32_t (*after)(const tsr_ldm *ldm, const char *name, int32_t x);
    int32_t time_from, time_levels; /* the up-samplings that double time too: so many from that one on */
    tsr_first time_first;           /* what the first step of those makes */
    int32_t up_kt;                  /* of the convolutions after up-sampling; 0: 1 */
    int32_t level_count, widths[TSR_LDM_LEVELS];
};

/* Has the file that tree, with this name of a tensor within its residual blocks? */
bool tsr_ldm_has(const tsr_weights *w, const char *tensor);
/* Told from the file: the key scheme, and the style of KL decoders (others change it after). */
void tsr_ldm_open(tsr_net *net, tsr_weights *w, const char *tensor, tsr_ldm *ldm);
/* Latent channels, as that convolution reads them; 0 if it is not there or reads more than any decoder's. */
int32_t tsr_ldm_channels(tsr_weights *w, const char *conv_in);
/* raw = normalised / scale + shift, in all channels. */
void tsr_ldm_latent(tsr_net *net, int32_t channels, double scale, double shift);
/* The net's variant: these widths. */
void tsr_ldm_variant(tsr_net *net, const int32_t *widths, int32_t count);
/* From conv_in to conv_out. Also sets the net's variant: widths, the last level's first. */
int32_t tsr_ldm_decoder(tsr_ldm *ldm, int32_t x);

#endif
