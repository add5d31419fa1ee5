/* Turns the keys of a query tile into entries: runs that all rows see, and gathered tiles with bits. */
#include <stdlib.h>
#include <string.h>

#include "schedule.h"

static bool grow(void **array, size_t *room, size_t need, size_t size)
{
    if (need <= *room) return true;
    size_t to = *room ? *room : 64;
    while (to < need) {
        if (to > SIZE_MAX / 4 / size) return false;
        to *= 2;
    }
    void *p = realloc(*array, to * size);
    if (!p) return false;
    *array = p;
    *room = to;
    return true;
}

static tsr_status no_memory(void) { return tsr_fail(TSR_ERROR_HOST_MEMORY, "no memory for a tile schedule"); }

static tsr_status add_entry(tsr_schedule *s, tsr_query_tile *tile, tsr_entry entry)
{
    if (!grow((void **)&s->entries, &s->entry_room, s->entry_count + 1, sizeof(*s->entries))) return no_memory();
    s->entries[s->entry_count++] = entry;
    tile->entries++;
    tile->key_tiles += (entry.keys + s->key_tile - 1) / s->key_tile;
    return TSR_OK;
}

static size_t hash_of(const uint32_t *words, int32_t count)
{
    uint64_t h = UINT64_C(0xcbf29ce484222325);
    for (int32_t i = 0; i < count; i++) h = (h ^ words[i]) * UINT64_C(0x100000001b3);
    return (size_t)(h ^ h >> 29);
}

static tsr_status rehash(tsr_schedule *s)
{
    const size_t count = s->slot_count ? 2 * s->slot_count : 256;
    uint32_t *slots = calloc(count, sizeof(*slots));
    if (!slots) return no_memory();
    for (size_t b = 0; b < s->block_count; b++) {
        size_t at = hash_of(s->blocks + b * (size_t)s->block_words, s->block_words) & (count - 1);
        while (slots[at]) at = (at + 1) & (count - 1);
        slots[at] = (uint32_t)b + 1;
    }
    free(s->slots);
    s->slots = slots, s->slot_count = count;
    return TSR_OK;
}

/* The block of these words, shared with equal ones: windows repeat from tile to tile. */
static tsr_status find_block(tsr_schedule *s, const uint32_t *words, int32_t *out)
{
    if (2 * (s->block_count + 1) > s->slot_count) {
        const tsr_status status = rehash(s);
        if (status != TSR_OK) return status;
    }
    size_t at = hash_of(words, s->block_words) & (s->slot_count - 1);
    for (; s->slots[at]; at = (at + 1) & (s->slot_count - 1)) {
        const size_t b = s->slots[at] - 1;
        if (memcmp(s->blocks + b * (size_t)s->block_words, words, (size_t)s->block_words * 4) == 0) {
            *out = (int32_t)b;
            return TSR_OK;
        }
    }
    if (s->block_count >= INT32_MAX / 2) return tsr_fail(TSR_ERROR_UNSUPPORTED, "the set takes more than 2^30 different tiles");
    size_t room = s->block_room;
    if (!grow((void **)&s->blocks, &room, s->block_count + 1, (size_t)s->block_words * 4)) return no_memory();
    s->block_room = room;
    memcpy(s->blocks + s->block_count * (size_t)s->block_words, words, (size_t)s->block_words * 4);
    *out = (int32_t)s->block_count;
    s->slots[at] = (uint32_t)++s->block_count;
    return TSR_OK;
}

/* Keys that wait to fill a tile. */
typedef struct pending {
    int32_t keys[1024];
    uint64_t bits[1024];
    int32_t count;
} pending;

