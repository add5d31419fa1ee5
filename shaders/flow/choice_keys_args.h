/* The interface of the choice_keys kernel: scores as whole numbers of the same order, for choice. */
#define CHOICE_KEYS_SPECS(S) S(0, LANES, 64)
#define CHOICE_KEYS_SHAPES(S)

/* x, where and pin are fp32, their strides in elements, their columns 1 or (where's, pin's) 0 apart; groups: heads of the result that share one
 * of theirs. A workgroup sees to block columns of a row. flag becomes 1 where a candidate is NaN. */
#define CHOICE_KEYS_PARAMS(F)                                                                      \
    F(i64, x_sb) F(i64, x_sh) F(i64, x_sr) F(i64, w_sb) F(i64, w_sh) F(i64, w_sr) F(i64, p_sb) F(i64, p_sh) F(i64, p_sr) \
    F(i32, w_sc) F(i32, p_sc) F(i32, x_group) F(i32, w_group) F(i32, p_group) F(i32, has_where) F(i32, has_pin) F(i32, heads) F(i32, rows) \
    F(i32, columns) F(i32, block) F(i32, blocks) F(i32, has_flag)

/* plain, keys: u32 [batch, heads, rows, columns]: 0: no candidate; else the higher the larger. In keys pinned elements have the largest of all;
 * without pins both are the same tensor. */
#define CHOICE_KEYS_ARGS(RO, RW) RO(x) RO(where) RO(pin) RW(flag) RW(plain) RW(keys)
