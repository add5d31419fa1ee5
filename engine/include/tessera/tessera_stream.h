/* A streaming key/value cache of one attention layer, in constant memory: append chunks without end, attend to what a
 * policy keeps of them.
 *
 * A token is a key and a value with an id, a kind and a position. Ids count from 0 in the order of appending. The first
 * tokens of a kind are its sinks: they stay (StreamingLLM, arXiv 2309.17453). The others pass through a window of the
 * kind's own, and leave it by age, by score, or as the caller says. Rotary position is applied here: to keys as they
 * come, again where a policy moves them in time, and to queries.
 *
 * Everything is allocated and compiled by tsr_stream_create. No later call allocates memory of the device, and none but
 * save and load memory of the host; the cost of a chunk does not grow with the length of the stream. A call that fails
 * with TSR_ERROR_ARGUMENT or TSR_ERROR_FILE leaves the stream as it was. After a failure of the device the keys are not
 * known any more, and every later call but clear, load and destroy says so.
 *
 * Threads: as of tessera.h; a stream belongs to its device. Calls enqueue; the caller's buffers must live until
 * tsr_device_wait or a read. */
#ifndef TESSERA_STREAM_H
#define TESSERA_STREAM_H

#include "tessera.h"

#ifdef __cplusplus
extern "C" {
#endif

enum { TSR_STREAM_KINDS = 4, TSR_STREAM_AXES = 3, TSR_STREAM_PLANS = 4 };

typedef struct tsr_stream tsr_stream;

/* Which of a kind's tokens leave, where a new chunk finds the window full. */
typedef enum tsr_stream_evict_rule {
    TSR_STREAM_OLDEST = 0,       /* as many as needed, in the order they came */
    TSR_STREAM_LOWEST_SCORE = 1, /* down to `keep`: lowest score first, the younger of equals; never the newest `recent` */
    TSR_STREAM_BY_LIST = 2       /* none: appending fails until tsr_stream_evict made room */
} tsr_stream_evict_rule;

/* One kind of tokens (all tokens; or vision, text: StreamingVLM, arXiv 2510.09608). Counts are in frames. */
typedef struct tsr_stream_kind {
    int64_t frame;  /* tokens in a frame; 0: 1 */
    int64_t sink;   /* the first so many are sinks */
    int64_t window; /* so many others are kept at most, those of the newest chunk among them */
    int64_t keep;   /* LOWEST_SCORE: so many stay of those that are there before the chunk; 0: window less the chunk */
    int64_t recent; /* LOWEST_SCORE: the newest so many stay whatever their score; recent <= keep */
    tsr_stream_evict_rule rule;
} tsr_stream_kind;

/* Rotary position (RoFormer, arXiv 2104.09864). The first channels of a head are turned in pairs, pair i by the angle
 * position[axis] theta^(-2 i / n): the first channels[0] / 2 pairs by axis 0 (time), the next by axis 1, then 2. */
typedef struct tsr_stream_rope {
    uint32_t axes;                     /* 0: none; at most TSR_STREAM_AXES */
    uint32_t half;                     /* pairs are channels 0: 2 i and 2 i + 1; 1: i and i + half of all turned channels */
    uint32_t joint;                    /* 0: i counts within the axis and n is its channels; 1: over all axes, n all turned channels */
    uint32_t together;                 /* TIME_CLOSED: 1: what moves a token in time moves it on all axes by as much, where these count
                                          on from token to token (Qwen-VL); 0: in time alone */
    int64_t channels[TSR_STREAM_AXES]; /* even; their sum is at most D */
    double theta[TSR_STREAM_AXES];     /* 0: 10000 */
    int64_t grid[2];                   /* extents of axes 1 and 2: where a chunk gives no positions, tokens are those of frames,
                                          row-major: time = id / (grid[0] grid[1]); 0: 1 */
} tsr_stream_rope;

/* The time (position on axis 0) at which a key is seen. */
typedef enum tsr_stream_time {
    TSR_STREAM_TIME_KEPT = 0, /* as appended (LongLive, arXiv 2509.22622) */
    /* Gaps that eviction left are closed, seen from the newest token, which keeps its time: next to tokens that left, the
     * older one stands one step before the younger (none where their times are equal); other distances stay. Times must
     * not decrease from token to token. With one token a frame this numbers positions within the cache (StreamingLLM);
     * with frames of equal time it numbers frames (Reward Forcing; Deep Forcing's continuous sequence of sinks, chosen and
     * recent tokens), and StreamingVLM's contiguous indices. */
    TSR_STREAM_TIME_CLOSED = 1
} tsr_stream_time;

typedef struct tsr_stream_desc {
    int64_t batch, heads_q, heads_kv; /* heads_kv divides heads_q */
    int64_t d, dv;                    /* channels of a key and of a value, 1 to 1024 */
    tsr_dtype k_dtype, v_dtype;       /* f32, f16 or bf16: how the cache stores them */
    tsr_stream_kind kinds[TSR_STREAM_KINDS];
    uint32_t kind_count;
    tsr_stream_rope rope;
    tsr_stream_time time;
    uint32_t sink_overlap; /* TIME_CLOSED: 1: the last sink stands at the time of the first token after the gap, not one step
                              before it (Deep Forcing, arXiv 2512.05081, eq. 5) */
    /* 0: sinks stay as they are. Else 0 < ema < 1: the m-th token of a kind that leaves its window is blended into sink
     * m mod (sinks of the kind), key before rotation and value: sink = ema sink + (1 - ema) token, kept in fp32 (the EMA sink
     * of Reward Forcing, arXiv 2512.04678, which updates sink frames by the frames that leave). */
    double ema;
    uint32_t causal; /* 0: queries see all that is kept; 1: no token with a larger id than their own */
    /* Largest numbers of queries of one call; a plan is prepared for each, and a call runs the smallest that holds it (one
     * for prefill and 1 for decoding, say). At least one; 0 ends the list. */
    int64_t queries[TSR_STREAM_PLANS];
    int64_t chunk; /* most tokens of one append; 0: the largest of queries */
    float scale;   /* 0: 1 / sqrt(d) */
    float softcap; /* 0: none */
    uint32_t lse;  /* 1: tsr_stream_attend can give log-sum-exps */
    uint32_t probabilities; /* 1: tsr_stream_attend can score tokens by them */
    uint32_t reserved[6];
} tsr_stream_desc;

TSR_API tsr_status tsr_stream_create(tsr_device *dev, const tsr_stream_desc *desc, tsr_stream **out);
TSR_API void tsr_stream_destroy(tsr_stream *stream);

/* New tokens: k [batch,heads_kv,count,d] and v [batch,heads_kv,count,dv], each f32, f16 or bf16 in any layout, keys not
 * rotated. */
typedef struct tsr_stream_tokens {
    int64_t count;
    tsr_layout k, v;
    tsr_span k_span, v_span;
    const int64_t *positions; /* [count, axes]; NULL: by rope.grid from the ids */
    const uint8_t *kinds;     /* [count]; NULL: all 0 */
} tsr_stream_tokens;

/* Makes room by the kinds' rules, then takes the tokens in. *first_id (unless NULL): the id of the first; the others
 * follow it. A chunk that its kind's window (less `recent`) cannot hold is refused. */
TSR_API tsr_status tsr_stream_append(tsr_stream *stream, const tsr_stream_tokens *tokens, int64_t *first_id);

/* Gives kept tokens new keys and values; ids, positions and scores stay. ids NULL: the newest count tokens (a chunk that a
 * denoiser refines); all ids: LongLive's recache after a new prompt. positions and kinds of tokens are not read. */
TSR_API tsr_status tsr_stream_replace(tsr_stream *stream, const tsr_stream_tokens *tokens, const int64_t *ids);

/* Lets these tokens go, whatever the rule; sinks are refused. */
TSR_API tsr_status tsr_stream_evict(tsr_stream *stream, const int64_t *ids, size_t count);

/* o [batch,heads_q,count,dv] = attention of q [batch,heads_q,count,d] over what is kept; q is not rotated. q and o are f32,
 * f16 or bf16 in any layout. The queries belong to consecutive tokens, the last to the newest token but `before`: by these
 * the causal rule goes, and the positions where none are given. */
typedef struct tsr_stream_queries {
    int64_t count;
    int64_t before;
    tsr_layout q, o;
    tsr_span q_span, o_span;
    tsr_span lse;             /* f32 [batch,heads_q,count], packed; buffer NULL: not wanted */
    const int64_t *positions; /* [count, axes]: on the scale of the newest token's; NULL: those of their tokens */
    /* 1: then score = decay score + sum over queries and heads of the probabilities that they give the token (H2O, arXiv
     * 2306.14048, has decay 1). Waits for the device. */
    uint32_t score;
    double decay;
} tsr_stream_queries;
TSR_API tsr_status tsr_stream_attend(tsr_stream *stream, const tsr_stream_queries *queries);

/* score = decay score + value, for every kept token. Values are f32 [rows, capacity], summed over rows; a token's column is
 * its slot (tsr_stream_list). From memory of the host, or from a buffer, which waits for the device. decay 1 accumulates,
 * 0 replaces. New tokens score 0. */
typedef struct tsr_stream_scores {
    const float *host; /* NULL: span */
    tsr_span span;
    int64_t rows; /* 0: 1 */
    double decay;
} tsr_stream_scores;
TSR_API tsr_status tsr_stream_score(tsr_stream *stream, const tsr_stream_scores *scores);

/* Scores from queries, as of tsr_stream_attend (o, lse and score are not used): score = decay score + sum over queries and heads of
 * q.k (Deep Forcing's participation, eq. 7). Waits for the device. Where a kind's rule is LOWEST_SCORE. */
TSR_API tsr_status tsr_stream_participate(tsr_stream *stream, const tsr_stream_queries *queries, double decay);

/* Forgets all tokens; ids begin at 0 again. */
TSR_API tsr_status tsr_stream_clear(tsr_stream *stream);

/* What is kept of a token. */
typedef struct tsr_stream_token {
    int64_t id;
    int64_t position[TSR_STREAM_AXES]; /* as appended */
    int64_t time;                      /* at which it is seen now */
    double score;
    int32_t slot; /* its row in the cache, 0 to capacity - 1, as long as it is kept */
    uint8_t kind, sink;
    uint8_t reserved[2];
} tsr_stream_token;

/* Fills at most room tokens, by id; *count: how many are kept. out may be NULL where room is 0. */
TSR_API tsr_status tsr_stream_list(const tsr_stream *stream, tsr_stream_token *out, size_t room, size_t *count);

typedef struct tsr_stream_info {
    int64_t capacity;         /* tokens: sinks and windows of all kinds */
    int64_t kept;             /* tokens now */
    int64_t sinks;            /* of these */
    int64_t appended;         /* since the start or clear: the next id */
    int64_t evicted;          /* since then */
    int64_t turned;           /* keys that the last call rotated, new ones among them */
    int64_t kind_kept[TSR_STREAM_KINDS];
    uint64_t device_bytes;    /* held, constant */
    uint64_t host_bytes;      /* held, constant */
    uint64_t reserved[4];
} tsr_stream_info;
TSR_API tsr_status tsr_stream_get_info(const tsr_stream *stream, tsr_stream_info *out);

/* The cache's own buffers, to read: k [batch,heads_kv,capacity,d], rotated, and v [batch,heads_kv,capacity,dv]. Slots that
 * hold no token have any content. */
typedef struct tsr_stream_view {
    tsr_layout k, v;
    tsr_span k_span, v_span;
} tsr_stream_view;
TSR_API tsr_status tsr_stream_get_view(const tsr_stream *stream, tsr_stream_view *out);

/* The exact state as a safetensors file, and back into a stream of the same description: what follows is equal bit for
 * bit. A file that was not written for this description, or that is damaged, is TSR_ERROR_FILE. */
TSR_API tsr_status tsr_stream_save(tsr_stream *stream, const char *path);
TSR_API tsr_status tsr_stream_load(tsr_stream *stream, const char *path);

/* Sets in desc what a policy's JSON text says (kinds, time, ema, ...), and leaves the rest. length 0: text ends with a NUL.
 * tools/recipes/stream has those of published systems. */
TSR_API tsr_status tsr_stream_recipe(const char *text, size_t length, tsr_stream_desc *desc);

#ifdef __cplusplus
}
#endif
#endif
