/* The parts of a decoder: checked weights, convolution layers, and the streaming graph. */
#ifndef TSR_DECODER_H
#define TSR_DECODER_H

#include "internal.h"

/* half.c: n values of an f32, f16 or bf16 tensor, from element first on. */
void tsr_floats_from(const tsr_tensor_view *view, uint64_t first, uint64_t n, float *out);

/* weights.c: the tensor of that name, of a floating type and this shape (-1: any); else
 * TSR_ERROR_FILE, naming it and both shapes. */
tsr_status tsr_weights_get(const tsr_tensors *file, const char *name, uint32_t rank, const int64_t *shape, tsr_tensor_view *out);

/* A convolution, described once and compiled for one size of image at a time. */
typedef struct tsr_conv {
    int32_t cin, cin_past, cout, taps, shuffle;
    bool up, has_bias, residual, in_tanh, relu, clamp;
    tsr_buffer *weight; /* packed for the tile model, then the bias */
    uint64_t bias_at;
    int32_t rm;
    /* for the current size: */
    bk_kernel *kernel;
    tsr_buffer *params;
    uint32_t groups;
    uint64_t flops;
} tsr_conv;

/* conv.c: uploads weight [cout,cin+cin_past,taps,taps] and bias [cout] (may be NULL) as they lie in the file. */
tsr_status tsr_conv_create(tsr_device *dev, tsr_conv *conv, const tsr_tensor_view *weight, const tsr_tensor_view *bias);
void tsr_conv_destroy(tsr_conv *conv);
/* Compiles for an output of height x width pixels (before a shuffle). */
tsr_status tsr_conv_resize(tsr_device *dev, tsr_conv *conv, uint32_t height, uint32_t width);

/* Planes are fp32 [C][H][W]; past and residual may be NULL buffers. */
tsr_status tsr_conv_run(tsr_device *dev, const tsr_conv *conv, tsr_span x, tsr_span past, tsr_span residual, tsr_span y);

/* The tiny autoencoder's decoder (TAEHV), a chain of nodes over single frames. */
typedef enum tsr_node_kind { TSR_NODE_CONV, TSR_NODE_MEM, TSR_NODE_GROW } tsr_node_kind;

typedef struct tsr_node {
    tsr_node_kind kind;
    int32_t level;        /* frames are 2^level times the latent's size where this node reads */
    int32_t in, out;      /* channels */
    int32_t frames;       /* GROW: frames made of one */
    tsr_conv conv[3];     /* MEM: three, else one */
    tsr_buffer *input[2]; /* where the node before writes; MEM keeps the last frame's in the other one */
    int current;
} tsr_node;

enum { TSR_MAX_NODES = 24, TSR_MAX_TIME_SCALE = 16 };

struct tsr_decoder {
    tsr_device *dev;
    tsr_decoder_info info;
    tsr_node nodes[TSR_MAX_NODES];
    int node_count;
    int32_t patch;
    uint32_t height, width; /* of the latent; 0 before the start */
    tsr_buffer *scratch[2]; /* inside MEM */
    tsr_buffer *frames[TSR_MAX_TIME_SCALE];
    uint32_t made, taken; /* of the frames of the last push */
    uint64_t total_made;  /* since the start, the dropped ones among them */
};

/* taehv.c: the chain from a file's names and shapes; runs one latent frame through it. */
tsr_status tsr_taehv_create(tsr_decoder *dec, const tsr_tensors *weights);
tsr_status tsr_taehv_start(tsr_decoder *dec);
tsr_status tsr_taehv_push(tsr_decoder *dec);
void tsr_taehv_free_buffers(tsr_decoder *dec);

#endif
