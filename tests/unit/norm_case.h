/* Norms in tests: random cases, and what they are by the formulas in fp64. */
#ifndef NORM_CASE_H
#define NORM_CASE_H

#include "decode/norm.h"
#include "decode_fixture.h"

typedef struct norm_case {
    tsr_norm_kind kind;
    tsr_act act;
    int32_t channels, groups, height, width, row, rows, shift, frames;
    tsr_dtype x, y, m;
    bool scaled, shifted, modulated;
    double mean, spread;
    float eps;
} norm_case;

typedef struct norm_made {
    tsr_norm *norm;
    float *scale, *shift;
} norm_made;

/* Means and standard deviations of n numbers that are `step` apart in runs of `run`. */
typedef struct norm_moments {
    double mean, rstd;
} norm_moments;

/* The case in words, with the seed; one at a time. */
const char *norm_text(const norm_case *c);
/* As many cases as a device's compiler makes ready in some seconds. */
int norm_cases(int host, int vulkan, int opencl);
/* Of any kind but groups, any width, any rows of a small frame. */
norm_case norm_any(void);

double *norm_normals(uint64_t n, double mean, double spread);
fixture_rows norm_rows(tsr_dtype dtype, int32_t first, uint64_t count, double mean, double spread);
tsr_norm_args norm_args_of(const norm_case *c, const fixture_rows *x, const fixture_rows *modulation, const fixture_rows *y);

norm_made norm_make(const norm_case *c);
void norm_unmake(norm_made *m);

norm_moments norm_moments_of(const double *x, int64_t runs, int64_t step, int32_t run, float eps);
/* Fails the test unless rows [c->row, c->row + c->rows) of y are right and all others as they were. groups: moments of each, else NULL. */
void norm_check(const norm_case *c, const norm_made *m, const norm_moments *groups, const fixture_rows *x, const fixture_rows *modulation,
                const fixture_rows *y);

#endif
