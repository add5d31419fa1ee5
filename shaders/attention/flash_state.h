/* What kernels of the flash family share around their loops. */

/* Where the pass of a turn leaves its log-sum-exp, and its maximum. */
#define PLANE(turn) (I64((turn) % 2 * PRM(dv_slices) + slice) * PRM(lse_plane))
#define TOP_PLANE(turn) (I64((2 + (turn) % 2) * PRM(dv_slices) + slice) * PRM(lse_plane))

/* Does any invocation of the workgroup say so? */
#if TILE == TILE_VECTOR
#define ANY_LANE(out, c) out = (c);
#elif TILE == TILE_SUBGROUP
#define ANY_LANE(out, c) out = SUBGROUP_ANY(c);
#else
#define ANY_LANE(out, c)                                                                           \
    if (LANE == 0) loud[0] = 0;                                                                    \
    SYNC();                                                                                        \
    if (c) loud[0] = 1;                                                                            \
    SYNC();                                                                                        \
    out = loud[0] != 0;
#endif
