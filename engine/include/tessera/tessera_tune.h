/* Tuning: the shapes of a kernel are timed against each other on a device, and the order in which they came in is remembered in a
 * database that later plans look into. Results do not depend on it beyond rounding.
 *
 * An entry serves the device, driver version and kernels that it was measured with, for problems of its class; everything else ignores it. The
 * file (tsr_context_desc.tuning) may be handed from one user to another. */
#ifndef TESSERA_TUNE_H
#define TESSERA_TUNE_H

#include "tessera.h"

#ifdef __cplusplus
extern "C" {
#endif

/* A convolution of a decoder: kt x kh x kw taps, from cin to cout channels, on frames of height x width. */
typedef struct tsr_tune_conv {
    int32_t kt, kh, kw, cin, cout;
    uint32_t up;        /* 1: after a nearest up-sampling by two */
    uint32_t depthwise; /* 1: each channel by itself, cin = cout */
    int32_t height, width;
    tsr_dtype dtype; /* f32 or f16: features and weights */
} tsr_tune_conv;

typedef enum tsr_tune_state {
    TSR_TUNE_WAITING = 0,
    TSR_TUNE_TIMED = 1,
    TSR_TUNE_STOPPED = 2, /* far behind the best: timed less often; or not tried: text says why */
    TSR_TUNE_WRONG = 3,   /* its result is not that of the default */
    TSR_TUNE_FAILED = 4   /* it cannot be compiled or run here: text says why */
} tsr_tune_state;

typedef struct tsr_tune_result {
    char shape[96]; /* "simt 32x64, 64 invocations, 8x4 registers" */
    tsr_tune_state state;
    double seconds;         /* median of a run; 0: not timed */
    double compile_seconds; /* until its first run ended */
    char text[128];         /* of failures, and of what is left out */
} tsr_tune_result;

enum { TSR_TUNE_MAX_RESULTS = 64 };

typedef struct tsr_tune_report {
    char kernel[16], problem[128]; /* as the database names them */
    uint32_t count, best;          /* results [0] is the default; best: an index */
    uint32_t rounds;               /* that were timed */
    tsr_tune_result results[TSR_TUNE_MAX_RESULTS];
} tsr_tune_report;

typedef struct tsr_tune_desc {
    const tsr_attention_desc *attention; /* dense: without sets, score, tags, mask, bias and sink; or conv. tile names one tile model; NULL: conv */
    const tsr_tune_conv *conv;
    uint32_t rounds; /* 0: 9 */
    double seconds;  /* stop timing after so long; 0: 20. At least 3 rounds are timed, or 1 where they take thrice as long; where runs that try
                      * shapes out take ten times as long, those left are not tried */
    uint32_t dry;    /* 1: nothing is remembered */
    /* Called between runs; returning not 0 stops with TSR_ERROR_CANCELLED, and what was timed until then is remembered. NULL: none. */
    int (*progress)(void *user, double share, const tsr_tune_report *so_far);
    void *user;
    uint32_t tile; /* beside conv: a tsr_tile, whose shapes alone are timed; 0: all. UNSUPPORTED, where it has none for this device and problem */
    uint32_t reserved[5];
} tsr_tune_desc;

/* Runs every shape on random numbers, compares results with the default's, and times runs in turn. out is filled in as far as it got, on failure
 * too. TSR_ERROR_FILE, where all was timed but the database cannot be written: this context remembers it still. */
TSR_API tsr_status tsr_tune(tsr_device *dev, const tsr_tune_desc *desc, tsr_tune_report *out);

/* Could results be written? TSR_ERROR_FILE says why not. */
TSR_API tsr_status tsr_tune_writable(const tsr_context *ctx);
/* The database's file; NULL: none. */
TSR_API const char *tsr_tune_file(const tsr_context *ctx);

typedef struct tsr_tune_line {
    char device[256], driver[128], driver_version[128], backend[16];
    char kernel[16], problem[128], date[12];
    char shape[96];                  /* the fastest */
    double seconds, default_seconds; /* default_seconds 0: not measured */
    char stale[256];                 /* why no device of this context uses it; "": one does */
} tsr_tune_line;

/* The index-th entry of the database. false (0) past the last. */
TSR_API int tsr_tune_get(const tsr_context *ctx, size_t index, tsr_tune_line *out);

#ifdef __cplusplus
}
#endif
#endif
