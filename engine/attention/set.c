/* Counting a set: pairs and tiles, from the interval law alone. */
#include "attention.h"

int64_t tsr_band_shift(const tsr_band *set, int64_t nq, int64_t nk) { return set->bounded && set->align == TSR_ALIGN_BOTTOM_RIGHT ? nk - nq : 0; }

/* The keys [*first, *last) that some query of [a, b] sees. */
static void interval(const tsr_band *set, int64_t shift, int64_t nk, int64_t a, int64_t b, int64_t *first, int64_t *last)
{
    *first = 0;
    *last = nk;
    if (!set->bounded) return;
    if (set->left != TSR_UNBOUNDED && a + shift > set->left) *first = a + shift - set->left;
    int64_t end;
    if (set->right != TSR_UNBOUNDED && tsr_add(b + shift + 1, set->right, &end) && end < nk) *last = end > 0 ? end : 0;
    if (*first > *last) *first = *last;
}

uint64_t tsr_band_pairs(const tsr_band *set, int64_t nq, int64_t nk)
{
    if (!set->bounded) return (uint64_t)nq * (uint64_t)nk;
    const int64_t shift = tsr_band_shift(set, nq, nk);
    uint64_t pairs = 0;
    for (int64_t i = 0; i < nq; i++) {
        int64_t first, last;
        interval(set, shift, nk, i, i, &first, &last);
        pairs += (uint64_t)(last - first);
    }
    return pairs;
}

uint64_t tsr_band_tiles(const tsr_band *set, int64_t nq, int64_t nk, int64_t query_tile, int64_t key_tile)
{
    const int64_t shift = tsr_band_shift(set, nq, nk);
    uint64_t tiles = 0;
    for (int64_t q = 0; q < nq; q += query_tile) {
        int64_t first, last;
        interval(set, shift, nk, q, (q + query_tile < nq ? q + query_tile : nq) - 1, &first, &last);
        tiles += (uint64_t)((last - first + key_tile - 1) / key_tile);
    }
    return tiles;
}
