/* A recipe while it is being read: what its patterns are lowered into. */
#ifndef TSR_BUILD_H
#define TSR_BUILD_H

#include "reader.h"
#include "tessera/tessera_expression.h"
#include "tessera/tessera_set.h"

/* Of the formula of one set. */
enum { TSR_NODES_MAX = 4096, TSR_SETS_DEEP = 16 };

/* What expressions may name: the caller's, then the recipe's own. */
typedef struct tsr_names {
    tsr_named_scalar *scalars;
    size_t scalar_count;
    tsr_named_tensor *tensors;
    size_t tensor_count;
    size_t own_tensors; /* the last ones' data are ours */
} tsr_names;

typedef struct tsr_build {
    tsr_reader r;
    /* The sequence. Extents that nothing told are 0: unknown. */
    bool gridded, segmented;
    int64_t grid[3], text_before, text_after, query_first, nq, nk;
    /* On a grid the queries stand where query_first says, else the last query stands at the last key: the flag of laws on the sequence.
     * 0 too where there are as many queries as keys, in every segment. */
    uint32_t align;
    const tsr_names *names;
    /* The formula, in postfix order, and what its nodes point at until the set is made. */
    tsr_set_node *nodes;
    size_t node_count, node_room;
    void **owned;
    size_t owned_count;
    tsr_expression **expressions; /* these live on in the recipe */
    size_t expression_count;
    int depth;
} tsr_build;

/* set.c: lowers a SET. */
void tsr_build_set(tsr_build *b, const cJSON *item);

/* build.c: the set of a SET (NULL: everyone within the segment) over the builder's tokens; the formula is empty after. NULL: failed. cu: of packed
 * sequences, or NULL. */
tsr_set *tsr_build_make_set(tsr_build *b, const cJSON *item, const int64_t *cu_queries, const int64_t *cu_keys, size_t segments);

/* build.c: postfix nodes. */
void tsr_build_node(tsr_build *b, tsr_set_node node);
void tsr_build_all_of(tsr_build *b, uint32_t count); /* of the last count sets; of one: nothing to do */
void tsr_build_any_of(tsr_build *b, uint32_t count);
/* One more set of many, of which pending wait on the stack: puts them together now and then, so that the stack stays low. */
uint32_t tsr_build_fold(tsr_build *b, bool all, uint32_t pending);
void tsr_build_not(tsr_build *b);
void tsr_build_keys(tsr_build *b, tsr_axis axis, int64_t first, int64_t last);
void tsr_build_queries(tsr_build *b, tsr_axis axis, int64_t first, int64_t last);
void tsr_build_causal(tsr_build *b, uint32_t align); /* on the sequence */
void tsr_build_grid_only(tsr_build *b);              /* pairs with both tokens on the grid */
void *tsr_build_own(tsr_build *b, void *memory);     /* freed with the formula; NULL: no memory */
void tsr_build_clear(tsr_build *b);
void tsr_build_expression(tsr_build *b, const cJSON *text, tsr_expression_kind kind, tsr_expression **out);

/* Keeps it for as long as the recipe lives, or destroys it where there is no memory for that. */
void tsr_build_keep(tsr_build *b, tsr_expression *expression);

/* "align" of a pattern, as a law's flag. */
uint32_t tsr_build_align(tsr_build *b, tsr_fields *f);

/* axes.c: parameters for each axis, as a list or as one number. */
typedef struct tsr_axes {
    int rank; /* 3 on a grid, else 1 */
    tsr_axis axis[3];
    int64_t extent[3]; /* 0: unknown */
} tsr_axes;
tsr_axes tsr_build_axes(const tsr_build *b);

/* Values lo..hi[axis] of a member. One number stands for every axis of extent other than 1; on these, and where a
 * list leaves them out, idle is taken. fallback as in tsr_fields_whole. why is appended to range errors. */
typedef struct tsr_axes_rule {
    int64_t lo, hi[3], idle, fallback;
    const char *why;
} tsr_axes_rule;
void tsr_build_axes_values(tsr_build *b, tsr_fields *f, const char *name, const tsr_axes *axes, tsr_axes_rule rule, int64_t out[3]);
void tsr_build_axes_flags(tsr_build *b, tsr_fields *f, const char *name, const tsr_axes *axes, bool out[3]);

/* Patterns by name; value is what stands behind the name. */
typedef struct tsr_pattern {
    const char *name;
    void (*lower)(tsr_build *b, tsr_fields *f);
    bool grid; /* it is one of a token grid */
} tsr_pattern;
extern const tsr_pattern tsr_patterns[];
extern const size_t tsr_pattern_count;

/* windows.c */
void tsr_pattern_all(tsr_build *b, tsr_fields *f);
void tsr_pattern_causal(tsr_build *b, tsr_fields *f);
void tsr_pattern_window(tsr_build *b, tsr_fields *f);
void tsr_pattern_dilated(tsr_build *b, tsr_fields *f);
void tsr_pattern_power(tsr_build *b, tsr_fields *f);
void tsr_pattern_strided(tsr_build *b, tsr_fields *f);
void tsr_pattern_fixed(tsr_build *b, tsr_fields *f);
/* streams.c */
void tsr_pattern_sinks(tsr_build *b, tsr_fields *f);
void tsr_pattern_streaming(tsr_build *b, tsr_fields *f);
void tsr_pattern_a_shape(tsr_build *b, tsr_fields *f);
void tsr_pattern_tri_shape(tsr_build *b, tsr_fields *f);
void tsr_pattern_prefix(tsr_build *b, tsr_fields *f);
void tsr_pattern_text(tsr_build *b, tsr_fields *f);
void tsr_pattern_document(tsr_build *b, tsr_fields *f);
void tsr_pattern_queries(tsr_build *b, tsr_fields *f);
void tsr_pattern_keys(tsr_build *b, tsr_fields *f);
/* grids.c */
void tsr_pattern_neighborhood(tsr_build *b, tsr_fields *f);
void tsr_pattern_blocked(tsr_build *b, tsr_fields *f);
void tsr_pattern_halo(tsr_build *b, tsr_fields *f);
void tsr_pattern_cross(tsr_build *b, tsr_fields *f);
void tsr_pattern_sliding_tiles(tsr_build *b, tsr_fields *f);
/* video.c */
void tsr_pattern_frames(tsr_build *b, tsr_fields *f);
void tsr_pattern_attention_tiles(tsr_build *b, tsr_fields *f);
/* radial.c */
void tsr_pattern_radial(tsr_build *b, tsr_fields *f);

#endif
