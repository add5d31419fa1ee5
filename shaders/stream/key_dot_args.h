/* The interface of the key_dot kernel: each key's dot product with the summed queries of its head. */
#define KEY_DOT_SPECS(S) S(0, LANES, 64)
#define KEY_DOT_SHAPES(S)

/* k: packed [heads, capacity, d] of type dt. blocks: of LANES keys. One workgroup sees to one block of one head. */
#define KEY_DOT_PARAMS(F) F(i32, dt) F(i32, capacity) F(i32, parts) F(i32, heads) F(i32, d) F(i32, blocks)

/* sums: as of query_sum; dots: fp32 [heads, capacity]. */
#define KEY_DOT_ARGS(RO, RW) RO(k) RO(sums) RW(dots)
