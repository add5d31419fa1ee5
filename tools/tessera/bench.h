/* What the parts of tessera bench share: options, problems, results. */
#ifndef BENCH_H
#define BENCH_H

#include <cjson/cJSON.h>
#include <stdio.h>

#include "cli.h"
#include "tessera/tessera_set.h"

enum { BENCH_MAX_RUNS = 100, BENCH_MAX_PEERS = 8 };

typedef struct bench_shape {
    int64_t batch, heads, queries, keys, dim;
} bench_shape;

typedef struct bench_times {
    int count;
    double seconds[BENCH_MAX_RUNS]; /* sorted by bench_summarise */
    double first;                   /* preparing and the first run; uploads are left out */
    double median, spread;          /* spread: (largest - smallest) / median */
} bench_times;

/* What one contender made of a problem. */
typedef struct bench_side {
    char name[16];     /* "tessera", or the peer's */
    char version[64];  /* of the program */
    char device[192];  /* that it ran on */
    char kv_dtype[8];  /* storage of keys and values */
    char failure[192]; /* not empty: it gave no result, for this reason */
    bench_times times;
    double error, tolerance; /* of sampled rows against fp64, relative */
} bench_side;

/* NATTEN's window on each axis of a token grid; axes of extent 1 take no part. */
typedef struct bench_window {
    int64_t grid[3], window[3], stride[3], dilation[3];
    bool causal[3];
} bench_window;

typedef struct bench_result {
    tsr_device_info device;
    double peak; /* FLOP/s of fused multiply-adds */
    double roof; /* FLOP/s that the problem can reach on the device: its kernel's kind of products, or its bytes at the speed of a copy */
    bench_shape shape;
    const char *dtype;
    bool causal;
    const bench_window *window; /* NULL: none */
    char kernel[64];
    double flops, bytes;
    uint64_t seed;
    bench_side ours, peers[BENCH_MAX_PEERS];
    int peer_count;
} bench_result;

/* What the user asked for; extents 0: not given. */
typedef struct bench_ask {
    bench_window own;   /* window 0: the usual shares on this grid */
    tsr_recipe *recipe; /* NULL: none */
    tsr_recipe_info recipe_info;
    int heads, dim, tokens; /* 0: chosen */
    double seconds;         /* that a dense run may take */
} bench_ask;

typedef struct bench_case bench_case;               /* bench_windows.h */
typedef struct bench_sparse_case bench_sparse_case; /* bench_sparse.h */

typedef struct bench {
    cli_device device;
    char *json, *plot, *model;
    char **peers;  /* as asked for; NULL: none */
    int peer_wait; /* seconds for one answer */
    bench_shape *shapes;
    int shape_count, runs, causal, quick;
    tsr_dtype dtype, peer_kv;
    uint64_t seed;
    double peak;   /* of the device that is open, as are the next two */
    double matrix; /* FLOP/s of products of fp16 matrices; 0: none */
    double copy;   /* bytes/s */
    char date[32]; /* UTC, when the run began */
    cJSON *json_rows;
    bench_result *results; /* of attention */
    size_t count;
    bench_ask ask;
    bench_case *cases; /* of windows */
    size_t case_count;
    bool windowed;             /* attention by ask.own */
    bool realistic;            /* tensors with structure, in place of noise */
    bench_sparse_case *sparse; /* of sparse */
    size_t sparse_count;
    bool failed; /* a result is wrong or missing */
} bench;

/* These return -1, or the exit code of what failed. */
int bench_attention(bench *b);
int bench_decode(bench *b, const char *path);
int bench_conv(bench *b);
int bench_windows(bench *b);
int bench_sparse(bench *b);

void bench_summarise(bench_times *t);    /* median and spread */
double bench_tolerance(tsr_dtype dtype); /* what the library promises of outputs of this type */
bool bench_is_wrong(const bench_side *side);
bool bench_has_rate(const bench_side *side);                       /* ran, and its output is right */
double bench_ratio(const bench_result *r, const bench_side *peer); /* of the rates, ours to the peer's; 0: one has none */
void bench_label(const bench_result *r, char *text, size_t size);

/* The table, on standard output. */
void bench_print_head(const bench *b, const bench_result *blank);
void bench_print_result(const bench_result *r);

/* An object of b->json_rows that names date, tool, device and driver. */
cJSON *bench_json_row(bench *b, const char *what);
void bench_json_times(cJSON *o, const bench_times *t, double flops, double peak);
void bench_json_result(bench *b, const bench_result *r);

/* All rows as JSON; all results of attention as a bar chart in SVG. */
bool bench_json_write(const bench *b, FILE *file);
bool bench_plot_write(const bench *b, FILE *file);

/* Writes under a temporary name, then renames. false: an error was printed. */
bool bench_save(const bench *b, const char *path, bool (*write)(const bench *, FILE *));

#endif