static tsr_status flush(tsr_schedule *s, tsr_query_tile *tile, pending *p, uint64_t all)
{
    if (p->count == 0) return TSR_OK;
    bool side_by_side = true, full = true;
    for (int32_t i = 0; i < p->count; i++) {
        side_by_side = side_by_side && p->keys[i] == p->keys[0] + i;
        full = full && p->bits[i] == all;
    }
    tsr_entry entry = {.base = p->keys[0], .keys = p->count, .block = -1};
    if (!full || !side_by_side) {
        uint32_t words[1024 * 3];
        memset(words, 0, (size_t)s->block_words * sizeof(*words));
        const int32_t tests = s->block_words / s->key_tile - 1;
        for (int32_t i = 0; i < p->count; i++) {
            words[i] = (uint32_t)(p->keys[i] - p->keys[0]);
            for (int32_t w = 0; w < tests; w++) words[s->key_tile + i * tests + w] = (uint32_t)(p->bits[i] >> 32 * w);
        }
        int32_t block = 0;
        const tsr_status status = find_block(s, words, &block);
        if (status != TSR_OK) return status;
        entry.block = 2 * block + full;
        s->gathered = s->gathered || !side_by_side;
        s->tested = s->tested || !full;
    }
    s->info.full += full;
    s->info.partial += !full;
    p->count = 0;
    return add_entry(s, tile, entry);
}

static tsr_status put(tsr_schedule *s, tsr_query_tile *tile, pending *p, uint64_t all, int64_t key, uint64_t bits)
{
    p->keys[p->count] = (int32_t)key;
    p->bits[p->count++] = bits;
    return p->count == s->key_tile ? flush(s, tile, p, all) : TSR_OK;
}

/* Keys that wait for tiles: those for all rows apart from the others. */
typedef struct waiting {
    tsr_schedule *s;
    tsr_query_tile *tile;
    uint64_t all, *pairs;
    int rows;
    pending whole, part;
} waiting;

/* Keys side by side that all rows see: whole tiles at once, the rest waits. */
static tsr_status put_run(waiting *w, int64_t first, int64_t last)
{
    const int64_t tiles = (last - first) / w->s->key_tile;
    tsr_status status = TSR_OK;
    *w->pairs += (uint64_t)(last - first) * (uint64_t)w->rows;
    if (tiles > 0) {
        w->s->info.full += (uint64_t)tiles;
        status = add_entry(w->s, w->tile, (tsr_entry){(int32_t)first, (int32_t)(tiles * w->s->key_tile), -1});
        first += tiles * w->s->key_tile;
    }
    for (; first < last && status == TSR_OK; first++) status = put(w->s, w->tile, &w->whole, w->all, first, w->all);
    return status;
}

static tsr_status put_bits(waiting *w, const uint64_t *bits, int64_t first, int64_t last, int64_t shift)
{
    tsr_status status = TSR_OK;
    for (int64_t k = first; k < last && status == TSR_OK;) {
        int64_t end = k;
        while (end < last && bits[end] == w->all) end++;
        if (end > k) {
            status = put_run(w, k + shift, end + shift);
            k = end;
            continue;
        }
        *w->pairs += (uint64_t)__builtin_popcountll(bits[k]);
        if (bits[k]) status = put(w->s, w->tile, &w->part, w->all, k + shift, bits[k]);
        k++;
    }
    return status;
}

tsr_status tsr_schedule_lower(tsr_schedule *s, const tsr_tile_keys *keys, int rows, int64_t shift, tsr_query_tile *tile, uint64_t *pairs)
{
    const uint64_t all = rows == 64 ? UINT64_MAX : (UINT64_C(1) << rows) - 1;
    waiting w;
    w.s = s, w.tile = tile, w.all = all, w.pairs = pairs, w.rows = rows;
    w.whole.count = w.part.count = 0;
    tsr_status status = TSR_OK;
    for (int i = 0; i < keys->count && status == TSR_OK; i++) {
        const tsr_keys_span *span = &keys->spans[i];
        status = span->full ? put_run(&w, span->first + shift, span->last + shift) : put_bits(&w, keys->bits, span->first, span->last, shift);
    }
    pending *const whole = &w.whole, *const part = &w.part;
    if (whole->count && whole->count + part->count <= s->key_tile) { /* one tile holds both, in order of keys */
        pending both;
        both.count = 0;
        for (int32_t i = 0, j = 0; i < whole->count || j < part->count;) {
            const bool first = j == part->count || (i < whole->count && whole->keys[i] < part->keys[j]);
            both.keys[both.count] = first ? whole->keys[i] : part->keys[j];
            both.bits[both.count++] = first ? whole->bits[i++] : part->bits[j++];
        }
        return status == TSR_OK ? flush(s, tile, &both, all) : status;
    }
    if (status == TSR_OK) status = flush(s, tile, whole, all);
    return status == TSR_OK ? flush(s, tile, part, all) : status;
}
