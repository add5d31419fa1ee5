/* Layers that the tiny autoencoders (TAEHV, its "super" form, TAESD) share. All pad with zeros and look back one frame at most. */
#ifndef TSR_TAE_H
#define TSR_TAE_H

#include "family.h"

typedef struct tae {
    tsr_net *net;
    tsr_weights *w;
    const char *base; /* of layer names: "decoder." */
    tsr_act act;
} tae;

/* Has anything failed so far? Then the calls below do nothing and return TSR_NONE. */
bool tae_failed(const tae *t);

/* A convolution of x with taps (taken over), centred where their number is odd; name is whole. */
int32_t tae_add(tae *t, const char *name, int32_t x, tsr_taps taps, tsr_conv_desc desc);
/* A convolution of x with k x k taps, centred, named BASE + layer; what else is asked for is in desc. cout -1: as the file has it. */
int32_t tae_conv(tae *t, const char *layer, int32_t x, int32_t cout, int32_t k, int bias, tsr_conv_desc desc);
/* The same over kt frames of x: the file's input channels are kt times those of x, the frames' channels one after the other. */
int32_t tae_conv_frames(tae *t, const char *layer, int32_t x, int32_t cout, int32_t kt, bool newest_first, int32_t k, int bias, tsr_conv_desc desc);
/* y = act(c4(act(c2(act(c0(x))))) + x), all 3x3; memory: c0 reads [x_t; x_t-1]. */
int32_t tae_block(tae *t, int32_t n, int32_t x, bool memory);
/* Three of them with memory, from layer n on, in this form or the wide one: C1 2C > C, grouped C2, C1, grouped C2. */
int32_t tae_blocks(tae *t, int32_t n, int32_t x);
/* Layer n: 1x1 without bias to s times the channels, group i of which is frame i of s. *grow is multiplied by s. */
int32_t tae_grow(tae *t, int32_t n, int32_t x, int32_t *grow);
/* The p of a layer whose weight has 3 p p channels on that axis: a power of two up to 8, as levels of features are. 0: failed. */
int32_t tae_patch(tae *t, const char *layer, uint32_t axis);
/* Layer 22: 3x3 to 3 p p channels, which are p x p pixels. */
int32_t tae_last(tae *t, int32_t x);
/* The encoder of TAEHV, plain or super. Names the output. */
void tae_encoder(tsr_net *net, tsr_weights *w, const char *variant);

/* What a variant says that names and shapes do not. */
typedef struct tae_variant {
    const char *name;
    int32_t channels, fps;
    bool reads_raw;
    bool leaky, centred;     /* leaky ReLU; frames in [-1, 1] */
    bool even_whole;         /* clips of an even number of latents keep all frames */
    int32_t drop_every;      /* see tsr_net */
    const float *mean, *std; /* raw = z std + mean; NULL: not known, or std_all */
    float std_all;
} tae_variant;

/* The variant of that name, NULL: the first with so many latent channels. Fails, with NULL returned, where there is none. */
const tae_variant *tae_variant_of(tsr_weights *w, const char *name, int32_t channels);
/* Sets what the net's latents and frames are; of a decoder, also which frames are shown. */
void tae_latent(tsr_net *net, const tae_variant *v, int32_t channels);
void tae_shown(tsr_net *net, const tae_variant *v, int32_t channels, int32_t time_scale);

#endif
