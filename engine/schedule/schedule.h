/* Tile schedules inside the engine: query tiles, the entries that each walks, and the blocks that entries share. */
#ifndef TSR_SCHEDULE_INTERNAL_H
#define TSR_SCHEDULE_INTERNAL_H

#include "set/set.h"

/* A run of keys. block -1: keys base, base + 1, ..., all of them seen by all rows. Else block / 2 is the block
 * that has the keys' distances from base and their bits, of which the latter count unless block % 2. */
typedef struct tsr_entry {
    int32_t base, keys, block;
} tsr_entry;

typedef struct tsr_query_tile {
    int32_t first_row, rows; /* in tsr_schedule.rows */
    int64_t first_entry;
    int32_t entries;
    int32_t key_tiles; /* that the entries make */
} tsr_query_tile;

struct tsr_schedule {
    int64_t nq, nk;
    int32_t query_tile, key_tile,
        block_words; /* u32 words of a block: key_tile distances, then as many words of bits, twice over where query_tile > 32 */
    tsr_query_tile *tiles;
    size_t tile_count, tile_room;
    int32_t *rows; /* [nq], tile after tile */
    tsr_entry *entries;
    size_t entry_count, entry_room;
    uint32_t *blocks; /* [block_count][block_words] */
    size_t block_count, block_room;
    uint32_t *slots; /* hash table of blocks: index + 1, 0 is empty */
    size_t slot_count;
    bool gathered; /* some entry's keys do not lie side by side */
    bool tested;   /* some entry has bits that count */
    tsr_schedule_info info;
};

/* build.c: of chosen rows alone, in their order, at most tile_rows together and none beyond a multiple of break_rows (0: no
 * matter) in a tile with rows before it. desc.query_tile is still the width of the bits. */
tsr_status tsr_schedule_create_rows(const tsr_schedule_desc *desc, const int64_t *rows, int64_t row_count, int32_t tile_rows, int64_t break_rows,
                                    tsr_schedule **out);

/* order.c: how the queries of one sequence are cut into tiles: chunks along the three axes of a box of tokens, and
 * the tokens outside it in runs. */
typedef struct tsr_chunk {
    int32_t first, step, count; /* places first, first + step, ... on the axis */
} tsr_chunk;

typedef struct tsr_order {
    int64_t box_first, extent[3]; /* queries box_first + (t extent[1] + y) extent[2] + x */
    int64_t before, after;        /* queries before and after the box, in runs of query_tile */
    int32_t size[3];              /* of a chunk, at most */
    tsr_chunk *chunks[3];
    size_t chunk_count[3];
    int32_t query_tile;
} tsr_order;

/* One way to cut an axis. */
typedef struct tsr_cut {
    int32_t size, step, phase; /* step: residue classes; phase: even parts if -1, else where multiples of size begin */
} tsr_cut;
/* The chunks of an axis; NULL out: only counted. */
size_t tsr_cut_axis(int64_t extent, tsr_cut c, tsr_chunk *out);
tsr_status tsr_order_cut(tsr_order *order, int axis, tsr_cut c);

/* choose.c: the order that visits fewest key tiles, or runs of the caller's order. */
tsr_status tsr_order_choose(const tsr_sequence *s, tsr_tile_eval *eval, int32_t query_tile, int32_t key_tile, bool keep, tsr_order *out);
void tsr_order_free(tsr_order *order);
uint64_t tsr_order_tiles(const tsr_order *order);
/* Queries of the index-th tile, into rows [query_tile]. */
int tsr_order_rows(const tsr_order *order, uint64_t index, int64_t *rows);

/* lower.c: adds the entries of one tile. rows: how many; keys: of the segment, shift added to each. */
tsr_status tsr_schedule_lower(tsr_schedule *schedule, const tsr_tile_keys *keys, int rows, int64_t shift, tsr_query_tile *tile, uint64_t *pairs);

#endif
