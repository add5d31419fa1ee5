/* What lies outside a frame, by tsr_edge. */
#ifndef TSR_EDGE_H
#define TSR_EDGE_H

#define EDGE_ZERO 0
#define EDGE_REPLICATE 1

/* The row or column that stands for i in a frame of n; -1: zero. */
HELPER i32 edge_inside(i32 i, i32 n, i32 edge)
{
    if (edge == EDGE_ZERO) return i < 0 || i >= n ? -1 : i;
    const i32 turned = edge == EDGE_REPLICATE ? i : i < 0 ? -i : i >= n ? 2 * n - 2 - i : i;
    return turned < 0 ? 0 : turned >= n ? n - 1 : turned;
}

#endif
