/* Tensors that are the same in every run: matrices, and tables of random numbers. */
#include <math.h>
#include <stdlib.h>

#include "flow.h"

enum { CONSTANT_MAX = 1 << 26 };

typedef enum constant_kind { HADAMARD, IDENTITY, NORMAL } constant_kind;

/* Sylvester's matrix: -1 to the number of bits that row and column share. */
static float hadamard(int64_t row, int64_t column) { return __builtin_popcountll((uint64_t)(row & column)) % 2 ? -1.0f : 1.0f; }

/* Uniform in (0, 1], from the seed and a place (splitmix64). */
static double uniform(uint64_t seed, uint64_t place)
{
    uint64_t z = seed + (place + 1) * UINT64_C(0x9e3779b97f4a7c15);
    z = (z ^ (z >> 30)) * UINT64_C(0xbf58476d1ce4e5b9);
    z = (z ^ (z >> 27)) * UINT64_C(0x94d049bb133111eb);
    return ((double)((z ^ (z >> 31)) >> 11) + 1) * 0x1p-53;
}

static float normal(uint64_t seed, int64_t element)
{
    const double u = uniform(seed, 2 * (uint64_t)element), angle = 6.283185307179586 * uniform(seed, 2 * (uint64_t)element + 1);
    return (float)(sqrt(-2 * log(u)) * cos(angle));
}

static void fill(constant_kind kind, uint64_t seed, const int64_t shape[4], int64_t count, float *data)
{
    for (int64_t e = 0; e < count; e++) {
        const int64_t column = e % shape[FLOW_COLUMNS], row = e / shape[FLOW_COLUMNS] % shape[FLOW_ROWS];
        data[e] = kind == NORMAL ? normal(seed, e) : kind == HADAMARD ? hadamard(row, column) : row == column ? 1.0f : 0.0f;
    }
}

flow_value flow_op_constant(tsr_flow *f, tsr_fields *p)
{
    static const char *const kinds[] = {"hadamard", "identity", "normal", NULL};
    flow_value value = {.kind = FLOW_NOTHING};
    int64_t shape[4] = {1, 1, 1, 1};
    if (!tsr_fields_has(p, "kind")) tsr_reader_fail(f->r, "has no 'kind'");
    const constant_kind kind = (constant_kind)tsr_fields_choice(p, "kind", kinds, 0);
    const int64_t seed = flow_whole_of(f, p, "seed", 0, TSR_RECIPE_MAX, 1);
    const int64_t count = flow_shape_of(f, p, shape) ? flow_elements(f, shape) : 0, n = shape[FLOW_ROWS];
    if (count > CONSTANT_MAX) tsr_reader_fail(f->r, "has %lld elements; expected at most %d", (long long)count, CONSTANT_MAX);
    if (kind == HADAMARD && (n == 0 || n != shape[FLOW_COLUMNS] || (n & (n - 1)) != 0))
        tsr_reader_fail(f->r, "has %lld rows and %lld columns; expected as many, a power of two", (long long)n, (long long)shape[FLOW_COLUMNS]);
    if (f->r->status != TSR_OK) return value;
    float *data = malloc((size_t)(count + 1) * sizeof(*data));
    if (data) fill(kind, (uint64_t)seed, shape, count, data);
    value.kind = FLOW_TENSOR;
    value.tensor = flow_constant(f, TSR_F32, shape, data);
    return value;
}
