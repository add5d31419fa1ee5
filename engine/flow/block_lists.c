/* Lists of key tiles, as other programs keep them, checked and turned into a map. */
#include <inttypes.h>
#include <string.h>

#include "flow.h"

tsr_status tsr_block_lists_to_map(const tsr_block_lists *l, float *map, uint64_t room)
{
    if (!l || !map) return tsr_fail(TSR_ERROR_ARGUMENT, "argument %s is NULL", l ? "map" : "lists");
    const int64_t extents[] = {l->b, l->h, l->query_tiles, l->key_tiles};
    static const char *const names[] = {"b", "h", "query_tiles", "key_tiles"};
    int64_t total = 1;
    for (int i = 0; i < 4; i++)
        if (extents[i] < 1 || extents[i] > INT32_MAX || !tsr_mul(total, extents[i], &total))
            return tsr_fail(TSR_ERROR_ARGUMENT, "argument lists.%s is %" PRId64 "; expected 1 or more, and a map that fits", names[i], extents[i]);
    if (room != (uint64_t)total) return tsr_fail(TSR_ERROR_ARGUMENT, "argument room is %" PRIu64 "; expected %" PRId64 " elements", room, total);
    if (!l->counts || (l->index_count && !l->indices))
        return tsr_fail(TSR_ERROR_ARGUMENT, "argument lists.%s is NULL", l->counts ? "indices" : "counts");
    const int64_t rows = total / l->key_tiles;
    uint64_t at = 0;
    for (int64_t row = 0; row < rows; row++) {
        const int32_t count = l->counts[row];
        if (count < 0 || count > l->key_tiles)
            return tsr_fail(TSR_ERROR_ARGUMENT, "argument lists.counts[%" PRId64 "] is %d; expected 0 to %" PRId64, row, count, l->key_tiles);
        if ((uint64_t)count > l->index_count - at)
            return tsr_fail(TSR_ERROR_ARGUMENT, "argument lists.index_count is %" PRIu64 "; expected the sum of the counts, which is more",
                            l->index_count);
        for (int32_t i = 0; i < count; i++, at++) {
            const int32_t index = l->indices[at];
            if (index < 0 || index >= l->key_tiles)
                return tsr_fail(TSR_ERROR_ARGUMENT, "argument lists.indices[%" PRIu64 "] (list %" PRId64 ") is %d; expected 0 to %" PRId64, at, row,
                                index, l->key_tiles - 1);
            if (i > 0 && index <= l->indices[at - 1])
                return tsr_fail(TSR_ERROR_ARGUMENT, "argument lists.indices[%" PRIu64 "] (list %" PRId64 ") is %d %s %d; expected ascending tiles",
                                at, row, index, index == l->indices[at - 1] ? "again, after" : "after", l->indices[at - 1]);
        }
    }
    if (at != l->index_count)
        return tsr_fail(TSR_ERROR_ARGUMENT, "argument lists.index_count is %" PRIu64 "; expected %" PRIu64 ", the sum of the counts", l->index_count,
                        at);
    memset(map, 0, (size_t)total * sizeof(*map));
    at = 0;
    for (int64_t row = 0; row < rows; row++)
        for (int32_t i = 0; i < l->counts[row]; i++) map[row * l->key_tiles + l->indices[at++]] = 1;
    return TSR_OK;
}
