/* Building and inspecting tile schedules. */
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#include "schedule.h"

static const tsr_set everyone = {.node_count = 0};

static tsr_status add_tile(tsr_schedule *s, tsr_query_tile tile)
{
    if (s->tile_count == s->tile_room) {
        const size_t room = s->tile_room ? 2 * s->tile_room : 64;
        tsr_query_tile *p = realloc(s->tiles, room * sizeof(*p));
        if (!p) return tsr_fail(TSR_ERROR_HOST_MEMORY, "no memory for %zu query tiles", room);
        s->tiles = p, s->tile_room = room;
    }
    s->tiles[s->tile_count++] = tile;
    return TSR_OK;
}

/* A tile whose entries are those of the tile before it takes them over: dense attention keeps one list. */
static void share_entries(tsr_schedule *s, tsr_query_tile *tile)
{
    if (s->tile_count == 0) return;
    const tsr_query_tile *last = &s->tiles[s->tile_count - 1];
    if (tile->entries == 0 || last->entries != tile->entries ||
        memcmp(s->entries + last->first_entry, s->entries + tile->first_entry, (size_t)tile->entries * sizeof(tsr_entry)))
        return;
    s->entry_count = (size_t)tile->first_entry;
    tile->first_entry = last->first_entry;
}

/* The tile of these rows of a segment; *at counts the rows of the schedule. */
static tsr_status add_rows_tile(tsr_schedule *s, const tsr_sequence *sequence, tsr_tile_eval *eval, const int64_t *rows, int count, int32_t *at)
{
    tsr_tile_keys keys;
    tsr_query_tile tile = {.first_row = *at, .rows = count, .first_entry = (int64_t)s->entry_count};
    tsr_status status = tsr_tile_eval_run(eval, rows, count, &keys);
    if (status == TSR_OK) status = tsr_schedule_lower(s, &keys, count, sequence->first_k, &tile, &s->info.pairs);
    if (status != TSR_OK) return status;
    for (int r = 0; r < count; r++) s->rows[(*at)++] = (int32_t)(rows[r] + sequence->first_q);
    share_entries(s, &tile);
    return add_tile(s, tile);
}

static tsr_status add_sequence(tsr_schedule *s, const tsr_sequence *sequence, bool keep)
{
    tsr_tile_eval *eval = NULL;
    tsr_order order = {0};
    tsr_status status = tsr_tile_eval_create(sequence, &eval);
    if (status == TSR_OK) status = tsr_order_choose(sequence, eval, s->query_tile, s->key_tile, keep, &order);
    const uint64_t tiles = status == TSR_OK ? tsr_order_tiles(&order) : 0;
    int64_t rows[TSR_TILE_MAX];
    int32_t at = (int32_t)sequence->first_q;
    for (uint64_t i = 0; i < tiles && status == TSR_OK; i++) status = add_rows_tile(s, sequence, eval, rows, tsr_order_rows(&order, i, rows), &at);
    if (status == TSR_OK && s->info.box[2] == 0)
        for (int a = 0; a < 3; a++) s->info.box[a] = order.size[a];
    tsr_order_free(&order);
    tsr_tile_eval_destroy(eval);
    return status;
}

static size_t segment_of(const tsr_set *set, int64_t row)
{
    size_t low = 0, high = set->segments; /* the last that begins at or before row and is not empty */
    while (low + 1 < high) {
        const size_t middle = (low + high) / 2;
        if (set->cu_queries[middle] <= row)
            low = middle;
        else
            high = middle;
    }
    return low;
}

static tsr_status add_chosen(tsr_schedule *s, const tsr_set *set, const tsr_schedule_desc *d, const int64_t *chosen, int64_t count, int32_t tile_rows,
                             int64_t break_rows)
{
    tsr_tile_eval *eval = NULL;
    tsr_sequence sequence = {0};
    tsr_status status = TSR_OK;
    int32_t at = 0;
    for (int64_t i = 0; i < count && status == TSR_OK;) {
        if (!eval || chosen[i] < sequence.first_q || chosen[i] >= sequence.first_q + sequence.nq) {
            tsr_tile_eval_destroy(eval);
            eval = NULL;
            sequence = tsr_set_sequence(set, segment_of(set, chosen[i]), d->nq, d->nk);
            sequence.b = d->b, sequence.h = d->h;
            if ((status = tsr_tile_eval_create(&sequence, &eval)) != TSR_OK) break;
        }
        int64_t rows[TSR_TILE_MAX];
        int n = 0;
        do rows[n++] = chosen[i++] - sequence.first_q;
        while (i < count && n < tile_rows && chosen[i] >= sequence.first_q && chosen[i] < sequence.first_q + sequence.nq &&
               !(break_rows && chosen[i] / break_rows != chosen[i - 1] / break_rows));
        status = add_rows_tile(s, &sequence, eval, rows, n, &at);
    }
    tsr_tile_eval_destroy(eval);
    return status;
}

