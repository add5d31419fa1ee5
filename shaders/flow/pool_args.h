/* The interface of the kernels that make one number of each tile of an axis: pool, and argmax. */
#define POOL_SPECS(S) S(0, LANES, 64)
#define POOL_SHAPES(S)

/* y is packed [.., n1, n2, n3]. x has strides s0 .. s3, that of the pooled axis 0 and step instead, and heads shared by x_group, as the
 * others. Tiles: size tokens each, or where offsets say (size 0); with order (ordered) of the tokens that it lists. An invocation makes width
 * columns of a row: items in all, blocks a row. kind: 0 mean, 1 sum, 2 max, 3 min, 4 first, 5 last.
 * Long tiles take two stages. 1: y has parts elements for each tile, of part tokens each. 2: x is what stage 1 wrote; for argmax found is that,
 * and x still the tensor. */
#define POOL_PARAMS(F)                                                                             \
    F(i64, items) F(i64, s0) F(i64, s1) F(i64, s2) F(i64, s3) F(i64, step) F(i64, order_b) F(i64, order_h) F(i64, offset_b) \
    F(i64, offset_h) F(i64, e0) F(i64, e1) F(i64, e2) F(i64, e3) F(i32, n1) F(i32, n2) F(i32, n3) F(i32, axis) F(i32, width) \
    F(i32, blocks) F(i32, dt) F(i32, kind) F(i32, stage) F(i32, parts) F(i32, part) F(i32, size) F(i32, tokens)  \
    F(i32, ordered) F(i32, x_group) F(i32, order_group) F(i32, offset_group) F(i32, has_empty) F(i32, empty_group)

/* order: i32 tokens of a head; offsets: i32 [tiles + 1] of a head; empty: fp32 of strides e0 .. e3, for tiles without tokens. */
#define POOL_ARGS(RO, RW) RO(x) RO(order) RO(offsets) RO(empty) RW(y)

#define ARGMAX_SPECS POOL_SPECS
#define ARGMAX_SHAPES POOL_SHAPES
#define ARGMAX_PARAMS POOL_PARAMS
/* found: fp32, packed, y of stage 1: -1 where a part has no tokens. */
#define ARGMAX_ARGS(RO, RW) RO(x) RO(order) RO(offsets) RO(empty) RO(found) RW(y)
