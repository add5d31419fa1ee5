/* Which element an invocation of pool or argmax makes, and of which places of the order [first, last); count: tokens of the whole tile. */
#define POOL_RANGE                                                                                 \
    const i32 item = I32(index), row = item / PRM(blocks), row_h = row / PRM(n2), b = row_h / PRM(n1); \
    const i32 r = row - row_h * PRM(n2), h = row_h - b * PRM(n1), n3 = PRM(n3), axis = PRM(axis), kind = PRM(kind), stage = PRM(stage); \
    const i32 c0 = (item - row * PRM(blocks)) * PRM(width), end = n3 - c0 < PRM(width) ? n3 : c0 + PRM(width); \
    const i32 place = axis == 0 ? b : axis == 1 ? h : axis == 2 ? r : c0, tile = stage == 1 ? place / PRM(parts) : place; \
    i64 low = I64(tile) * I64(PRM(size)), high = low + I64(PRM(size));                             \
    if (PRM(size) == 0) {                                                                          \
        const ptr cuts = PADD(offsets, (I64(b) * PRM(offset_b) + I64(h / PRM(offset_group)) * PRM(offset_h)) * I64(4)); \
        low = I64(I32(LD32(cuts, tile)));                                                          \
        high = I64(I32(LD32(cuts, tile + 1)));                                                     \
    }                                                                                              \
    if (high > I64(PRM(tokens))) high = I64(PRM(tokens));                                          \
    if (low > high) low = high;                                                                    \
    const i32 count = I32(high - low);                                                             \
    if (stage == 1) {                                                                              \
        low += I64(place - tile * PRM(parts)) * I64(PRM(part));                                    \
        if (low > high) low = high;                                                                \
        if (high - low > I64(PRM(part))) high = low + I64(PRM(part));                              \
    }                                                                                              \
    if (kind == 4 && count > 0) high = low + I64(1);                                               \
    if (kind == 5 && count > 0) low = high - I64(1);                                               \
    if (stage == 2) {                                                                              \
        low = I64(tile) * I64(PRM(parts));                                                         \
        high = low + I64(PRM(parts));                                                              \
    }                                                                                              \
    const i32 first = I32(low), last = I32(high), dt = PRM(dt), ordered = PRM(ordered), has_empty = PRM(has_empty); \
    const i64 step = PRM(step) * I64(dtype_size(dt)), s3 = PRM(s3), e3 = PRM(e3);                  \
    const ptr list = PADD(order, (I64(b) * PRM(order_b) + I64(h / PRM(order_group)) * PRM(order_h)) * I64(4)); \
    const ptr from_row = PADD(x, (I64(b) * PRM(s0) + I64(h / PRM(x_group)) * PRM(s1) + I64(r) * PRM(s2)) * I64(dtype_size(dt))); \
    const ptr other = PADD(empty, (I64(b) * PRM(e0) + I64(h / PRM(empty_group)) * PRM(e1) + I64(r) * PRM(e2)) * I64(4)); \
    const ptr to = PADD(y, I64(row) * I64(n3) * I64(4));                                           \
    const bool absent = stage != 1 && count == 0

#define TOKEN(t) (ordered != 0 ? I64(I32(LD32(list, t))) : I64(t))
#define ABSENT(c) (has_empty != 0 ? LDF(PADD(other, I64(c) * e3 * I64(4)), 0) : 0.0f)