/* Checks the description; room for so many rows. */
static tsr_status begin(tsr_schedule *s, const tsr_schedule_desc *d, int64_t rows)
{
    for (size_t i = 0; i < sizeof(d->reserved) / sizeof(d->reserved[0]); i++)
        if (d->reserved[i]) return tsr_fail(TSR_ERROR_ARGUMENT, "argument reserved[%zu] is %u; expected 0", i, d->reserved[i]);
    const tsr_status status = tsr_set_check(d->set ? d->set : &everyone, d->nq, d->nk);
    if (status != TSR_OK) return status;
    if (d->query_tile < 0 || d->query_tile > TSR_TILE_MAX)
        return tsr_fail(TSR_ERROR_ARGUMENT, "argument query_tile is %d; expected 0 to %d", d->query_tile, TSR_TILE_MAX);
    if (d->key_tile < 0 || d->key_tile > 1024) return tsr_fail(TSR_ERROR_ARGUMENT, "argument key_tile is %d; expected 0 to 1024", d->key_tile);
    if (d->keep_order > 1) return tsr_fail(TSR_ERROR_ARGUMENT, "argument keep_order is %u; expected 0 or 1", d->keep_order);
    s->nq = rows, s->nk = d->nk;
    s->query_tile = d->query_tile ? d->query_tile : 64;
    s->key_tile = d->key_tile ? d->key_tile : 64;
    s->block_words = s->key_tile * (1 + (s->query_tile + 31) / 32);
    s->rows = malloc((size_t)(rows ? rows : 1) * sizeof(*s->rows));
    return s->rows ? TSR_OK : tsr_fail(TSR_ERROR_HOST_MEMORY, "no memory for %" PRId64 " rows", rows);
}

static void fill_info(tsr_schedule *s, double seconds)
{
    tsr_schedule_info *info = &s->info;
    info->area = (info->full + info->partial) * (uint64_t)s->query_tile * (uint64_t)s->key_tile;
    info->query_tiles = s->tile_count;
    info->bytes = s->tile_count * 16 + (uint64_t)s->nq * 4 + s->entry_count * sizeof(tsr_entry) + s->block_count * (uint64_t)s->block_words * 4;
    info->density = s->nq && s->nk ? (double)info->pairs / ((double)s->nq * (double)s->nk) : 0;
    info->waste = info->pairs ? (double)info->area / (double)info->pairs : 1;
    info->seconds = seconds;
}

static tsr_status finish(tsr_schedule *s, tsr_status status, double start, tsr_schedule **out)
{
    if (status != TSR_OK) {
        tsr_schedule_destroy(s);
        return status;
    }
    free(s->slots); /* nothing more is added */
    s->slots = NULL;
    fill_info(s, tsr_now() - start);
    *out = s;
    return TSR_OK;
}

tsr_status tsr_schedule_create(const tsr_schedule_desc *desc, tsr_schedule **out)
{
    if (!desc || !out) return tsr_fail(TSR_ERROR_ARGUMENT, "argument %s is NULL", desc ? "out" : "desc");
    *out = NULL;
    tsr_schedule *s = calloc(1, sizeof(*s));
    if (!s) return tsr_fail(TSR_ERROR_HOST_MEMORY, "no memory for a schedule");
    const double start = tsr_now();
    const tsr_set *set = desc->set ? desc->set : &everyone;
    tsr_status status = begin(s, desc, desc->nq);
    for (size_t i = 0; i < (set->segments ? set->segments : 1) && status == TSR_OK; i++) {
        tsr_sequence sequence = tsr_set_sequence(set, i, desc->nq, desc->nk);
        sequence.b = desc->b, sequence.h = desc->h;
        if (sequence.nq > 0) status = add_sequence(s, &sequence, desc->keep_order);
    }
    return finish(s, status, start, out);
}

tsr_status tsr_schedule_create_rows(const tsr_schedule_desc *desc, const int64_t *rows, int64_t row_count, int32_t tile_rows, int64_t break_rows,
                                    tsr_schedule **out)
{
    *out = NULL;
    tsr_schedule *s = calloc(1, sizeof(*s));
    if (!s) return tsr_fail(TSR_ERROR_HOST_MEMORY, "no memory for a schedule");
    const double start = tsr_now();
    tsr_status status = begin(s, desc, row_count);
    if (status == TSR_OK) status = add_chosen(s, desc->set ? desc->set : &everyone, desc, rows, row_count, tile_rows, break_rows);
    return finish(s, status, start, out);
}

void tsr_schedule_destroy(tsr_schedule *s)
{
    if (!s) return;
    free(s->tiles);
    free(s->rows);
    free(s->entries);
    free(s->blocks);
    free(s->slots);
    free(s);
}

tsr_status tsr_schedule_get_info(const tsr_schedule *schedule, tsr_schedule_info *out)
{
    if (!schedule || !out) return tsr_fail(TSR_ERROR_ARGUMENT, "argument %s is NULL", schedule ? "out" : "schedule");
    *out = schedule->info;
    return TSR_OK;
}

tsr_status tsr_schedule_get_tile(const tsr_schedule *s, uint64_t index, tsr_schedule_tile *out)
{
    if (!s || !out) return tsr_fail(TSR_ERROR_ARGUMENT, "argument %s is NULL", s ? "tile" : "schedule");
    if (index >= s->tile_count)
        return tsr_fail(TSR_ERROR_ARGUMENT, "argument index is %" PRIu64 "; expected one of %zu query tiles", index, s->tile_count);
    const tsr_query_tile *tile = &s->tiles[index];
    out->row_count = tile->rows;
    out->key_count = 0;
    for (int32_t i = 0; i < tile->rows && out->rows; i++) out->rows[i] = s->rows[tile->first_row + i];
    for (int32_t i = 0; i < tile->entries; i++) {
        const tsr_entry *entry = &s->entries[tile->first_entry + i];
        const uint32_t *block = entry->block < 0 ? NULL : s->blocks + (size_t)(entry->block / 2) * (size_t)s->block_words;
        for (int32_t k = 0; k < entry->keys; k++, out->key_count++) {
            if (out->keys) out->keys[out->key_count] = entry->base + (block ? (int64_t)block[k] : k);
            if (out->full) out->full[out->key_count] = !block || entry->block % 2;
        }
    }
    return TSR_OK;
}
