/* Schedules as the lists that the flash kernel walks, laid out as flash_args.h says, in one buffer. */
#include <stdlib.h>
#include <string.h>

#include "attention.h"

/* Where one schedule lies, in words. */
typedef struct place {
    int64_t tiles, rows, pieces, entries;
} place;

typedef struct writer {
    const tsr_tiling *t;
    int32_t *words; /* NULL: only counted */
    int64_t at;
} writer;

static void put(writer *w, int64_t word)
{
    if (w->words) w->words[w->at] = (int32_t)word;
    w->at++;
}

/* The entries that make the key tiles [first, last) of a query tile; returns how many. */
static int32_t put_part(writer *w, const tsr_schedule *s, const tsr_query_tile *tile, int64_t first, int64_t last, int64_t first_block)
{
    int32_t count = 0;
    int64_t at = 0;
    for (int32_t i = 0; i < tile->entries && at < last; i++) {
        const tsr_entry *e = &s->entries[tile->first_entry + i];
        const int64_t tiles = (e->keys + s->key_tile - 1) / s->key_tile, begin = first > at ? first - at : 0,
                      end = last - at < tiles ? last - at : tiles;
        at += tiles;
        if (begin >= end) continue;
        const int64_t keys = (end == tiles ? e->keys : end * s->key_tile) - begin * s->key_tile;
        put(w, e->base + begin * s->key_tile);
        put(w, keys);
        /* Doubled, a unit still fits: all lists together have fewer than 2^31 words, and a unit has key_tile of them. */
        put(w, e->block < 0 ? -1 : 2 * (1 + (first_block + e->block / 2) * (s->block_words / s->key_tile)) + e->block % 2);
        count++;
    }
    return count;
}

/* The key tiles [*first, *last) of one piece. */
static void piece_range(const tsr_tiling *t, int64_t key_tiles, int64_t part, int64_t *first, int64_t *last)
{
    const int64_t per_split = (key_tiles + t->splits - 1) / t->splits, split = part / t->passes, end = (split + 1) * per_split;
    *first = split * per_split + part % t->passes * t->pass_tiles;
    *last = *first + t->pass_tiles < end ? *first + t->pass_tiles : end;
    if (*last > key_tiles) *last = key_tiles;
}

/* The pieces of a schedule and their entries; query tiles that share a list share it here too. */
static void put_pieces(writer *w, const tsr_schedule *s, const place *p, int64_t first_block, int32_t q_tiles)
{
    const int64_t parts = (int64_t)w->t->splits * w->t->passes;
    w->at = p->entries;
    for (int32_t i = 0; i < q_tiles; i++) {
        const tsr_query_tile none = {.entries = 0}, *tile = (size_t)i < s->tile_count ? &s->tiles[i] : &none;
        int32_t *const pieces = w->words ? w->words + p->pieces + 2 * parts * i : NULL;
        if (i > 0 && (size_t)i < s->tile_count && tile->entries && s->tiles[i - 1].entries && tile->first_entry == s->tiles[i - 1].first_entry) {
            if (pieces) memcpy(pieces, pieces - 2 * parts, (size_t)(2 * parts) * 4);
            continue;
        }
        for (int64_t part = 0; part < parts; part++) {
            int64_t first, last;
            piece_range(w->t, tile->key_tiles, part, &first, &last);
            const int64_t at = w->at;
            const int32_t count = first < last ? put_part(w, s, tile, first, last, first_block) : 0;
            if (pieces) pieces[2 * part] = (int32_t)at, pieces[2 * part + 1] = count;
        }
    }
}

