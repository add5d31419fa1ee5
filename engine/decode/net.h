/* A decoder (or encoder) as data: features, the nodes that make them, and the weights that nodes hold.
 *
 * A feature is a sequence of frames [height][width][channels], channels innermost, of one storage type. A node makes one frame
 * of its feature at a time from frames of others, as soon as those are there; so nothing here depends on how many latents
 * are pushed at once. Families (family.h) build nets with the calls below, and the executor (execute.h) runs them.
 *
 * Building: the first failure stays in net->status (its text in tsr_last_error); every later call does nothing and returns
 * TSR_NONE, but still takes over what it was given. So a family is written without a test after every line. */
#ifndef TSR_NET_H
#define TSR_NET_H

#include "internal.h"

enum { TSR_NONE = -1, TSR_MAX_FRAMES_READ = 3 };

typedef enum tsr_edge { TSR_EDGE_ZERO, TSR_EDGE_REPLICATE, TSR_EDGE_REFLECT /* index -1 is 1; in space only */ } tsr_edge;
typedef enum tsr_act { TSR_ACT_NONE, TSR_ACT_RELU, TSR_ACT_LEAKY /* slope 0.2 */, TSR_ACT_SILU } tsr_act;

/* Where channel o of a convolution goes that makes [rt][r][r] pixels of each (depth to space), C channels each. */
typedef enum tsr_order {
    TSR_ORDER_BLOCKS,   /* B: o = ((it r + ih) r + iw) C + c */
    TSR_ORDER_CHANNELS, /* A: o = ((c rt + it) r + ih) r + iw */
    TSR_ORDER_COLUMNS   /* W: o = (c r + iw) r + ih; rt is 1 */
} tsr_order;

/* What the first step of a clip makes, where steps make rt > 1 frames. */
typedef enum tsr_first {
    TSR_FIRST_ALL,     /* rt frames like any other */
    TSR_FIRST_LAST,    /* only the last of them */
    TSR_FIRST_COPY,    /* one: the input frame itself, without a convolution (no shuffle, no residual; cin = channels made) */
    TSR_FIRST_SPACE,   /* one: unpacked in space only, as TSR_ORDER_BLOCKS with rt = 1, of which the first C channels are kept */
    TSR_FIRST_ODD_LAST /* as LAST in clips of an odd number of latents, else as ALL (CogVideoX) */
} tsr_first;

/* Weights of a convolution on the host. Freed by tsr_taps_free. */
typedef struct tsr_taps {
    int32_t cout, cin; /* cin: of one group */
    int32_t kt, kh, kw;
    float *w;    /* [cout][cin][kt][kh][kw] */
    float *bias; /* [cout] or NULL */
} tsr_taps;

/* y = act(conv(x) + bias + noise_scale[c] noise + residual), clamped.
 * Frames: step s reads frames cur - (kt - 1 - ahead) .. cur + ahead of x, cur = s time_stride + time_stride - 1 (but see first_alone),
 * and makes rt frames. */
typedef struct tsr_conv_desc {
    const char *name; /* of the layer in the weight file, for reports */
    tsr_taps taps;    /* taken over */
    int32_t x;
    int32_t groups;      /* 0: 1. Channels of group g are [g cin, (g + 1) cin) in and [g cout/groups, ..) out */
    int32_t stride;      /* 0: 1; in height and width. Output extent: extent / stride, rounded up */
    int32_t before;      /* rows above and columns to the left that the window of pixel 0 begins at: kh / 2 for centred taps, 0 for
                            Wan's down-sampling (which pads below and to the right) */
    tsr_edge edge, past; /* outside the frame; before the first and after the last frame (zero or replicate) */
    int32_t ahead;       /* frames after the current one in the window: 0 causal */
    int32_t from;        /* frames of x before this number count as outside: 1 for Wan's time_conv */
    int32_t time_stride; /* 0: 1 */
    bool first_alone;    /* time_stride > 1: step 0 is frame 0 passed on as it is, then cur = s time_stride (Wan's encoder) */
    bool first_short;    /* time_stride > 1: cur = s time_stride, so that step 0 ends with frame 0 (Wan 2.2's encoder) */
    bool up;             /* x is read through a nearest 2x up-sampling in height and width: run as four phases with summed taps */
    bool up_time;        /* and through a nearest 2x in time that leaves frame 0 alone: rt is 2, kt is 1 or 3 (past: replicate), first
                            as given (LAST or ODD_LAST, or ALL: frame 0 is doubled too, kt 1 only) */
    int32_t rt;          /* 0: 1 */
    int32_t shuffle;     /* r, 0: 1. With up: 1 */
    tsr_order order;
    tsr_first first;
    int32_t residual;             /* TSR_NONE or a feature at the size and rate of the output, or, with residual_from, at the rate and size of x */
    const int32_t *residual_from; /* [rt][r][r][C] (r = 2 with up; rt that of the residual below): channel of the residual that is added. Read
                                     during the call only */
    int32_t residual_rt;          /* with residual_from: frames of this output per frame of the residual, where rt of an earlier node
                                     parted them (Wan 2.2: time_conv, then up): output frame o adds residual frame s, row it of the
                                     table, as this net's first step would tell (frame 0: s = 0, it = residual_rt - 1). 0: rt */
    bool residual_first_space;    /* frame 0 adds row it = 0 of a second table that follows the first one: [1][r][r][C] (HunyuanVideo 1.5) */
    tsr_act act;
    bool clamp; /* to [low, high] */
    float low, high;
    const float *noise_scale; /* [cout] or NULL: per-channel noise (LTX 0.9.1), from net->noise. Read during the call only */
    tsr_tile tile;            /* for tests: its shapes, where the device and the convolution have them; 0: chosen */
    uint32_t shape;           /* for tests and tuning: the n-th, from 1, of the shapes that the device can run; 0: chosen */
} tsr_conv_desc;

