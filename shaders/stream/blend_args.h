/* The interface of the blend kernel: sinks that take in what leaves the window. */
#define BLEND_SPECS(S) S(0, LANES, 64)
#define BLEND_SHAPES(S)

/* Strides of the cache in bytes; its rows are dense. factor: the sink's share; sinks: rows of exact; first 1: the sink is
 * new, and exact becomes the row. */
#define BLEND_PARAMS(F) F(i64, sb) F(i64, sh) F(i64, sn) F(i32, dt) F(i32, first) F(i32, batch) F(i32, heads) F(i32, d) F(i32, sinks) F(f32, factor)

/* list: three i32 for each: row of exact, the sink's row in cache, the row in cache that is blended in. exact: fp32, packed
 * [batch, heads, sinks, d]. */
#define BLEND_ARGS(RO, RW) RO(list) RW(exact) RW(cache)
