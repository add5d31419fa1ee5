/* Runs a net over a clip: which frames live where, which node runs next. */
#ifndef TSR_EXECUTE_H
#define TSR_EXECUTE_H

#include "ops.h"
#include "tessera/tessera_decode.h"

typedef enum tsr_node_kind { TSR_NODE_CONV, TSR_NODE_NORM, TSR_NODE_ATTEND } tsr_node_kind;

/* A layer, and what of its description matters when it runs. */
struct tsr_node {
    tsr_node_kind kind;
    char name[96];
    int32_t x, residual, modulation; /* features read; TSR_NONE */
    int32_t y, act;                  /* features made: the sum, and a norm of it that was fused */
    /* convolutions: */
    tsr_conv *conv;
    int32_t frames_read, ahead, from, time_stride, rt, stride, shuffle;
    tsr_edge past;
    bool first_alone, first_short;
    tsr_first first;
    bool residual_parted; /* residual_from: the residual's frame and the table's row follow from residual_rt */
    int32_t residual_rt;
    bool residual_first_space, has_noise;
    /* norms: */
    tsr_norm *norm;
    tsr_norm_desc pending; /* until tsr_net_ready: owns scale and shift */
    tsr_scope scope;
    bool grouped;
    tsr_attend_desc attend;
};

/* Fuses norms into the convolutions before them and uploads the rest. The net is then complete. */
tsr_status tsr_net_ready(tsr_net *net);

/* time.c: what output frame o of a node reads, and how many frames come of so many. */
typedef struct tsr_window {
    int64_t step, low, high; /* frames of x, before clamping; high is the last */
    int32_t set;
    bool copy;        /* the frame `high` of x is passed on */
    int64_t residual; /* frame of the residual */
    int32_t residual_row;
} tsr_window;

tsr_window tsr_node_window(const tsr_node *node, int64_t o, bool odd);
int64_t tsr_node_frames(const tsr_node *node, int64_t frames_in, bool odd);
/* Frames of a feature that the first n latents make; the latent that frame f of it came from. */
int64_t tsr_feature_frames(const tsr_feature *feature, int64_t latents, bool odd);
int64_t tsr_feature_latent(const tsr_feature *feature, int64_t frame, bool odd);
/* The first latent past the chunk that latent n is in (total: latents of the clip). */
int64_t tsr_chunk_end(const tsr_net *net, int64_t n, int64_t total);
/* Frames that leave the net for n pushed ones. */
int64_t tsr_net_frames(const tsr_net *net, int64_t n);
/* Without those that are not shown. */
int64_t tsr_net_shown(const tsr_net *net, int64_t n);
bool tsr_frame_shown(const tsr_net *net, int64_t frame, bool odd);

static inline int32_t tsr_extent(int32_t base, int32_t level) { return level >= 0 ? base << level : base >> -level; }

/* frames.c: memory of frames. */
typedef struct tsr_slot {
    int32_t refs, pool;
    tsr_dtype dtype;
    tsr_buffer *device; /* one of the two */
    unsigned char *host;
} tsr_slot;

typedef struct tsr_pool {
    uint64_t bytes; /* of a frame */
    bool hosted;
    int32_t live, peak, held, free_count, capacity;
    void **free; /* tsr_buffer * or host memory */
} tsr_pool;

/* A feature while it streams: frames first .. first + count. */
typedef struct tsr_track {
    int64_t first, made;
    int32_t count, capacity;
    tsr_slot **slots;
    bool ended, hosted;
    tsr_dtype dtype;
} tsr_track;

enum { TSR_ROLES = 7 /* windows of hosted frames: x, x, x, residual, modulation, y, act */ };

typedef struct tsr_state { /* of a node */
    int64_t next, added;
    tsr_attend *attend;
    tsr_buffer *noise;
} tsr_state;

typedef struct tsr_exec {
    tsr_net *net;
    int32_t height, width;
    int64_t total; /* pushed frames of the clip, 0: not known */
    int64_t pushed;
    bool odd, watch;     /* watch: look for overflow of fp16 */
    int32_t stripe_rows; /* rows of the coarsest feature; 0: whole frames */
    int32_t coarsest;
    bool dry;      /* counts, and runs nothing */
    bool rehearse; /* makes kernels and parameters ready on real frames, and runs nothing */
    bool *hosted;  /* by feature, from the plan */
    tsr_track *tracks;
    tsr_state *states;
    tsr_pool *pools;
    int32_t pool_count;
    tsr_buffer *windows[TSR_ROLES];
    uint64_t window_bytes[TSR_ROLES];
    tsr_buffer *overflow;
    uint64_t host_bytes; /* held */
    uint64_t noise_seed;
    uint32_t in_f32;
    int64_t taken;     /* output frames that left */
    int64_t work_done; /* nodes run, for progress */
    int64_t call_work; /* of the last frame: a measure of the next one's */
    int (*progress)(void *user, double share);
    void *progress_user;
} tsr_exec;

