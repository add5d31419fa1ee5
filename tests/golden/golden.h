/* Golden fixtures: models whose weights are drawn from their names, and what another implementation makes of them (README.md). */
#ifndef GOLDEN_H
#define GOLDEN_H

#include <stdbool.h>

#include "tessera/tessera_decode.h"

enum { GOLDEN_CLIPS = 8, GOLDEN_SCHEMES = 4 };

typedef struct golden_clip {
    char draw[32]; /* what the latents (frames, of an encoder) are drawn from */
    float scale, shift;
    int64_t shape[4], result[4]; /* [frames][channels][height][width] of what is pushed and pulled */
    bool raw;                    /* the latents; else normalised */
    int64_t tile, tile_stride;   /* blended tiles; 0: the whole frame */
    int64_t every;               /* value i of expected is value i every of the result, over unit */
    double unit;
    const int16_t *expected;
    int64_t count;
} golden_clip;

typedef struct golden {
    char family[32], variant[64]; /* variant "": none */
    bool encoder, heavy;
    tsr_dtype storage; /* that the weights are rounded to */
    uint64_t seed;
    int scheme_count; /* of names */
    char schemes[GOLDEN_SCHEMES][32];
    int clip_count;
    golden_clip clips[GOLDEN_CLIPS];
    void *root;            /* cJSON */
    tsr_tensors *expected; /* holds the clips' numbers */
} golden;

/* Opens FOLDER/NAME.json and .safetensors. false: why says what is wrong with which. */
bool golden_open(const char *folder, const char *name, golden *out, char *why, size_t size);
void golden_close(golden *g);

/* n numbers from element first on of the tensor called name: scale u + shift with u in [-1, 1). */
void golden_draw(const char *name, uint64_t seed, float scale, float shift, uint64_t first, uint64_t n, float *out);

/* Writes the weight file with the names of a scheme. A tensor's elements are rounded to the fixture's storage type, then to dtype. Of the tensor
 * called spoiled (NULL: none), the numbers have the wrong sign. */
bool golden_write(const golden *g, int scheme, tsr_dtype dtype, const char *spoiled, const char *path);

/* How a clip is run; all of it gives the same numbers. */
typedef struct golden_mode {
    const char *name;
    uint32_t stripe_rows, host_caches;
    bool streamed; /* not told how many will come (where the family lets that be); a clip is begun and dropped first, and frames are taken late */
} golden_mode;

/* Runs a clip; result [frames][channels][height][width] begins as NaN, *frames is how many came. */
tsr_status golden_run(tsr_decoder *dec, const golden *g, const golden_clip *clip, const golden_mode *mode, float *result, int64_t *frames);

/* The file's name of the index-th tensor in a scheme; NULL past the last. */
const char *golden_tensor(const golden *g, int scheme, int index);

#endif
