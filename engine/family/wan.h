/* What the decoders and encoders of the Wan line share: two schemes of tensor names, and the parts outside their levels. */
#ifndef TSR_WAN_H
#define TSR_WAN_H

#include "blocks.h"

typedef struct tsr_wan {
    tsr_net *net;
    tsr_weights *w;
    const char *half; /* "decoder", "encoder" */
    bool diffusers;   /* names of diffusers, else the original ones */
    tsr_block_style style;
    char widths[64]; /* of the levels so far, from the pixels on: the net's variant */
} tsr_wan;

/* kt: taps in time of the file's 3x3 convolutions. A variant is refused. */
tsr_wan tsr_wan_open(tsr_net *net, tsr_weights *w, const char *half, const char *variant, int32_t kt);
/* The decoder's start: latents through the 1x1 convolution, the first 3x3 one, and the middle blocks. mean, std: of the latents, if the file has
 * z channels of them. */
int32_t tsr_wan_start(tsr_wan *wan, const float *mean, const float *std, int32_t z);
/* Residual blocks called prefix and a number, n of them from first on; the first may change the width. */
int32_t tsr_wan_level(tsr_wan *wan, const char *prefix, int32_t first, int32_t n, int32_t x);
int32_t tsr_wan_middle(const tsr_wan *wan, int32_t x);
/* Norm and last 3x3 convolution. */
tsr_conv_desc tsr_wan_head(const tsr_wan *wan, char name[TSR_BLOCK_NAME], int32_t x, int32_t cout);
/* The decoder's end: pixels of 3 channels in patches of the given order, or of 4 channels; and close. */
void tsr_wan_finish(tsr_wan *wan, int32_t x, tsr_order order);
/* Checks that the file has no more layers, and fills in what nets tell of themselves. */
void tsr_wan_close(tsr_wan *wan);
/* Twice the frames (none for the first), each its own share of the channels; prefix: of the up-sampler. */
int32_t tsr_wan_up_time(const tsr_wan *wan, const char *prefix, int32_t x);

/* wan_encoder.c: the encoder's start: pixels, or patches of p x p of them, through the first convolution; half the height and width; every second
 * frame, the first one as it is; the middle blocks, the last convolutions, and close. */
int32_t tsr_wan_pixels(const tsr_wan *wan, int32_t p);
int32_t tsr_wan_down(const tsr_wan *wan, const char *prefix, int32_t x);
int32_t tsr_wan_down_time(const tsr_wan *wan, const char *prefix, int32_t x);
void tsr_wan_latents(tsr_wan *wan, int32_t x, const float *mean, const float *std, int32_t z);

/* wan22_encoder.c */
void tsr_wan22_encoder(tsr_net *net, tsr_weights *w, const char *variant);
void tsr_qwen21_encoder(tsr_net *net, tsr_weights *w, const char *variant);

#endif
