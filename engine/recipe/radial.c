/* Radial Attention, arXiv 2506.19852, at the granule of its authors' implementation: blocks of tokens, chosen frame pair by frame pair. */
#include <stdlib.h>

#include "build.h"

/* Columns of blocks, over all pairs of frames: some seconds. */
#define WORK_MAX 4e9

typedef struct radial {
    int64_t block, frames, frame; /* tokens of a block, frames, tokens of a frame */
    int64_t first;                /* token at which the frames begin */
    double decay;
    bool half, sink; /* neighbours see half a frame; frame 0 is seen by all */
} radial;

static int bit_length(int64_t x)
{
    int n = 0;
    for (; x > 0; x >>= 1) n++;
    return n;
}

/* Of two frames at that distance: the reach between places in the frame, -1 where they see nothing of each other. */
static int64_t width(const radial *r, int64_t distance)
{
    const double share = (double)(INT64_C(1) << bit_length(r->frame)) / (double)(INT64_C(1) << bit_length(distance));
    if (share < (double)r->block && distance % (int64_t)((double)r->block / share) != 0) return -1;
    if (distance == 0 || (distance == 1 && !r->half)) return r->frame;
    if (distance == 1) return r->frame / 2;
    const double decayed = share * r->decay;
    return decayed >= (double)r->block ? (int64_t)decayed : r->block;
}

static int64_t overlap(int64_t a, int64_t b, int64_t c, int64_t d)
{
    const int64_t from = a > c ? a : c, to = b < d ? b : d;
    return to > from ? to - from : 0;
}

/* Is a block on for a frame pair? More than 0.6 of its columns that have any pair must have more than a third of their rows.
 * rows, columns: where the block begins within the two frames. */
static bool block_on(const radial *r, int64_t reach, int64_t rows, int64_t columns)
{
    const int64_t row_from = rows > 0 ? rows : 0, row_to = rows + r->block < r->frame ? rows + r->block : r->frame;
    const int64_t from = columns > 0 ? columns : 0, to = columns + r->block < r->frame ? columns + r->block : r->frame;
    if (from - (row_to - 1) > reach || row_from - (to - 1) > reach) return false;                            /* none of its pairs */
    if (to - 1 - row_from <= reach && row_to - 1 - from <= reach) return 3 * (row_to - row_from) > r->block; /* all */
    int64_t any = 0, dense = 0;
    for (int64_t x = from; x < to; x++) {
        const int64_t seen = overlap(x - reach, x + reach + 1, row_from, row_to);
        any += seen > 0;
        dense += 3 * seen > r->block;
    }
    return any > 0 && 10 * dense > 6 * any;
}

static void fill(const radial *r, uint8_t *map, int64_t first_row, int64_t rows, int64_t columns)
{
    for (int64_t i = 0; i < r->frames; i++)
        for (int64_t j = 0; j < r->frames; j++) {
            const int64_t reach = r->sink && j == 0 ? r->frame : width(r, i > j ? i - j : j - i);
            const int64_t row = r->first + i * r->frame, column = r->first + j * r->frame;
            if (reach < 0) continue;
            for (int64_t y = row / r->block; y * r->block < row + r->frame; y++)
                for (int64_t x = column / r->block; x * r->block < column + r->frame; x++)
                    if (y >= first_row && y < first_row + rows && x < columns && block_on(r, reach, y * r->block - row, x * r->block - column))
                        map[(y - first_row) * columns + x] = 1;
        }
}

void tsr_pattern_radial(tsr_build *b, tsr_fields *f)
{
    static const char *const widths[] = {"full", "half", NULL};
    radial r = {.frames = b->grid[0], .frame = b->grid[1] * b->grid[2], .first = b->text_before};
    r.block = tsr_fields_whole(f, "block", 1, 1 << 16, 128);
    r.decay = tsr_fields_number(f, "decay", 1);
    r.half = tsr_fields_choice(f, "neighbors", widths, 0) == 1;
    r.sink = tsr_fields_flag(f, "first_frame", true);
    if (!(r.decay > 0 && r.decay <= 1)) tsr_reader_fail(&b->r, "has a decay of %g; expected more than 0, to 1", r.decay);
    if (b->segmented) tsr_reader_fail(&b->r, "is a pattern of one sequence; expected none of 'segments'");
    if (b->query_first % r.block)
        tsr_reader_fail(&b->r, "has blocks of %lld tokens; expected query_first %lld to be a multiple", (long long)r.block,
                        (long long)b->query_first);
    if (b->r.status != TSR_OK) return;
    const int64_t rows = (b->nq + r.block - 1) / r.block, columns = (b->nk + r.block - 1) / r.block;
    const double pieces = (double)(r.frames > rows ? r.frames : rows) * (double)(r.frames > columns ? r.frames : columns);
    if (pieces * (double)r.block > WORK_MAX) {
        tsr_reader_fail(&b->r, "has %lld frames and %lld x %lld blocks of %lld; expected fewer: their columns are looked at one by one",
                        (long long)r.frames, (long long)rows, (long long)columns, (long long)r.block);
        return;
    }
    uint8_t *map = tsr_build_own(b, calloc((size_t)(rows * columns) + 1, 1));
    if (!map) return;
    fill(&r, map, b->query_first / r.block, rows, columns);
    tsr_build_node(
        b, (tsr_set_node){.op = TSR_SET_BLOCKS, .blocks = map, .block_rows = rows, .block_columns = columns, .block_q = r.block, .block_k = r.block});
    if (b->text_before + b->text_after == 0) return;
    tsr_build_grid_only(b); /* a block at a border holds text too */
    tsr_build_all_of(b, 2);
}
