/* Scores of a tile on the host: the interpreter with the numbers and the grid of a user buffer. */
#include "expression.h"

/* The coordinates of a token, as user_coordinate of shaders/dialect/user.h. */
static void coordinates(const uint32_t *user, int64_t token, int64_t out[3])
{
    const int64_t frames = user[TSR_USER_GRID], rows = user[TSR_USER_GRID + 1], columns = user[TSR_USER_GRID + 2];
    const int64_t at = token - user[TSR_USER_TEXT_BEFORE];
    const bool inside = at >= 0 && at < frames * rows * columns;
    out[0] = inside ? at / columns / rows : -1;
    out[1] = inside ? at / columns % rows : -1;
    out[2] = inside ? at % columns : -1;
}

void tsr_expression_score_tile(const void *program, void *scratch, const void *user, const bk_user_tile *tile, float *scores)
{
    const uint32_t *words = user;
    int64_t q[4][TSR_EXPRESSION_LANES];
    for (int32_t first = 0; first < tile->queries; first += TSR_EXPRESSION_LANES) {
        const int32_t left = tile->queries - first, count = left < TSR_EXPRESSION_LANES ? left : TSR_EXPRESSION_LANES;
        for (int32_t i = 0; i < count; i++) {
            int64_t place[3];
            q[0][i] = tile->q[first + i];
            coordinates(words, q[0][i] + words[TSR_USER_QUERY_FIRST], place);
            for (int a = 0; a < 3; a++) q[1 + a][i] = place[a];
        }
        const tsr_expression_queries queries = {.count = count,
                                                .q = q[0],
                                                .qt = q[1],
                                                .qh = q[2],
                                                .qw = q[3],
                                                .b = tile->b,
                                                .h = tile->h,
                                                .nq = words[TSR_USER_NQ],
                                                .nk = words[TSR_USER_NK]};
        tsr_expression_begin(scratch, program, words, &queries);
        for (int32_t k = 0; k < tile->keys; k++) {
            int64_t place[3];
            coordinates(words, tile->kv[k], place);
            tsr_expression_score64(scratch, &(tsr_expression_key){tile->kv[k], place[0], place[1], place[2]}, scores + k * tile->pitch + first);
        }
    }
}
