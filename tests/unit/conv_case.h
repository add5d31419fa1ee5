/* A convolution drawn at random, its operands, and what it must give. */
#ifndef UNIT_CONV_CASE_H
#define UNIT_CONV_CASE_H

#include "decode/ops.h"

typedef struct conv_case {
    uint64_t seed;
    tsr_conv_desc desc; /* taps belong to the case: hand over a copy */
    tsr_norm_desc norm; /* kind TSR_NORM_GROUP: none is asked for */
    tsr_dtype weights, x_dtype, residual_dtype, y_dtype, act_dtype;
    int32_t height, width, grid_height, grid_width, out_height, out_width;
    int32_t channels, made, frames; /* frames that are read */
    int32_t set, residual_row, residual_channels;
    float *x[3]; /* [height][width][channels]; NULL: a frame of zeros */
    float *residual, *noise;
    int32_t *table;
    float *noise_scale;
    double *y, *act;             /* [out_height][out_width][made] */
    double *y_error, *act_error; /* that fp32 sums may have */
} conv_case;

/* with_norm: and a norm that may be fused. */
conv_case *conv_case_draw(uint64_t seed, bool with_norm);
void conv_case_free(conv_case *c);
/* Fills y and act by the definition: up-sample, pad, convolve, unshuffle. */
void conv_case_work_out(conv_case *c);

uint64_t conv_random(uint64_t *state);
/* low .. high */
int32_t conv_draw(uint64_t *state, int32_t low, int32_t high);

#endif
