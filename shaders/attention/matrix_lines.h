/* Which elements of scores belong to a query, and a query's statistics: of the lines that an invocation has elements of, as the device's
 * layout says (LINES, LINE_SHIFT, LINE_MASK), or, MAT_REDUCED, as matrices in which all elements of a query are the same. */
#ifndef TSR_MATRIX_LINES_H
#define TSR_MATRIX_LINES_H

/* Of `count` matrices of scores; that of element n of the at-th, and the n-th of the LINE_COUNT that the at-th has. */
#if MAT_REDUCED
#define LINE_COUNT line_max[0].length()
#define BY_LINES(x, count) MAT_F(MM, MN) x[count]
#define OF_ELEMENT(x, at, n) x[at][n]
#define OF_LINE(x, at, n) x[at][n]
#else
#define LINES_ (LINES > 0 ? LINES : 1)
#define LINE_COUNT LINES_
#define BY_LINES(x, count) f32 x[(count) * LINES_]
#define OF_ELEMENT(x, at, n) x[(at) * LINES_ + ((n) >> LINE_SHIFT) % LINES_]
#define OF_LINE(x, at, n) x[(at) * LINES_ + (n)]
#endif

/* to: the largest elements of the lines of `of`; to: totals of what invocations have of each line. */
#if MAT_REDUCED
#define LARGEST_OF_LINES(to, at, of) MAT_LARGEST(to[at], of, ACROSS != 0)
#define TOTAL_OF_LINES(to, at) MAT_TOTAL(to[at], to[at], ACROSS != 0)
#else
#define OVER_LINES_(to, at, n, op)                                                                 \
    UNROLL for (i32 bit = 1; bit < SUBGROUP; bit *= 2) {                                           \
        if ((LINE_MASK & bit) != 0) OF_LINE(to, at, n) = op(OF_LINE(to, at, n), SUBGROUP_XOR(OF_LINE(to, at, n), bit)); \
    }
#define PLUS_(x, y) ((x) + (y))
#define LARGEST_OF_LINES(to, at, of)                                                               \
    {                                                                                              \
        UNROLL for (i32 n = 0; n < LINES_; n++) OF_LINE(to, at, n) = of[n << LINE_SHIFT];          \
        UNROLL for (i32 n = 0; n < of.length(); n++) OF_ELEMENT(to, at, n) = max(OF_ELEMENT(to, at, n), of[n]); \
        UNROLL for (i32 n = 0; n < LINES_; n++) { OVER_LINES_(to, at, n, max) }                    \
    }
#define TOTAL_OF_LINES(to, at) UNROLL for (i32 n = 0; n < LINES_; n++) { OVER_LINES_(to, at, n, PLUS_) }
#endif

/* The step and the shift of each query's codes. */
#if MAT_DT == 7
#define LOAD_LINE_CODES(at, n, row)                                                                \
    OF_LINE(line_step, at, n) = code_step[CODES != 0 ? row : 0];                                   \
    OF_LINE(line_shift, at, n) = code_shift[CODES != 0 ? row : 0];
#else
#define LOAD_LINE_CODES(at, n, row)
#endif

/* Statistics come from row_max and row_sum and go back there: the maximum in powers of two, and of the sum what the invocation itself
 * holds. line_at: the query of a line in the workgroup's tile. */
#if MAT_REDUCED
#define LOAD_LINES(at)                                                                             \
    LOAD_BY_QUERY(line_at[at], iota, q0 + (at) * QN)                                               \
    LOAD_BY_QUERY(line_max[at], row_max, q0 + (at) * QN)                                           \
    LOAD_BY_QUERY(line_sum[at], row_sum, q0 + (at) * QN)                                           \
    UNROLL for (i32 n = 0; n < LINE_COUNT; n++) {                                                  \
        const f32 most_ = line_max[at][n];                                                         \
        line_max[at][n] = TO_POWER(most_);                                                         \
        line_sum[at][n] /= F32(KN);                                                                \
        LOAD_LINE_CODES(at, n, I32(line_at[at][n]))                                                \
    }
#define KEEP_(row, from)                                                                           \
    UNROLL for (i32 j = 0; j < RQ; j++) { STORE_OUTPUTS(from[j], ps, (q0 + j * QN) * VN) }         \
    SYNC();                                                                                        \
    for (i32 c = LANE; c < QT; c += LANES) row[c] = ps[c * VN];                                    \
    SYNC();
#define STORE_LINES KEEP_(row_sum, line_sum) KEEP_(row_max, line_max)
#else
#define LOAD_LINES(at)                                                                             \
    {                                                                                              \
        MAT_F(MM, MN) place_;                                                                      \
        LOAD_BY_QUERY(place_, iota, q0 + (at) * QN)                                                \
        UNROLL for (i32 n = 0; n < LINES_; n++) {                                                  \
            const i32 row_ = I32(place_[n << LINE_SHIFT]);                                         \
            OF_LINE(line_at, at, n) = place_[n << LINE_SHIFT];                                     \
            OF_LINE(line_max, at, n) = TO_POWER(row_max[row_]);                                    \
            OF_LINE(line_sum, at, n) = (SUBLANE & LINE_MASK) == 0 ? row_sum[row_] : 0.0f;          \
            LOAD_LINE_CODES(at, n, row_)                                                           \
        }                                                                                          \
    }
#define STORE_LINES                                                                                \
    UNROLL for (i32 j = 0; j < RQ * LINES_; j++) {                                                 \
        row_sum[I32(line_at[j])] = line_sum[j];                                                    \
        row_max[I32(line_at[j])] = line_max[j];                                                    \
    }
#endif

#endif