typedef enum tsr_norm_kind {
    TSR_NORM_NONE,  /* scale, shift, modulation and activation only */
    TSR_NORM_L2,    /* x sqrt(C) / max(sqrt(sum x^2), 1e-12) */
    TSR_NORM_RMS,   /* x / sqrt(mean x^2 + eps) */
    TSR_NORM_LAYER, /* (x - mean) / sqrt(var + eps) over channels */
    TSR_NORM_GROUP  /* the same over groups of channels and all pixels, and all frames of the scope */
} tsr_norm_kind;

typedef enum tsr_scope {
    TSR_SCOPE_FRAME,
    TSR_SCOPE_CHUNK, /* the frames that came of net->chunk latents (CogVideoX: first chunk longer by T mod 2) */
    TSR_SCOPE_CLIP
} tsr_scope;

/* y = act(norm(x) scale[c] + shift[c]); with modulation m (2C channels: first C multiply, last C are added):
 * y = act((norm(x) scale + shift) m[c] + m[C + c]), m read at the nearest pixel and latent. */
typedef struct tsr_norm_desc {
    const char *name;
    int32_t x;
    tsr_norm_kind kind;
    float eps;
    int32_t groups;       /* TSR_NORM_GROUP; 0: 32 */
    tsr_scope scope;      /* TSR_NORM_GROUP */
    float *scale, *shift; /* [C], malloc'd and taken over; NULL: 1, 0 */
    int32_t modulation;   /* TSR_NONE or a feature at the latent's size and rate */
    tsr_act act;
} tsr_norm_desc;

/* Single-head attention over the pixels of each frame, scale C^-1/2: x [.., 3C] holds q, k, v, in this order. history: over the
 * pixels of all frames up to its own. */
typedef struct tsr_attend_desc {
    const char *name;
    int32_t x;
    bool history;
} tsr_attend_desc;

typedef struct tsr_feature {
    int32_t channels;
    int32_t level;    /* height = input height << level, or >> -level */
    int32_t rate;     /* frames for each latent once it runs (decoders) */
    int32_t lost;     /* frames of the first latent that are not made: n latents make n rate - lost */
    bool lost_if_odd; /* only in clips of an odd number of latents */
    tsr_dtype dtype;  /* of storage: f32 or f16 */
} tsr_feature;

/* How latents relate to what the net reads: raw = z std + mean, by channel. */
typedef struct tsr_latent_space {
    bool known;        /* mean and std are set (else raw and normalised are the same thing) */
    bool reads_raw;    /* the net reads raw latents; else normalised (diffusion) ones */
    bool tanh3;        /* 3 tanh(z / 3) first (TAEHV, TAESD) */
    float noise;       /* z <- (1 - noise) z + noise N(0,1) before de-normalising (LTX); 0: none */
    float *mean, *std; /* [channels], owned */
} tsr_latent_space;

typedef struct tsr_node tsr_node; /* execute.h */

typedef struct tsr_net {
    tsr_device *dev;
    tsr_status status;
    char family[32], variant[64];
    bool encoder;
    tsr_dtype store;   /* storage of features: f32 or f16 */
    tsr_tile tile;     /* of convolutions whose description leaves it open */
    tsr_dtype weights; /* of weights: f32 or f16; f16 tensors that hold a number beyond fp16 are kept in f32 */
    tsr_latent_space latent;
    int32_t chunk;              /* latents of a TSR_SCOPE_CHUNK; 0: none */
    bool clips;                 /* temporal convolutions and statistics end at chunks of net->chunk latents: each is a clip of its own (SVD) */
    int32_t drop_first;         /* frames of a clip that are not shown (TAEHV: 3) */
    bool drop_if_odd;           /* only in clips of an odd number of latents (TAEHV for CogVideoX) */
    int32_t drop_every;         /* drop_first of each run of so many frames (TAEHV for MiniMax-H3: 20); 0: of the clip */
    int32_t whole;              /* an encoder's clip is filled up to a multiple of so many frames with its last one (TAEHV); 0: as it is */
    int32_t blend;              /* pixels that are one to diffusers' blended tiles, as its patches are put together after (Wan 2.2: 2); 0: 1 */
    float out_scale, out_shift; /* shown frame = clamp(y out_scale + out_shift, 0, 1); an encoder's latents are not touched */
    int32_t fps;                /* that the models of this family are made for */
    tsr_feature *features;
    int32_t feature_count;
    tsr_node *nodes;
    int32_t node_count;
    int32_t input, output; /* features */
    uint64_t parameters, weight_bytes;
} tsr_net;

/* The feature that pushed frames go to. Call it first. */
int32_t tsr_net_input(tsr_net *net, int32_t channels);
int32_t tsr_net_conv(tsr_net *net, const tsr_conv_desc *desc);
int32_t tsr_net_norm(tsr_net *net, const tsr_norm_desc *desc);
int32_t tsr_net_attend(tsr_net *net, const tsr_attend_desc *desc);
/* Names the feature that leaves: 3 (or 4) channels of a decoder, latents of an encoder. */
void tsr_net_output(tsr_net *net, int32_t feature);
int32_t tsr_net_channels(const tsr_net *net, int32_t feature); /* 0 for TSR_NONE */
/* Copies n means and standard deviations (either may be NULL: 0, 1). */
void tsr_net_latent(tsr_net *net, const float *mean, const float *std, int32_t n, bool reads_raw);
void tsr_net_free(tsr_net *net);

void tsr_taps_free(tsr_taps *taps);

#endif
