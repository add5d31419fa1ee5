/* A prepared attention: what was described, what was chosen, and its workspace. */
#ifndef TSR_ATTENTION_H
#define TSR_ATTENTION_H

#include "internal.h"
#include "schedule/schedule.h"

/* Shapes of the kernel for a device and problem; fills spec values of flash. */
typedef struct tsr_tiling {
    tsr_tile tile;
    int32_t lanes, rm, rn, ln, bc; /* as the flash kernel's constants of these names */
    int32_t d_chunk, kv_chunk, dv_slice;
    int32_t query_tile;
    uint32_t splits, passes;
    int32_t pass_tiles; /* key tiles of a piece: one pass of one split */
} tsr_tiling;

/* Lists that kernels write while they run, in place of schedules (engine/flow). */
typedef struct tsr_given_lists {
    bool gathered, tested; /* may keys lie apart, may some tiles have bits */
    /* Called once the tile is chosen: where the distances of a run and the blocks lie, in words. */
    tsr_status (*place)(void *user, const tsr_attention *att, const tsr_tiling *t, int64_t *blocks_at);
    void *user;
    const struct tsr_choice *choice; /* that the lists are made for */
} tsr_given_lists;

struct tsr_attention {
    tsr_device *dev;
    const tsr_given_lists *given; /* while it is prepared; NULL: schedules */
    tsr_attention_desc desc;      /* checked, strides filled in */
    tsr_attention_info info;
    tsr_schedule **schedules; /* of each set, or of each batch and head where expressions tell them apart */
    uint32_t schedule_count;
    uint32_t *schedule_of; /* [B Hq] */
    tsr_buffer *lists;     /* what the kernel walks: see flash_args.h */
    int32_t *pieces;       /* for tsr_attention_set_keys; NULL where sets decide */
    int64_t pieces_at;     /* word of lists */
    tsr_tiling tiling;     /* with pieces */
    int32_t q_tiles, dv_slices;
    int32_t most_tiles;             /* key tiles of a query tile */
    uint32_t passes;                /* dispatches over consecutive keys, each carrying on the state of the last */
    bk_kernel *flash, *merge;       /* merge: NULL with one split in one pass */
    bool reduced;                   /* flash is its form for drivers that reduce matrices */
    bool wide;                      /* flash takes it that keys and values begin at multiples of 16 bytes; */
    int32_t any_rows[BK_MAX_SPECS]; /* a kernel of these constants does not */
    tsr_buffer *params;             /* flash_params of each pass, params_step apart, then merge_params */
    tsr_buffer *user;               /* the numbers of the score expression; NULL: none */
    tsr_buffer *partials;           /* NULL without merge: O and then log-sum-exp of each split, this in two planes where there are passes */
    uint64_t partial_lse;           /* offset in partials */
    struct tsr_coder *coder;        /* codes.h; NULL: q, k and v as they are */
    tsr_buffer *skipped;            /* counts that nobody asked for; NULL: no skipping */
    uint64_t params_step;           /* bytes */
};

/* validate.c: the description with its defaults filled in, or what is wrong with it. */
tsr_status tsr_attention_validate(const tsr_attention_desc *in, tsr_attention_desc *out);

/* validate.c: do the buffers of a run hold what was described? */
tsr_status tsr_attention_check_args(const tsr_attention *att, const tsr_attention_args *args);

/* Spans of a run against their layouts: size, device, outputs apart. */
typedef struct tsr_run_range {
    const char *name;
    const tsr_span *span;
    const tsr_layout *layout;
    uint64_t end; /* bytes; filled in */
    bool output;
} tsr_run_range;
tsr_status tsr_attention_check_ranges(const tsr_device *dev, tsr_run_range *ranges, size_t count);
/* The layout of query tags (2 columns) or key tags (1); all zero where there are none. */
tsr_layout tsr_attention_tags(const tsr_attention_desc *d, int64_t rows, int64_t columns);

/* Sizes for schedules; rows NULL: all queries, in the order that suits, else as tsr_schedule_create_rows. */
typedef struct tsr_plan_tiles {
    int32_t query_tile, key_tile;
    const int64_t *rows;
    int64_t row_count, break_rows;
    int32_t tile_rows;
} tsr_plan_tiles;