tsr_status tsr_slot_new(tsr_exec *ex, int32_t feature, tsr_slot **out);
void tsr_slot_release(tsr_exec *ex, tsr_slot *slot);
tsr_status tsr_track_add(tsr_exec *ex, int32_t feature, tsr_slot *slot);
tsr_slot *tsr_track_at(const tsr_exec *ex, int32_t feature, int64_t frame);
void tsr_track_trim(tsr_exec *ex, int32_t feature, int64_t keep_from);
uint64_t tsr_frame_bytes(const tsr_exec *ex, int32_t feature, tsr_dtype dtype);
/* Moves a slot's frame to fp32, or a feature's frames to host memory. */
tsr_status tsr_slot_to_f32(tsr_exec *ex, int32_t feature, tsr_slot *slot);
tsr_status tsr_track_to_host(tsr_exec *ex, int32_t feature);
/* Frees device memory by moving the feature that holds most of it to host memory; false: none is left. */
bool tsr_exec_make_room(tsr_exec *ex);
tsr_status tsr_pools_fill(tsr_exec *ex, const tsr_pool *peaks, int32_t count);
void tsr_pools_free(tsr_exec *ex);

/* schedule.c: the frames [begin, end) whose statistic frame o of a grouped norm is divided by; end INT64_MAX: not yet known. */
int64_t tsr_scope_begin(const tsr_exec *ex, int32_t node, int64_t o);
int64_t tsr_scope_end(const tsr_exec *ex, int32_t node, int64_t o);
/* Runs the deepest node that is ready. *ran false: none is. */
tsr_status tsr_exec_step(tsr_exec *ex, bool *ran);
/* Marks the features ended whose makers have nothing left to make, and drops frames that nobody will read. */
void tsr_exec_settle(tsr_exec *ex);
/* noise.c: n draws of N(0,1); the same for the same seed. */
void tsr_normal_fill(uint64_t seed, float *out, uint64_t n);

/* layer.c: one frame of one node. */
tsr_status tsr_exec_node(tsr_exec *ex, int32_t node);

/* plan.c */
typedef struct tsr_config {
    int32_t height, width;
    int64_t total;
    int32_t stripe_rows;
    bool *hosted; /* by feature */
} tsr_config;

/* Pushes so many frames of nothing through a dry or rehearsing clip, and finishes it. */
tsr_status tsr_exec_pretend(tsr_exec *ex, int64_t frames);
/* What a clip would take, by running it dry. Peaks of the pools are left in *pools (malloc'd) where it is not NULL. */
tsr_status tsr_plan_measure(tsr_net *net, const tsr_config *config, tsr_decoder_plan *plan, tsr_pool **pools, int32_t *pool_count);
/* The fastest configuration within the limit (0: none); config->hosted is malloc'd. */
tsr_status tsr_plan_choose(tsr_net *net, const tsr_clip *clip, uint64_t limit, tsr_config *config, tsr_decoder_plan *plan);

/* exec.c */
tsr_status tsr_exec_create(tsr_net *net, const tsr_config *config, bool dry, uint64_t noise_seed, tsr_exec **out);
void tsr_exec_destroy(tsr_exec *ex);
/* Input frame [height][width][C] in fp32; NULL where dry. */
tsr_status tsr_exec_push(tsr_exec *ex, const float *frame);
void tsr_exec_finish(tsr_exec *ex);
/* Runs until an output frame is ready: *slot, which the caller gives back with tsr_exec_taken; NULL: more input is needed. */
tsr_status tsr_exec_next(tsr_exec *ex, tsr_slot **slot);
void tsr_exec_taken(tsr_exec *ex);
/* Compiles and writes what the first latents of a clip need; leaves the clip at its start. */
tsr_status tsr_exec_rehearse(tsr_exec *ex);
/* Back to the start of a clip. */
void tsr_exec_reset(tsr_exec *ex);
/* Device bytes held beside the net's. */
uint64_t tsr_exec_bytes(const tsr_exec *ex);
/* Device bytes of the windows that hosted frames need. */
void tsr_exec_windows(tsr_exec *ex);
tsr_status tsr_exec_read(tsr_exec *ex, const tsr_slot *slot, float *out);

#endif
