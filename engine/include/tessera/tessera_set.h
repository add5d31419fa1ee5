/* Who attends whom: sets of (query, key) pairs built from closed forms, expressions and lists, and the
 * tile schedules made from them. Nothing here needs a device.
 *
 * A set is a formula over nodes in postfix order: leaves push a set of pairs, operators combine what lies
 * on the stack, one set is left. Most people write recipes instead (tsr_recipe_parse), in which the
 * published patterns have names. */
#ifndef TESSERA_SET_H
#define TESSERA_SET_H

#include "tessera.h"
#include "tessera_expression.h"

#ifdef __cplusplus
extern "C" {
#endif

/* ---- Sets -------------------------------------------------------------------------------------- */

typedef enum tsr_set_op {
    TSR_SET_LAW = 1,    /* an interval law on one axis */
    TSR_SET_QUERIES,    /* queries whose coordinate lies in [first, last) */
    TSR_SET_KEYS,       /* keys whose coordinate lies in [first, last) */
    TSR_SET_IDS,        /* a test of one number for each query and one for each key */
    TSR_SET_BLOCKS,     /* a bitmap over blocks of queries and keys */
    TSR_SET_EXPRESSION, /* a user's expression; not 0 means may attend */
    TSR_SET_ALL_OF,     /* intersection of the last count sets */
    TSR_SET_ANY_OF,     /* union of the last count sets */
    TSR_SET_NOT         /* complement of the last set */
} tsr_set_op;

/* What a coordinate x of a token is taken from: its place in the sequence (or in its segment), or on the
 * grid. Tokens outside the grid (text) have no grid coordinates: leaves on grid axes do not hold for them. */
typedef enum tsr_axis { TSR_AXIS_TOKEN = 0, TSR_AXIS_T = 1, TSR_AXIS_H = 2, TSR_AXIS_W = 3 } tsr_axis;

enum {
    TSR_LAW_CAUSAL = 1u << 0,       /* no key beyond the query's own position */
    TSR_LAW_INWARD = 1u << 1,       /* at borders the window is moved inwards and keeps its size (NATTEN); else it is cut */
    TSR_LAW_BOTTOM_RIGHT = 1u << 2, /* TSR_AXIS_TOKEN: adds Nk - Nq to shift: the last query stands at the last key */
    TSR_LAW_POWERS = 1u << 3        /* of the window, only distances 0, 1, 2, 4, 8, ... from the query (needs stride 1) */
};

typedef enum tsr_ids_test {
    TSR_IDS_EQUAL = 0,   /* query id == key id (documents) */
    TSR_IDS_AT_LEAST = 1, /* query id >= key id (block causal by id) */
    TSR_IDS_COMMON = 2   /* (query id & key id) != 0 (bit sets) */
} tsr_ids_test;

/* One node. Fields that an op does not read stay zero.
 *
 * Coordinates (LAW, QUERIES, KEYS): y = ((x + origin) div `div`) mod `mod`, divisions towards minus infinity;
 * div 0: 1, mod 0: none; origin is 0 or more. x of query i on TSR_AXIS_TOKEN is query_first + i.
 *
 * LAW (NATTEN's windows, arXiv 2504.16922, and FlashAttention's in one form): a query's x is first moved by
 * shift. Its y lies in the residue class g = y mod dilation, at position p = y div dilation; keys of other
 * classes are not seen. The leader is c = (p div stride) stride + (CAUSAL ? stride - 1 : stride / 2), and keys
 * at positions [c - left, c + right] are. INWARD: c is at most the class's last position, and without CAUSAL the
 * interval slides into the class. CAUSAL: positions beyond p are cut. Then what lies outside the class is cut.
 * left and right may be TSR_UNBOUNDED, and negative where left + right >= 0.
 * For INWARD: 1 <= stride <= window = left + right + 1 <= positions of every class, origin = mod = shift = 0. */
typedef struct tsr_set_node {
    tsr_set_op op;
    tsr_axis axis;
    int64_t origin, div, mod;
    int64_t left, right, stride, dilation, shift; /* LAW; stride, dilation 0: 1 */
    uint32_t flags;                               /* LAW: TSR_LAW_* */
    int64_t first, last;                          /* QUERIES, KEYS; last may be TSR_UNBOUNDED; negative: counted from the end */
    const int32_t *query_ids, *key_ids;           /* IDS: [id_queries] and [id_keys], all queries and keys of the call; copied */
    int64_t id_queries, id_keys;
    tsr_ids_test test;
    const uint8_t *blocks; /* BLOCKS: [block rows, block columns], 0: not; copied. Row = query / block_q, column = key / block_k; rows and columns for all */
    int64_t block_rows, block_columns, block_q, block_k;
    const tsr_expression *expression; /* EXPRESSION: kept by reference, must outlive the set */
    uint32_t count;                   /* ALL_OF, ANY_OF: 1 or more */
} tsr_set_node;

typedef struct tsr_set_desc {
    const tsr_set_node *nodes; /* copied */
    size_t node_count;         /* 0: everyone */
    /* The token grid [T,H,W], row-major, W fastest; all zero: none. Keys are text_before tokens, the grid,
     * text_after tokens. Queries are the tokens [query_first, query_first + Nq) of the same sequence; 0 without a grid. */
    int64_t grid[3];
    int64_t text_before, text_after, query_first;
    /* Sequences packed one after another: segments + 1 cumulative lengths each, beginning with 0; queries
     * of a segment see keys of the same segment only, and coordinates, grid and alignment are the segment's
     * own. NULL: one segment. Copied. */
    const int64_t *cu_queries, *cu_keys;
    size_t segments;
    uint64_t reserved[4];
} tsr_set_desc;

/* A tsr_set is immutable; any thread may use it. Checks the formula: ops, stack, ranges, laws against the grid's extents. */
TSR_API tsr_status tsr_set_create(const tsr_set_desc *desc, tsr_set **out);
TSR_API void tsr_set_destroy(tsr_set *set);

/* Does the set fit so many queries and keys (grid, segments, ids, inward windows)? What is wrong is named. */
TSR_API tsr_status tsr_set_check(const tsr_set *set, int64_t nq, int64_t nk);

/* *holds: may query q see key k? By the definitions, one pair at a time; for inspection. */
TSR_API tsr_status tsr_set_contains(const tsr_set *set, int64_t nq, int64_t nk, int64_t q, int64_t k, int *holds);

/* ---- Tile schedules ---------------------------------------------------------------------------- */

/* The tiles that a set makes attention visit: queries in tiles, in an order that the planner chooses
 * (boxes of the grid where this visits fewer keys), and for each the keys that any of them sees, in tiles
 * that are full (every query of the tile sees every key) or carry a bit for each pair. Immutable; any thread. */
typedef struct tsr_schedule_desc {
    const tsr_set *set; /* NULL: everyone. Read during the call only */
    int64_t nq, nk;
    int32_t query_tile, key_tile; /* 1..64 and 1..1024; 0: 64 */
    uint32_t keep_order;          /* 1: tiles are runs of the caller's order */
    int32_t b, h;                 /* for expressions that read them */
    uint32_t reserved[5];
} tsr_schedule_desc;

typedef struct tsr_schedule_info {
    uint64_t pairs;            /* pairs in the set */
    uint64_t area;             /* pairs visited: tiles x query_tile x key_tile, whole tiles */
    uint64_t full, partial;    /* key tiles visited, over all query tiles */
    uint64_t query_tiles;
    uint64_t bytes;            /* of the schedule */
    double density;            /* pairs / (nq nk) */
    double waste;              /* area / pairs; 1 where there are none */
    int64_t box[3];            /* tokens along T, H, W of a query tile; {1, 1, query_tile} in the caller's order */
    double seconds;            /* that building took */
} tsr_schedule_info;

TSR_API tsr_status tsr_schedule_create(const tsr_schedule_desc *desc, tsr_schedule **out);
TSR_API void tsr_schedule_destroy(tsr_schedule *schedule);
TSR_API tsr_status tsr_schedule_get_info(const tsr_schedule *schedule, tsr_schedule_info *out);

/* One query tile. rows [row_count]: its queries. keys [key_count]: the keys visited, tile after tile of
 * key_tile; full [key_count]: 1 where all rows see the key and no test is made. Memory of the caller's, of
 * query_tile elements for rows and nk elements for keys and full (each NULL: not wanted). */
typedef struct tsr_schedule_tile {
    int64_t *rows, *keys;
    uint8_t *full;
    int64_t row_count, key_count;
} tsr_schedule_tile;
TSR_API tsr_status tsr_schedule_get_tile(const tsr_schedule *schedule, uint64_t index, tsr_schedule_tile *tile);

/* ---- Recipes ----------------------------------------------------------------------------------- */

/* A recipe is a JSON text that names patterns and puts them together; tools/recipes/README.md lists them. It describes
 * one set for each head (heads may share), for a grid that it names or that the caller gives. */
typedef struct tsr_recipe tsr_recipe;

typedef struct tsr_recipe_desc {
    const char *text;
    size_t length; /* 0: text ends with a NUL */
    int64_t grid[3]; /* replaces the recipe's own; all zero: as the recipe says */
    int64_t nq, nk;  /* tokens, where there is no grid or queries are fewer; 0: the grid and its text */
    uint32_t heads;  /* for patterns by head; 0: the recipe's head_count, or 1 */
    /* What its expressions may name besides the recipe's own scalars and tensors. Read during the call only */
    const tsr_named_scalar *scalars;
    size_t scalar_count;
    const tsr_named_tensor *tensors;
    size_t tensor_count;
    uint32_t reserved[5];
} tsr_recipe_desc;

TSR_API tsr_status tsr_recipe_parse(const tsr_recipe_desc *desc, tsr_recipe **out);
TSR_API void tsr_recipe_destroy(tsr_recipe *recipe);

/* The sets that the recipe made, which live as long as it does: set_of_head [heads] indexes sets. set_count 0: it has none, all see
 * all. nq and nk are 0 where neither the recipe nor the caller told them. */
typedef struct tsr_recipe_info {
    const char *name;
    const tsr_set *const *sets;
    uint32_t set_count;
    const uint32_t *set_of_head;
    uint32_t heads;
    int64_t nq, nk, grid[3];
    const tsr_expression *score; /* NULL: none */
    float scale, softcap;        /* 0: not given */
} tsr_recipe_info;
TSR_API tsr_status tsr_recipe_get_info(const tsr_recipe *recipe, tsr_recipe_info *out);

#ifdef __cplusplus
}
#endif
#endif
