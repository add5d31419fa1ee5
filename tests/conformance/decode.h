/* What the cases of decoders share: models with random weights, clips in fp64, runs and their comparison. */
#ifndef DECODE_H
#define DECODE_H

#include "suite.h"
#include "tessera/tessera_decode.h"

enum { DECODE_TENSORS = 192 };

/* A model: its tensors as they go into a file, rounded to the storage type, and the file. */
typedef struct decode_model {
    tsr_tensor_view views[DECODE_TENSORS];
    char names[DECODE_TENSORS][64];
    int count;
    tsr_dtype dtype;
    oracle_rng *rng;
    bool failed; /* no memory, no room */
} decode_model;

/* NAME.weight [cout, cin, k, k] of normal values scaled by gain / sqrt(cin k k), and NAME.bias of values scaled by bias where that is not 0. */
void decode_model_conv(decode_model *m, const char *name, int cout, int cin, int k, double gain, double bias);
/* The layer that makes pixels: most of them within [0, 1]. */
void decode_model_pixels(decode_model *m, const char *name, int cout, int cin);
/* NAME [n] of mean + gain times normal values. */
void decode_model_vector(decode_model *m, const char *name, int n, double mean, double gain);
const tsr_tensor_view *decode_model_find(const decode_model *m, const char *format, ...) __attribute__((format(printf, 2, 3)));
void decode_model_free(decode_model *m);
/* Through a file, which is gone again when this returns. */
tsr_status decode_model_open(const decode_model *m, tsr_tensors **out);

/* [frames][channels][height][width]; no memory: x is NULL, and what is made of it too. Calls free the clips that they take by value. */
typedef struct decode_clip {
    int frames, channels, height, width;
    double *x;
} decode_clip;

typedef enum decode_act { DECODE_LINEAR, DECODE_RELU, DECODE_LEAKY } decode_act;

decode_clip decode_clip_new(int frames, int channels, int height, int width);
size_t decode_clip_size(const decode_clip *c);
double *decode_clip_at(const decode_clip *c, int t, int ch, int y, int x);
decode_clip decode_clip_copy(const decode_clip *c);
void decode_clip_free(decode_clip c);
/* The layer of that name frame by frame, zero-padded and centred; groups by what its weight reads. */
decode_clip decode_conv(const decode_model *m, const char *name, decode_clip c, int stride, decode_act act);
decode_clip decode_add(decode_clip c, const decode_clip *b, decode_act act);
decode_clip decode_with_past(decode_clip c); /* [x_t; x_t-1], zeros before the first */
decode_clip decode_up2(decode_clip c);
decode_clip decode_split_time(decode_clip c, int s); /* channel group i of a frame is frame i of s */
decode_clip decode_join_time(decode_clip c, int s);
decode_clip decode_to_space(decode_clip c, int p); /* channel (c p + i) p + j is pixel (i, j) */
decode_clip decode_from_space(decode_clip c, int p);
decode_clip decode_drop(decode_clip c, int drop, int every); /* the first so many of each so many frames */
decode_clip decode_fill_up(decode_clip c, int whole);        /* the last frame again, up to a multiple */
decode_clip decode_group_norm(const decode_model *m, const char *name, decode_clip c, int groups, double eps, decode_act act);

/* A model to test, and its definition. */
typedef struct decode_form decode_form;
struct decode_form {
    const char *name;
    void (*build)(decode_model *m, const decode_form *f);
    decode_clip (*expect)(const decode_model *m, const decode_form *f, decode_clip in);
    tsr_decoder_desc desc;
    tsr_dtype dtype;
    int channels, height, wide, frames; /* pushed */
    int width[4], grow[3], patch;
    decode_act act;
    int kind;     /* the family's own */
    bool counted; /* starts must say how many latents are pushed */
    bool summed;  /* it has statistics of whole frames, which are sums of another order where work is cut */
};

extern const decode_form decode_taehv_forms[], decode_super_forms[], decode_taesd_forms[]; /* up to one without a name */

/* A model, its decoder, a clip to push and what should come out; all of it freed by decode_bench_close. */
typedef struct decode_bench {
    decode_model *model;
    tsr_tensors *file;
    tsr_decoder *dec;
    decode_clip in, want;
    uint64_t latents; /* what starts must say: 0, or how many are pushed */
    double summed;    /* how far runs may be apart whose work is cut differently; 0: the same bits */
} decode_bench;

/* Not SUITE_PASS: says why. desc overrides precision. */
suite_verdict decode_bench_open(decode_bench *b, const decode_form *f, tsr_precision precision, suite_run_context *run);
void decode_bench_close(decode_bench *b);

/* What was pulled, each frame into memory poisoned with NaN. */
typedef struct decode_out {
    float *x;
    int frames, room; /* pulled; that fit */
    size_t pixels;    /* of a frame */
} decode_out;
bool decode_out_new(decode_out *out, const decode_clip *like);
/* clip but for its size, which is that of in. */
tsr_status decode_start(tsr_decoder *dec, const decode_clip *in, tsr_clip clip);
tsr_status decode_push_only(tsr_decoder *dec, const decode_clip *in, int t);
/* Frame t of in; with all pulled that this made. */
tsr_status decode_push(tsr_decoder *dec, const decode_clip *in, int t, decode_out *out);
/* Finishes, and pulls. */
tsr_status decode_end(tsr_decoder *dec, decode_out *out);
tsr_status decode_all(tsr_decoder *dec, const decode_clip *in, tsr_clip clip, decode_out *out);
/* Says how far out is from what was wanted. */
suite_verdict decode_compare(const decode_out *out, const decode_clip *want, double allowed, suite_run_context *run);

int suite_add_decode_errors(suite *s);
int suite_add_decode_memory(suite *s);

#endif