/* plan.c: the sets, with the band, as schedules; q_tiles and most_tiles. */
tsr_status tsr_attention_plan(tsr_attention *att, const tsr_plan_tiles *tiles);
/* Frees the schedules, and what lists.c and score.c put on the device. */
void tsr_attention_forget_plan(tsr_attention *att);

/* shapes.c: the shapes of a tile model that a tuner may choose from (splits and passes not filled in), the default first; how many, 1 at
 * least. What a database says counts only if it is among them. */
enum { TSR_MAX_SHAPES = 32, TSR_MAX_CANDIDATES = 5 * TSR_MAX_SHAPES };
size_t tsr_attention_shapes(const tsr_device_info *info, const tsr_attention_desc *desc, tsr_tile tile, tsr_tiling out[TSR_MAX_SHAPES]);
/* May the tile model run this here? UNSUPPORTED says why not. */
tsr_status tsr_attention_allows(const tsr_device_info *info, const tsr_attention_desc *desc, tsr_tile tile);
/* The shapes of all tile models that may (of desc->tile, where it names one), the one that serves where nothing was measured first. */
size_t tsr_attention_candidates(const tsr_device_info *info, const tsr_attention_desc *desc, tsr_tiling out[TSR_MAX_CANDIDATES]);

/* Do both name the same compiled kernel? */
static inline bool tsr_same_shape(const tsr_tiling *a, const tsr_tiling *b)
{
    return a->tile == b->tile && a->lanes == b->lanes && a->rm == b->rm && a->rn == b->rn && a->ln == b->ln && a->bc == b->bc &&
           a->d_chunk == b->d_chunk && a->kv_chunk == b->kv_chunk && a->dv_slice == b->dv_slice;
}

/* tiling.c: the first shape of desc->tile, or of the model that suits the device: for kernels that nobody tunes. */
tsr_status tsr_attention_tiling(const tsr_device_info *info, const tsr_attention_desc *desc, tsr_tiling *out);
/* choose.c: the shape that the flash kernel is to have, and why. measured: as the tuning database says. */
typedef struct tsr_choice {
    tsr_tiling shape;
    bool measured;
    char why[TSR_WHY];
} tsr_choice;
tsr_status tsr_attention_choose(tsr_device *dev, const tsr_attention_desc *desc, tsr_choice *out);
/* How the key tiles of a query tile, most_tiles at most, are shared among splits and cut into passes. loop_limit: see
 * tsr_backend; more_iterations: a kernel's own, outside the walk. */
tsr_status tsr_attention_cut(const tsr_device_info *info, uint32_t loop_limit, const tsr_attention_desc *desc, int64_t query_tiles,
                             int64_t most_tiles, int64_t more_iterations, tsr_tiling *t);

/* score.c: may the score expression be used here; its numbers, on the device. */
tsr_status tsr_attention_check_score(const tsr_attention_desc *desc);
tsr_status tsr_attention_upload_score(tsr_attention *att);

/* lists.c: the schedules as the kernel's lists, on the device. */
tsr_status tsr_attention_upload_lists(tsr_attention *att, const tsr_tiling *t, int64_t *blocks_at);

/* prepare.c, run.c: an attention over lists that are written on the device, of one split, for any part of its keys. */
tsr_status tsr_attention_prepare_given(tsr_device *dev, const tsr_attention_desc *desc, const tsr_given_lists *given, tsr_attention **out);
tsr_status tsr_attention_run_given(tsr_attention *att, const tsr_attention_args *args, const tsr_span *lists);

/* lists.c: of a tagged plan without sets and band, the keys from here on to be the first so many of k. Allocates
 * nothing; waits for the device. */
tsr_status tsr_attention_set_keys(tsr_attention *att, int64_t keys);

static inline bk_binding tsr_bind(const tsr_span *span)
{
    return span->buffer ? (bk_binding){span->buffer->bk, span->offset} : (bk_binding){NULL, 0};
}

/* Bytes that one step along an axis moves. */
static inline int64_t tsr_layout_step(const tsr_layout *l, int axis) { return l->stride[axis] * (int64_t)tsr_dtype_size(l->dtype); }

static inline bool tsr_layout_wanted(const tsr_layout *l)
{
    return l->shape[0] || l->shape[1] || l->shape[2] || l->shape[3] || l->stride[0] || l->stride[1] || l->stride[2] || l->stride[3];
}

#endif
