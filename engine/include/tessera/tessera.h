/* The whole public interface of Tessera: devices, memory, attention, video latent decoding, files.
 *
 * Conventions
 * - Every fallible call returns a tsr_status. Outputs come last and are set to NULL (or left as they
 *   were) on failure. Nothing aborts, prints, or installs signal handlers.
 * - Description structs are zero-initialised: 0 or NULL means the default of that field.
 * - Strides are counted in elements, offsets and sizes in bytes, both 64 bits wide.
 * - Threads: a context and what belongs to it (devices, buffers, plans, decoders) may be used from any
 *   thread, by one thread at a time for each device. Different contexts are independent.
 *   tsr_last_error() is kept apart for each thread.
 * - Ownership: what a _create, _open or _prepare call returns belongs to the caller, who gives it back
 *   with the matching _destroy; children go before their device, devices before their context.
 *   Every _destroy takes NULL. Descriptions are copied; the caller keeps what it passed. */
#ifndef TESSERA_H
#define TESSERA_H

#include <stddef.h>
#include <stdint.h>

#if defined(_WIN32)
#define TSR_API __declspec(dllexport)
#elif defined(__GNUC__)
#define TSR_API __attribute__((visibility("default")))
#else
#define TSR_API
#endif

#ifdef __cplusplus
extern "C" {
#endif

/* Bumped whenever a struct or a call of this header changes; tsr_context_create refuses another one. */
#define TSR_ABI 5

/* ---- Errors ------------------------------------------------------------------------------------ */

typedef enum tsr_status {
    TSR_OK = 0,
    TSR_ERROR_ARGUMENT = -1,      /* the caller's mistake: the text names argument, value, expectation */
    TSR_ERROR_UNSUPPORTED = -2,   /* right in itself, but not on this device or in this build */
    TSR_ERROR_NO_DEVICE = -3,     /* no such device; the text lists those that are there */
    TSR_ERROR_HOST_MEMORY = -4,   /* malloc failed; the text names the size */
    TSR_ERROR_DEVICE_MEMORY = -5, /* device memory or the caller's budget is used up */
    TSR_ERROR_COMPILE = -6,       /* a driver refused a kernel; the text carries its log */
    TSR_ERROR_DEVICE_LOST = -7,   /* the device stopped answering; every later call says so too */
    TSR_ERROR_FILE = -8,          /* a file is missing, truncated or not what it claims to be */
    TSR_ERROR_INTERNAL = -9,      /* a defect in Tessera */
    TSR_ERROR_CANCELLED = -10     /* the caller said stop: by a callback, or by tsr_device_cancel */
} tsr_status;

/* A short constant name such as "argument". Never NULL. Any thread. */
TSR_API const char *tsr_status_name(tsr_status status);

/* The text of this thread's last failed call, never NULL, valid until the thread's next failed call. */
TSR_API const char *tsr_last_error(void);

/* The library's version, for example "0.1.0". */
TSR_API const char *tsr_version(void);

/* ---- Context and devices ----------------------------------------------------------------------- */

typedef struct tsr_context tsr_context;
typedef struct tsr_device tsr_device;
typedef struct tsr_buffer tsr_buffer;

typedef enum tsr_log_level { TSR_LOG_INFO = 0, TSR_LOG_WARNING = 1 } tsr_log_level;

typedef struct tsr_context_desc {
    uint32_t abi;          /* TSR_ABI; 0 is taken as TSR_ABI */
    uint32_t validation;   /* 1: ask backends for their validation layers; messages go to log as warnings */
    const char *cache_dir; /* compiled programs; NULL: the user's cache folder; "": no cache on disk */
    /* Called from any thread that calls Tessera; must not call back in. NULL: silence. */
    void (*log)(void *user, tsr_log_level level, const char *text);
    void *log_user;
    /* Measured choices of kernels, see tessera_tune.h: a file's name; NULL: the environment variable TESSERA_TUNING if set, else tuning.json
     * in cache_dir; "": none. A file that is missing or damaged is as if nothing had been measured. */
    const char *tuning;
    uint64_t reserved[3];
} tsr_context_desc;

/* Loads what backends there are and lists their devices; a missing driver is no error. desc may be NULL. */
TSR_API tsr_status tsr_context_create(const tsr_context_desc *desc, tsr_context **out);
TSR_API void tsr_context_destroy(tsr_context *ctx);

typedef enum tsr_device_type {
    TSR_DEVICE_CPU = 0,
    TSR_DEVICE_INTEGRATED = 1,
    TSR_DEVICE_DISCRETE = 2,
    TSR_DEVICE_VIRTUAL = 3,
    TSR_DEVICE_OTHER = 4
} tsr_device_type;

/* Bits of tsr_device_info.features. */
enum {
    TSR_FEATURE_F16 = 1u << 0,           /* fp16 arithmetic */
    TSR_FEATURE_BF16 = 1u << 1,          /* bf16 arithmetic */
    TSR_FEATURE_INT8_DOT = 1u << 2,      /* packed 8-bit dot products, be they slow */
    TSR_FEATURE_SUBGROUP = 1u << 3,      /* sub-group broadcasts and reductions in kernels */
    TSR_FEATURE_MATRIX = 1u << 4,        /* cooperative matrices; shapes below */
    TSR_FEATURE_UNIFIED = 1u << 5,       /* device memory is host memory: no staging copies */
    TSR_FEATURE_DPAS = 1u << 6,          /* Intel's matrix engines, whose operands are registers in a known order; shapes below */
    TSR_FEATURE_F16_DOT = 1u << 7,       /* dot products of two fp16 values with fp32 sums */
    TSR_FEATURE_INT8_DOT_FAST = 1u << 8, /* those of four signed values take less than products one by one, as the driver says */
    TSR_FEATURE_MATRIX_REDUCED = 1u << 9 /* the driver itself reduces rows of matrices, and makes inputs of sums (VK_NV_cooperative_matrix2) */
};

/* C[m,n] += A[m,k] B[k,n] that sub-groups multiply in hardware; component types as short names. */
typedef struct tsr_matrix_shape {
    uint32_t m, n, k;
    char a[8], c[8]; /* "f16", "bf16", "s8", ...: inputs; accumulator */
} tsr_matrix_shape;

typedef struct tsr_device_info {
    char id[32]; /* what --device and TESSERA_DEVICE take: backend:index, or the backend alone */
    char backend[16];
    char name[256];
    char vendor[64];
    char driver[128];  /* the driver's own name */
    char version[128]; /* and version */
    tsr_device_type type;
    uint32_t features;
    uint64_t memory_total; /* bytes */
    uint64_t memory_free;  /* bytes; 0: the driver does not tell */
    uint64_t max_buffer;   /* bytes in one buffer */
    uint32_t compute_units;
    uint32_t max_workgroup;              /* invocations */
    uint32_t shared_bytes;               /* memory shared by a workgroup */
    uint32_t subgroup_min, subgroup_max; /* invocations; 0: none */
    uint32_t vector_width;               /* fp32 lanes of one invocation that the device likes; 1 on GPUs */
    uint32_t matrix_count;               /* of all shapes; at most 16 are listed */
    tsr_matrix_shape matrix[16];
} tsr_device_info;

TSR_API size_t tsr_device_count(const tsr_context *ctx);

/* index < tsr_device_count. Devices are listed backend by backend, in each driver's order. */
TSR_API tsr_status tsr_device_get_info(const tsr_context *ctx, size_t index, tsr_device_info *out);

typedef struct tsr_device_desc {
    uint64_t memory_budget; /* bytes that buffers of this device may hold together; 0: no limit of ours */
    /* Milliseconds that a submission to the device may take, so that whoever shares it (a desktop, which a driver's watchdog guards)
     * gets its turn: long work is cut into pieces of about that time, by measured rates. A piece is never so small that it leaves the
     * device idle: where all its units at work together take longer, so does the piece. 0: 50 on GPUs, none where type is
     * TSR_DEVICE_CPU, unless the environment has TESSERA_SUBMISSION_MS (a number, or none); INFINITY: none. Results do not
     * depend on it. With it, calls that enqueue may wait until all but the last two submissions are done. */
    float submission_ms;
    /* Milliseconds that a wait may last while no submission gets done; then the device counts as lost. 0: ten seconds more than
     * submission_ms, none where type is TSR_DEVICE_CPU; INFINITY: none. */
    float patience_ms;
    uint32_t reserved[4];
} tsr_device_desc;

/* Opens a device. selector: an id ("host", a backend with an index), a backend with a part of the
 * device's name after the colon, case-blind ("backend:NAME"), or a backend alone (its best device).
 * NULL or "": the environment variable TESSERA_DEVICE if set, else by policy: a discrete GPU, an
 * integrated one, a virtual one, then the fastest software device, which is measured once by a short
 * attention and remembered in the cache folder. */
TSR_API tsr_status tsr_device_open(tsr_context *ctx, const char *selector, const tsr_device_desc *desc, tsr_device **out);
TSR_API void tsr_device_destroy(tsr_device *dev);
TSR_API const tsr_device_info *tsr_device_info_of(const tsr_device *dev);

/* Waits until everything enqueued on the device is done; reports what failed on the way. */
TSR_API tsr_status tsr_device_wait(tsr_device *dev);

/* Stops the work of a device that is open. Any thread, also a signal handler; returns at once. From here on, what was enqueued and not
 * submitted is dropped; calls that would give the device work, compile a kernel or copy memory return TSR_ERROR_CANCELLED, the one
 * that is running too, when the submission it waits for is done. The next tsr_device_wait lets what was submitted end, returns
 * TSR_ERROR_CANCELLED, and ends the cancellation: the device is as before. Outputs of runs since the wait before are undefined then;
 * a decoder has to start its clip again, a stream or a flow with memories to be made again. A cancel with nothing to
 * stop is kept for the next call. */
TSR_API void tsr_device_cancel(tsr_device *dev);

/* What a device did since it was opened. */
typedef struct tsr_device_stats {
    uint64_t dispatches;  /* runs of a kernel */
    uint64_t pieces;      /* that these were cut into: as many, where nothing was cut */
    uint64_t submissions; /* that the pieces were gathered in */
    double seconds;       /* that the device took for submissions waited for; 0 where they have no time limit, likewise: */
    double longest;       /* for the longest of them */
    uint64_t reserved[4];
} tsr_device_stats;

TSR_API tsr_status tsr_device_get_stats(const tsr_device *dev, tsr_device_stats *out);

/* Measures the device's ceiling: fp32 FLOP/s of fused multiply-adds in registers, the best of several
 * runs of some hundredths of a second each. */
TSR_API tsr_status tsr_device_peak(tsr_device *dev, double *flops_per_second);

/* The same for products of fp16 matrices with fp32 sums, in tile model matrix; 0: the device or this build has none. */
TSR_API tsr_status tsr_device_matrix_peak(tsr_device *dev, double *flops_per_second);

/* The same for memory: bytes read and written each second while fp32 numbers are copied from one buffer of the device to another, of 128 MiB
 * each, or of what there is room for (1 MiB at least, which a cache may hold). */
TSR_API tsr_status tsr_device_bandwidth(tsr_device *dev, double *bytes_per_second);

/* ---- Memory ------------------------------------------------------------------------------------ */

/* A run of device memory; its content is undefined at first. size 0 is allowed. Fails with
 * TSR_ERROR_DEVICE_MEMORY, naming needed and available bytes. */
TSR_API tsr_status tsr_buffer_create(tsr_device *dev, uint64_t size, tsr_buffer **out);
TSR_API void tsr_buffer_destroy(tsr_buffer *buf);
TSR_API uint64_t tsr_buffer_size(const tsr_buffer *buf);

/* Copies to and from the device; both wait for what was enqueued before and return when done. */
TSR_API tsr_status tsr_buffer_write(tsr_buffer *buf, uint64_t offset, const void *src, uint64_t size);
TSR_API tsr_status tsr_buffer_read(tsr_buffer *buf, uint64_t offset, void *dst, uint64_t size);

/* ---- Tensors ----------------------------------------------------------------------------------- */

typedef enum tsr_dtype {
    TSR_F32 = 0,
    TSR_F16 = 1,  /* IEEE binary16 */
    TSR_BF16 = 2, /* bfloat16 */
    TSR_U8 = 3,   /* also booleans: 0 is false, all else true */
    TSR_I32 = 4,
    TSR_I64 = 5,
    TSR_F64 = 6,
    TSR_I8 = 7,
    TSR_I16 = 8,
    TSR_DTYPE_COUNT
} tsr_dtype;

TSR_API const char *tsr_dtype_name(tsr_dtype dtype); /* "f32", ...; "unknown" outside the enum */
TSR_API size_t tsr_dtype_size(tsr_dtype dtype);      /* bytes; 0 outside the enum */

/* Shape and layout of a tensor of rank 4, without memory. Axis 3 need not be the dense one.
 * strides all zero: packed, row-major. */
typedef struct tsr_layout {
    tsr_dtype dtype;
    int64_t shape[4];
    int64_t stride[4]; /* elements, >= 0; 0 repeats along an axis of an input (broadcast) */
} tsr_layout;

/* Where a tensor lives: the element [0,0,0,0] is at offset bytes (a multiple of the element's size). */
typedef struct tsr_span {
    tsr_buffer *buffer;
    uint64_t offset;
} tsr_span;

/* ---- Attention --------------------------------------------------------------------------------- */

/* A band of keys around each query: the interval law of one axis, for the common windows. Query i stands at
 * p = i + shift and sees the keys j with p - left <= j <= p + right, in each packed sequence of
 * a set by itself. Zero: everyone. All else that can be attended is a set: tessera_set.h. */
typedef enum tsr_align {
    TSR_ALIGN_BOTTOM_RIGHT = 0, /* shift = Nk - Nq: the last query stands at the last key (FlashAttention 2) */
    TSR_ALIGN_TOP_LEFT = 1      /* shift = 0 */
} tsr_align;

#define TSR_UNBOUNDED INT64_MAX

typedef struct tsr_band {
    uint32_t bounded; /* 0: everyone, the rest is not read; 1: the interval law */
    tsr_align align;
    int64_t left;  /* >= 0, or TSR_UNBOUNDED */
    int64_t right; /* >= 0, or TSR_UNBOUNDED; causal: left = TSR_UNBOUNDED, right = 0 */
} tsr_band;

typedef struct tsr_set tsr_set;               /* tessera_set.h */
typedef struct tsr_schedule tsr_schedule;     /* tessera_set.h */
typedef struct tsr_expression tsr_expression; /* tessera_expression.h */

/* Attention of q and k in few bits, with smoothing of k: SageAttention (Zhang et al., 2024, sections 4.2 to 4.4). Groups of
 * query_rows rows of q and of key_rows rows of k (the last one short) have a step = max|x| / (2^(bits-1) - 1) + 1e-7 over all
 * channels, and codes x / step rounded half away from zero. With smooth, k is taken less the mean m of all its Nk rows, head by head,
 * and scale * q.m is added to the scores, so that log-sum-exp, sinks, soft cap and expressions see what they would see without:
 * s[i,j] = scale * step step code_q.code_k + scale * q[i].m. Codes are int8 and their products whole numbers below 2^24: fp32 sums of
 * them are exact on every device. values: probabilities p = exp(s - running maximum) and v as they are (f32); both rounded to fp16
 * (f16, where |v| must not exceed 65504); p in steps of 1/127, and each channel of v in steps of max|v| / 127 + 1e-7 (i8). Sums over p
 * are of p before rounding. Rows of q, k and v must be finite, also those that no query sees. Codes are made in memory that
 * the plan holds, by the run that has tile 0, which must come first of the pieces of a run. */
typedef struct tsr_codes {
    uint32_t bits;      /* 2 to 8; 0: none */
    int32_t query_rows; /* up to 1024; 0: 128 */
    int32_t key_rows;   /* up to 1024; 0: 64 */
    uint32_t smooth;    /* 1: k less its mean */
    tsr_dtype values;   /* f32, f16 or i8 */
} tsr_codes;

/* Dense or windowed attention with an online softmax, O(N) memory.
 *
 * s[i,j] = scale * q[i].k[j];  softcap: s = c tanh(s/c);  + bias[i,j];  score: s = its value;
 * mask, band, set and tags: s = -inf;
 * o[i] = sum_j exp(s[i,j] - L[i]) v[j];  L[i] = ln( sum_j exp(s[i,j]) + exp(sink[h]) ).
 * A row with no key gives o = 0 and L = -inf (the sink's logit, where there is one).
 * Milakov and Gimelshein 2018 (online softmax); Dao, FlashAttention-2, 2023.
 *
 * q [B,Hq,Nq,D]  k [B,Hkv,Nk,D]  v [B,Hkv,Nk,Dv]  o [B,Hq,Nq,Dv]  lse [B,Hq,Nq,1], Hkv divides Hq,
 * 1 <= D, Dv <= 1024, Nq and Nk may be 0. q, k, v and o are f32, f16 or bf16, each by itself; sums are
 * fp32, and divided when all keys are in: Nk max|v| must not exceed fp32's range. bias is f32, f16 or
 * bf16, mask is u8 (0: may not attend), both of shape [B,Hq,Nq,Nk] where any axis may be 1 (repeated);
 * sink is f32 of shape [1,Hq,1,1]. */
typedef struct tsr_attention_desc {
    tsr_layout q, k, v, o;
    tsr_layout lse;  /* f32; all zero: not wanted */
    tsr_layout bias; /* all zero: none; likewise mask and sink */
    tsr_layout mask;
    tsr_layout sink;
    float scale;   /* 0: 1/sqrt(D) */
    float softcap; /* 0: none */
    tsr_band band;
    /* Sets, intersected with the band; time and memory follow the tiles that they visit. set_of[b Hq + h], or
     * set_of[h] where set_of_count is Hq, is the set of a head; set_of_count 0: all take the first. Read
     * during prepare only. */
    const tsr_set *const *sets;
    uint32_t set_count;
    uint32_t set_of_count;
    const uint32_t *set_of;
    const tsr_expression *score; /* NULL: none. Read during prepare only */
    uint32_t tagged;             /* 1: runs take tags, see tsr_attention_args */
    /* 0: none. Else a tile of query_tile x key_tile whose scores s[i,j] log2(e) all lie more than this below the maximum of their row
     * so far is passed over (SpargeAttn, 2025, section 3.3). Each key of it would have added less than 2^-skip of the weight of
     * the largest: with n such keys the sum over exp is too small by less than n 2^-skip of itself, and o is off by less
     * than 2 n 2^-skip max|v|. Keys are visited roughly in ascending order, each split of them by itself. */
    float skip;
    tsr_codes codes; /* all zero: none */
    uint32_t splits; /* parts that the keys are cut into and merged by log-sum-exp; 0: chosen */
    uint32_t tile;   /* a tsr_tile; for tests and tuning, 0: chosen for the device */
    uint32_t shape;  /* likewise: the n-th, from 1, of the shapes that the engine lists for tile (0: for all tile models); 0: chosen */
    uint32_t reserved[5];
} tsr_attention_desc;

/* How a kernel's tile is mapped to a machine. */
typedef enum tsr_tile {
    TSR_TILE_AUTO = 0,
    TSR_TILE_VECTOR = 1,   /* one invocation owns a tile, in wide vectors: CPUs */
    TSR_TILE_SIMT = 2,     /* a workgroup stages tiles in shared memory: GPUs */
    TSR_TILE_SUBGROUP = 3, /* a sub-group passes operands by broadcast, no barrier: CPUs behind a GPU API */
    TSR_TILE_MATRIX = 4,   /* sub-groups multiply fragments in hardware (TSR_FEATURE_MATRIX or _DPAS); fp16, bf16, int8 in, fp32 or int32 sums */
    /* As simt, for dot products of words: of two fp16 values with fp32 sums (TSR_FEATURE_F16_DOT), of four int8 codes with int32 sums
     * (TSR_FEATURE_INT8_DOT_FAST). Elsewhere, with TSR_FEATURE_F16, probabilities times values below 4096 are summed by eight in fp16, and those sums
     * in fp32: by default on AMD's Vega and RDNA1. */
    TSR_TILE_PACKED = 5,
    TSR_TILE_COUNT
} tsr_tile;

TSR_API const char *tsr_tile_name(tsr_tile tile); /* "auto", ...; "unknown" outside the enum */

typedef struct tsr_attention tsr_attention; /* a prepared attention */

/* Validates, chooses tiles, compiles, and allocates the workspace. */
TSR_API tsr_status tsr_attention_prepare(tsr_device *dev, const tsr_attention_desc *desc, tsr_attention **out);
TSR_API void tsr_attention_destroy(tsr_attention *att);

typedef struct tsr_attention_info {
    uint64_t flops;         /* 4 or so per attended pair and channel: 2 (D + Dv) for each pair of the set */
    uint64_t bytes;         /* read and written once: q, k, v, o, lse, bias, mask */
    uint64_t workspace;     /* device bytes held by the plan */
    double density;         /* pairs of the sets / (B Hq Nq Nk); mask tensors and tags are not counted */
    uint64_t tile_count;    /* independent pieces of work, for tsr_attention_args.first_tile */
    uint64_t tiles_visited; /* query tile x key tile pairs that the kernel walks, over all heads */
    uint64_t tiles_full;    /* of these, the ones that need no test */
    double waste;           /* area of the visited tiles / pairs of the set; 1 where there are none */
    double plan_seconds;    /* that building the schedules took */
    uint32_t splits;
    uint32_t query_tile, key_tile;
    tsr_tile tile;
    char kernel[64];
    char why[256]; /* that kernel: tuned (tessera_tune.h), built in, or asked for */
} tsr_attention_info;

TSR_API tsr_status tsr_attention_get_info(const tsr_attention *att, tsr_attention_info *out);

/* The tile schedule of the index-th set (0 without sets), which lives as long as the plan. */
TSR_API tsr_status tsr_attention_get_schedule(const tsr_attention *att, uint32_t index, const tsr_schedule **out);

typedef struct tsr_attention_args {
    tsr_span q, k, v, o;
    tsr_span lse, bias, mask, sink; /* as described; buffer NULL where the description has none */
    /* Where the description is tagged: key j is seen by query i only if low <= key_tags[j] <= high, of
     * query_tags[i] = {low, high}. i32, packed, [Nk] and [Nq,2], for all batches and heads: visibility that
     * changes from run to run (rings, caches). */
    tsr_span query_tags, key_tags;
    /* Where the description has skip, and buffer is not NULL: u32 [tile_count of tsr_attention_info], how many tiles of keys each piece
     * of work passed over. Their sum is a part of tiles_visited. */
    tsr_span skipped;
    /* A part of the work, so that a caller can show progress or stop: tiles [first, first + count).
     * count 0: all from first_tile on. The merge of splits runs with the last tile. */
    uint64_t first_tile, tile_count;
} tsr_attention_args;

/* Enqueues; allocates nothing. The buffers must live until tsr_device_wait or a read. Outputs must not
 * overlap inputs. In tile model matrix the first run whose k or v begin at no multiple of 16 bytes may compile a kernel. */
TSR_API tsr_status tsr_attention_run(tsr_attention *att, const tsr_attention_args *args);

/* ---- Files of tensors --------------------------------------------------------------------------- */

typedef struct tsr_tensors tsr_tensors; /* an opened file, memory-mapped, read-only */

typedef struct tsr_tensor_view {
    const char *name; /* lives as long as the file */
    tsr_dtype dtype;
    uint32_t rank; /* 0..8 */
    int64_t shape[8];
    const void *data; /* little-endian, row-major, at least aligned to 1 byte */
    uint64_t size;    /* bytes */
} tsr_tensor_view;

/* Opens a file and checks it whole. The format is told by its first bytes: safetensors; PyTorch's .pt and .pth, of which no code is run: what is
 * no tensor or plain value is refused by name (keys of dictionaries within dictionaries are joined by dots, those around all tensors left out; a
 * bare tensor is called "tensor"); NumPy's .npy ("array"). Any thread may read an opened file. */
TSR_API tsr_status tsr_tensors_open(const char *path, tsr_tensors **out);
TSR_API void tsr_tensors_close(tsr_tensors *file);
TSR_API size_t tsr_tensors_count(const tsr_tensors *file);
TSR_API tsr_status tsr_tensors_at(const tsr_tensors *file, size_t index, tsr_tensor_view *out);
/* TSR_ERROR_ARGUMENT, naming the tensor and the file, if it is not there. */
TSR_API tsr_status tsr_tensors_find(const tsr_tensors *file, const char *name, tsr_tensor_view *out);
/* The text that the file's `__metadata__` has for key (the last one, where it has several, as other readers take it), NULL if it has none. It
 * is the file's until that is closed. */
TSR_API const char *tsr_tensors_metadata(const tsr_tensors *file, const char *key);

/* Writes a safetensors file through a temporary name beside it, so that path is either whole or as it
 * was. Tensors are stored in the order given. */
TSR_API tsr_status tsr_tensors_save(const char *path, const tsr_tensor_view *tensors, size_t count);

#ifdef __cplusplus
}
#endif
#endif
