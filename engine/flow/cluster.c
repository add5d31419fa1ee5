/* Tiles by k-means: each row goes to the centroid that suits it best, centroids become the means of their rows, again and again. */
#include <inttypes.h>
#include <stdio.h>

#include "select.h"

static const flow_tiles whole_axis;

static flow_tensor half_squares(tsr_flow *f, flow_tensor rows)
{
    const flow_named of[] = {{"x", rows}};
    const flow_tensor squares = flow_compute(f, "0.5 * x * x", of, 1);
    return flow_pool(f, squares, FLOW_COLUMNS, &whole_axis, FLOW_SUM, NULL);
}

/* What decides, [.., centroids, rows]: for l2 minus half of the squared distance, short of the row's own square where rows are not compared. */
static flow_tensor score(tsr_flow *f, flow_tensor rows, flow_tensor centroids, bool l2, bool compared)
{
    const flow_tensor dots = flow_dot(f, centroids, rows, 1, false);
    if (!l2 || f->r->status != TSR_OK) return dots;
    const flow_named of[] = {{"s", dots}, {"c", half_squares(f, centroids)}, {"r", compared ? flow_transposed(half_squares(f, rows)) : dots}};
    return flow_compute(f, compared ? "s - c - r" : "s - c", of, compared ? 3 : 2);
}

/* The tensor's row of that number: a view. */
static flow_tensor row_of(flow_tensor t, int64_t row)
{
    t.offset += row * t.stride[FLOW_ROWS];
    t.shape[FLOW_ROWS] = 1;
    return t;
}

/* Each centroid in turn takes the best of the rows that are left, as many as make all of a size. */
static flow_tensor share_out(tsr_flow *f, flow_tensor scores)
{
    const int64_t count = scores.shape[FLOW_ROWS];
    int64_t left = scores.shape[FLOW_COLUMNS];
    flow_tensor free_rows = {.buffer = -1, .shape = {1, 1, 1, 1}}, labels = free_rows;
    for (int64_t i = 0; i < count && f->r->status == TSR_OK; i++) {
        const flow_choice choice = {.where = free_rows,
                                    .pin = {.buffer = -1, .shape = {1, 1, 1, 1}},
                                    .counts = {.buffer = -1},
                                    .count = (left + count - i - 1) / (count - i),
                                    .crossing = true,
                                    .most = INT32_MAX};
        char text[64];
        const flow_tensor taken = flow_select(f, row_of(scores, i), &choice);
        const flow_named of[] = {{"t", taken}, {"l", i ? labels : taken}, {"w", i ? free_rows : taken}};
        snprintf(text, sizeof(text), i ? "l + %" PRId64 " * t" : "%" PRId64 " * t", i);
        labels = flow_compute(f, text, of, i ? 2 : 1);
        free_rows = flow_compute(f, i ? "w - t" : "1 - t", of, i ? 3 : 1);
        left -= choice.count;
    }
    return labels;
}

static flow_tensor nearest(tsr_flow *f, flow_tensor scores) { return flow_pool(f, scores, FLOW_ROWS, &whole_axis, FLOW_ARGMAX, NULL); }

/* Every so manieth row: a view. */
static flow_tensor every_row(flow_tensor rows, int64_t count)
{
    rows.stride[FLOW_ROWS] *= rows.shape[FLOW_ROWS] / count;
    rows.shape[FLOW_ROWS] = count;
    return rows;
}

flow_value flow_op_cluster(tsr_flow *f, tsr_fields *p)
{
    static const char *const metrics[] = {"l2", "dot", NULL};
    flow_value value = {.kind = FLOW_NOTHING};
    const flow_tensor of = flow_tensor_of(f, p, "of", true), start = flow_tensor_of(f, p, "start", false);
    const int64_t n = of.shape[FLOW_ROWS], count = flow_whole_of(f, p, "count", 1, INT32_MAX / 2, TSR_REQUIRED);
    const int64_t iterations = flow_whole_of(f, p, "iterations", 1, 1000, 10);
    const bool l2 = tsr_fields_choice(p, "metric", metrics, 0) == 0, balanced = tsr_fields_flag(p, "balanced", false);
    if (f->r->status == TSR_OK && count > n)
        tsr_reader_fail(f->r, "makes %" PRId64 " clusters of %" PRId64 " rows; expected at most as many", count, n);
    if (f->r->status != TSR_OK) return value;
    flow_tensor centroids = flow_given(&start) ? start : every_row(of, count);
    if (centroids.shape[FLOW_ROWS] != count || centroids.shape[FLOW_COLUMNS] != of.shape[FLOW_COLUMNS])
        tsr_reader_fail(f->r, "starts with %" PRId64 " rows of %" PRId64 "; expected %" PRId64 " of %" PRId64, centroids.shape[FLOW_ROWS],
                        centroids.shape[FLOW_COLUMNS], count, of.shape[FLOW_COLUMNS]);
    if (centroids.dtype != TSR_F32) centroids = flow_pack(f, centroids);
    for (int64_t i = 0; i < iterations && f->r->status == TSR_OK; i++) {
        const flow_tensor scores = score(f, of, centroids, l2, balanced);
        const flow_tensor labels = balanced ? share_out(f, scores) : nearest(f, scores);
        value.tiles = flow_tiles_by_label(f, labels, count);
        centroids = flow_pool(f, of, FLOW_ROWS, &value.tiles, FLOW_MEAN, &centroids);
    }
    value.kind = f->r->status == TSR_OK ? FLOW_TILES : FLOW_NOTHING;
    value.tiles.clustered = true;
    value.tiles.centroids = centroids;
    return value;
}
