/* The interface of the choice kernel: which elements of a scope are taken. */

/* MASS 1: until their sum reaches a share. */
#define CHOICE_SPECS(S) S(0, LANES, 64) S(1, MASS, 0)
#define CHOICE_SHAPES(S)

/* Scopes of so many elements, one behind the other. count: so many, -1: as counts says; share: of the candidates, in units of 2^-32; which of
 * them decides: by_share. rounding: 0 down, 1 up, 2 nearest. mass_low, mass_high: the share of the sum in units of 2^-32, a little less and a
 * little more. counts: fp32, strides in elements; groups: heads of the map that share one of its.
 * Phases: CHOICE_STATS, CHOICE_SUMS, CHOICE_VALUES and the 15 after it, then index_rounds from CHOICE_INDICES on, then the writing. One launch
 * makes the phases first to last. Where a scope has several parts, of part elements, it makes one alone, from what that named by before (-1: none)
 * found: in place step % 2 of partial and state it leaves what it found, in the other place is the last one's. */
#define CHOICE_PARAMS(F)                                                                           \
    F(i64, share) F(i64, mass_low) F(i64, mass_high) F(i64, count_sb) F(i64, count_sh) F(i64, count_sr) F(i32, count_group) F(i32, heads) \
    F(i32, rows) F(i32, elements) F(i32, parts) F(i32, part) F(i32, scopes) F(i32, first) F(i32, last) F(i32, before) F(i32, step) \
    F(i32, index_rounds) F(i32, count) F(i32, by_share) F(i32, rounding) F(i32, least) F(i32, most) F(i32, extra) F(i32, crossing)

/* keys, plain: as choice_keys leaves them. partial: words [2, scopes, parts, CHOICE_PARTIAL]; state: words [2, scopes, CHOICE_STATE]; both unused
 * with one part. y: fp32, 1 where taken. */
#define CHOICE_ARGS(RO, RW) RO(plain) RO(keys) RO(counts) RW(partial) RW(state) RW(y)

#define CHOICE_STATS 0
#define CHOICE_SUMS 1
#define CHOICE_VALUES 2
#define CHOICE_INDICES 18
#define CHOICE_PARTIAL 12
#define CHOICE_STATE 20