/* Lays out everything; words NULL: counts only. Returns the number of words. */
static int64_t lay_out(const tsr_attention *att, const tsr_tiling *t, place *places, int32_t *words, int64_t *blocks_at)
{
    const int64_t heads = att->desc.q.shape[0] * att->desc.q.shape[1];
    writer w = {t, words, 3 * heads};
    int64_t first_block = 0;
    for (uint32_t i = 0; i < att->schedule_count; i++) {
        const tsr_schedule *s = att->schedules[i];
        place *p = &places[i];
        p->tiles = w.at;
        p->rows = p->tiles + 2 * (int64_t)att->q_tiles;
        w.at = p->rows + s->nq;
        p->pieces = w.at;
        p->entries = p->pieces + 2 * (int64_t)att->q_tiles * t->splits * t->passes;
        put_pieces(&w, s, p, first_block, att->q_tiles);
        const int64_t least = p->entries + 3 * (int64_t)t->splits * t->passes; /* see tsr_attention_set_keys */
        if (w.at < least) w.at = least;
        first_block += (int64_t)s->block_count;
        for (int32_t tile = 0; words && tile < att->q_tiles; tile++) {
            const bool there = (size_t)tile < s->tile_count;
            words[p->tiles + 2 * tile] = there ? (int32_t)p->rows + s->tiles[tile].first_row : 0;
            words[p->tiles + 2 * tile + 1] = there ? s->tiles[tile].rows : 0;
        }
        if (words) memcpy(words + p->rows, s->rows, (size_t)s->nq * 4);
    }
    *blocks_at = w.at;
    for (int32_t i = 0; i < t->bc; i++) put(&w, i);
    for (uint32_t i = 0; i < att->schedule_count; i++) {
        const tsr_schedule *s = att->schedules[i];
        const size_t size = s->block_count * (size_t)s->block_words;
        if (words && size) memcpy(words + w.at, s->blocks, size * 4);
        w.at += (int64_t)size;
    }
    for (int64_t i = 0; words && i < heads; i++) {
        const place *p = &places[att->schedule_of[i]];
        words[3 * i] = (int32_t)p->tiles;
        words[3 * i + 1] = (int32_t)p->pieces;
        words[3 * i + 2] = (int32_t)p->rows;
    }
    return w.at;
}

/* What tsr_attention_set_keys writes anew: the tables of pieces, and an entry for each. */
static tsr_status keep_pieces(tsr_attention *att, const tsr_tiling *t, const place *p)
{
    const size_t parts = (size_t)t->splits * t->passes, words = 2 * parts * (size_t)att->q_tiles + 3 * parts;
    att->tiling = *t;
    att->pieces_at = p->pieces;
    att->pieces = malloc(words * sizeof(*att->pieces));
    return att->pieces ? TSR_OK : tsr_fail(TSR_ERROR_HOST_MEMORY, "no memory for %zu words", words);
}

tsr_status tsr_attention_upload_lists(tsr_attention *att, const tsr_tiling *t, int64_t *blocks_at)
{
    place *places = calloc(att->schedule_count, sizeof(*places));
    if (!places) return tsr_fail(TSR_ERROR_HOST_MEMORY, "no memory for the lists");
    const int64_t count = lay_out(att, t, places, NULL, blocks_at);
    tsr_status s = TSR_OK;
    int32_t *words = NULL;
    if (count > INT32_MAX)
        s = tsr_fail(TSR_ERROR_UNSUPPORTED, "the tile schedule takes %lld words; expected fewer than 2^31", (long long)count);
    else if (!(words = malloc((size_t)count * 4)))
        s = tsr_fail(TSR_ERROR_HOST_MEMORY, "no memory for lists of %lld bytes", (long long)count * 4);
    if (words) lay_out(att, t, places, words, blocks_at);
    if (s == TSR_OK) s = tsr_buffer_create(att->dev, (uint64_t)count * 4, &att->lists);
    if (s == TSR_OK) s = tsr_buffer_write(att->lists, 0, words, (uint64_t)count * 4);
    if (s == TSR_OK && att->desc.tagged && !att->desc.set_count && !att->desc.band.bounded) s = keep_pieces(att, t, &places[0]);
    free(words);
    free(places);
    return s;
}

tsr_status tsr_attention_set_keys(tsr_attention *att, int64_t keys)
{
    const tsr_tiling *t = &att->tiling;
    if (!att->pieces) return tsr_fail(TSR_ERROR_ARGUMENT, "the plan has sets or no tags; expected tags alone");
    if (keys < 0 || keys > att->desc.k.shape[2])
        return tsr_fail(TSR_ERROR_ARGUMENT, "argument keys is %lld; expected 0 to %lld", (long long)keys, (long long)att->desc.k.shape[2]);
    const int64_t parts = (int64_t)t->splits * t->passes, key_tiles = (keys + t->bc - 1) / t->bc, tables = 2 * parts * att->q_tiles;
    for (int64_t part = 0; part < parts; part++) {
        int64_t first, last;
        piece_range(t, key_tiles, part, &first, &last);
        const bool some = first < last;
        int32_t *const entry = att->pieces + tables + 3 * part;
        entry[0] = some ? (int32_t)(first * t->bc) : 0;
        entry[1] = some ? (int32_t)((last * t->bc < keys ? last * t->bc : keys) - first * t->bc) : 0;
        entry[2] = -1;
        for (int32_t tile = 0; tile < att->q_tiles; tile++) {
            att->pieces[2 * (parts * tile + part)] = (int32_t)(att->pieces_at + tables + 3 * part);
            att->pieces[2 * (parts * tile + part) + 1] = some;
        }
    }
    return tsr_buffer_write(att->lists, (uint64_t)att->pieces_at * 4, att->pieces, (uint64_t)(tables + 3 * parts) * 4);
}
