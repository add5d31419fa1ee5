/* q, k and v with the structure that papers on sparse attention report, from a seed.
 *
 * Each key head, and with it the query heads of its group, is of one kind; kinds take turns in the order of realistic_kind, those that
 * need frames only where the grid has several.
 *
 *   local      scores fall with the distance on each axis of the grid: windows (Longformer, STA, Radial Attention)
 *   slash      one key a fixed way behind, one frame on a video: slashes (MInference)
 *   spatial    the own frame (Sparse VideoGen)
 *   temporal   the same place in every frame (Sparse VideoGen)
 *   cluster    tokens of the same content, wherever they are (Routing Transformer, Sparse VideoGen 2)
 *   sink       the first tokens, or the first frame (StreamingLLM, LongLive)
 *   vertical   a few columns that every query sees (MInference)
 *   low rank   a few smooth factors, spread over all keys: no pattern
 *
 * How: q and k of a token are features whose dot product falls with distance (random Fourier features of its coordinates, drawn for each
 * axis), directions that sinks, columns and contents have in common, and noise; all channels of a head are then mixed by reflections.
 * q and k are scaled so that the head's pattern draws `mass` of the attention of sampled queries. Keys have a mean in common, with
 * channels that stand out (SageAttention smooths it away; attention does not change). Values follow the content, vary smoothly and have
 * noise. Text tokens come after the grid; they have content and no place. */
#ifndef REALISTIC_H
#define REALISTIC_H

#include <stdbool.h>
#include <stdint.h>

typedef enum realistic_kind {
    REALISTIC_LOCAL,
    REALISTIC_SLASH,
    REALISTIC_SPATIAL,
    REALISTIC_TEMPORAL,
    REALISTIC_CLUSTER,
    REALISTIC_SINK,
    REALISTIC_VERTICAL,
    REALISTIC_LOW_RANK,
    REALISTIC_KINDS
} realistic_kind;

typedef struct realistic_desc {
    int64_t batch, heads, heads_kv; /* heads_kv divides heads */
    int64_t d, dv;                  /* channels of q and k, 8 or more, and of v */
    int64_t grid[3], text;          /* a sequence of N tokens: {1, 1, N} */
    double mass;                    /* of a head's pattern, between 0 and 1 */
    double noise;                   /* its length relative to that of what has structure */
    uint64_t seed;
} realistic_desc;

int64_t realistic_tokens(const realistic_desc *d);
const char *realistic_name(realistic_kind kind);

/* Who belongs to whom in a key head. */
typedef struct realistic_pattern {
    realistic_kind kind;
    int64_t places, tokens; /* without and with text */
    int64_t grid[3];
    int64_t behind[3]; /* slash: so far behind; at the border of the grid less */
    int64_t reach[3];  /* keys so near count, -1: all; kinds that go by distance */
    int64_t sinks;     /* the first so many */
    int32_t *content;  /* [tokens]: the same in all heads of a batch */
    int32_t contents;
    uint8_t *column; /* [tokens] */
} realistic_pattern;

/* false: no memory. */
bool realistic_pattern_make(const realistic_desc *d, int64_t b, int64_t kv_head, realistic_pattern *out);
void realistic_pattern_free(realistic_pattern *p);
/* Does key j belong to the pattern of query i, which is not text? */
bool realistic_sees(const realistic_pattern *p, int64_t i, int64_t j);

/* What a head became, over the sampled queries. */
typedef struct realistic_head {
    realistic_kind kind;
    double mass;    /* of attention in the pattern */
    double density; /* of the pattern among all pairs */
} realistic_head;

/* One key head: q [heads / heads_kv, tokens, d], k [tokens, d] and v [tokens, dv], packed. false: no memory. */
bool realistic_make(const realistic_desc *d, int64_t b, int64_t kv_head, float *q, float *k, float *v, realistic_head *head);

#endif
