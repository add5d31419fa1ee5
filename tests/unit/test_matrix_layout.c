/* Layouts of matrices: what is read out of invocations' answers, and the answers of the devices that are there. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "matrix/layout.h"

enum { LANES = 32, SIDE = 16, A = 0, B = 1, C = 2 };

/* Row and column of an element of A, B or C in a lane, as vendors document their instructions. */
typedef struct machine {
    int count[3]; /* elements of a lane */
    void (*where)(int which, int element, int lane, int *row, int *column);
} machine;

/* RDNA3: inputs whole in either half of the lanes; sums' rows alternate between the halves. */
static void rdna3(int which, int e, int lane, int *row, int *column)
{
    *row = which == A ? lane % 16 : which == B ? e : 2 * e + lane / 16;
    *column = which == A ? e : lane % 16;
}

static void rdna4(int which, int e, int lane, int *row, int *column)
{
    *row = which == A ? lane % 16 : e + lane / 16 * 8;
    *column = which == A ? e + lane / 16 * 8 : lane % 16;
}

/* mma.m16n8k16, two of them side by side. */
static void ampere(int which, int e, int lane, int *row, int *column)
{
    const int group = lane / 4, pair = lane % 4 * 2 + e % 2;
    *row = which == B ? pair + e / 2 % 2 * 8 : group + e / 2 % 2 * 8;
    *column = which == B ? group + e / 4 * 8 : pair + e / 4 * 8;
}

/* No two lanes have elements in the same lines. */
static void scattered(int which, int e, int lane, int *row, int *column)
{
    (void)which;
    *row = (e + lane) % SIDE;
    *column = (e * 2 + lane / SIDE + *row * 3) % SIDE;
}

/* Half of C twice, and half nowhere. */
static void repeated(int which, int e, int lane, int *row, int *column)
{
    scattered(which, e, lane, row, column);
    *column = *column / 2 * 2;
}

static bool read_machine(const machine *m, tsr_matrix_layout *out)
{
    uint32_t *found = calloc(6 * SIDE * LANES + 3, sizeof(*found));
    assert_non_null(found);
    for (int which = A; which <= C; which++) {
        found[6 * SIDE * LANES + which] = (uint32_t)m->count[which];
        for (int i = 0; i < m->count[which] * LANES; i++) {
            int row = 0, column = 0;
            m->where(which, i / LANES, i % LANES, &row, &column);
            found[(which * 2 * SIDE + i / LANES) * LANES + i % LANES] = (uint32_t)row;
            found[((which * 2 + 1) * SIDE + i / LANES) * LANES + i % LANES] = (uint32_t)column;
        }
    }
    *out = (tsr_matrix_layout){.m = SIDE, .n = SIDE, .k = SIDE, .subgroup = LANES};
    const bool sensible = tsr_matrix_layout_read(found, SIDE, LANES, out);
    free(found);
    return sensible;
}

static void assert_lines(tsr_matrix_lines is, int count, int shift, int mask)
{
    assert_int_equal(is.count, count);
    assert_int_equal(is.shift, shift);
    assert_int_equal(is.mask, mask);
}

static void known_machines(void **state)
{
    (void)state;
    tsr_matrix_layout l;
    assert_true(read_machine(&(machine){{16, 16, 8}, rdna3}, &l));
    assert_lines(l.columns, 1, 0, 16);
    assert_lines(l.rows, 8, 0, 15);
    assert_int_equal(l.to_a, TSR_PASS_MEMORY);
    assert_int_equal(l.to_b, TSR_PASS_PAIRS);
    assert_int_equal(l.pair, 16);
    assert_true(read_machine(&(machine){{8, 8, 8}, rdna4}, &l));
    assert_lines(l.columns, 1, 0, 16);
    assert_int_equal(l.to_a, TSR_PASS_MEMORY);
    assert_int_equal(l.to_b, TSR_PASS_SAME);
    assert_true(read_machine(&(machine){{8, 8, 8}, ampere}, &l));
    assert_lines(l.rows, 2, 1, 3);
    assert_lines(l.columns, 0, 0, 0);
    assert_int_equal(l.to_a, TSR_PASS_SAME);
    assert_int_equal(l.to_b, TSR_PASS_MEMORY);
    assert_true(read_machine(&(machine){{16, 16, 8}, scattered}, &l));
    assert_lines(l.rows, 0, 0, 0);
    assert_lines(l.columns, 0, 0, 0);
    assert_int_equal(l.to_a, TSR_PASS_MEMORY);
    assert_int_equal(l.to_b, TSR_PASS_MEMORY);
}

static void no_sense(void **state)
{
    (void)state;
    tsr_matrix_layout l;
    assert_false(read_machine(&(machine){{16, 16, 4}, rdna3}, &l)); /* not all of C */
    assert_true(read_machine(&(machine){{16, 16, 8}, rdna3}, &l));
    assert_false(read_machine(&(machine){{8, 8, 8}, repeated}, &l));
    uint32_t nothing[6 * LANES + 3] = {0};
    assert_false(tsr_matrix_layout_read(nothing, 1, LANES, &l)); /* a device that runs nothing */
}

static void devices(void **state)
{
    (void)state;
    static const tsr_dtype inputs[] = {TSR_F16, TSR_BF16, TSR_I8};
    tsr_context *ctx;
    assert_int_equal(tsr_context_create(&(tsr_context_desc){.cache_dir = ""}, &ctx), TSR_OK);
    int asked = 0;
    for (size_t i = 0; i < 3 * tsr_device_count(ctx); i++) {
        tsr_device_info info;
        tsr_device *dev;
        tsr_matrix_layout first, again;
        const tsr_dtype input = inputs[i % 3];
        assert_int_equal(tsr_device_get_info(ctx, i / 3, &info), TSR_OK);
        const tsr_matrix_shape *shape = tsr_matrix_shape_for(&info, input);
        if (!shape || !tsr_kernel_matrix_built("layout", input)) continue;
        assert_int_equal(tsr_device_open(ctx, info.id, NULL, &dev), TSR_OK);
        if (tsr_matrix_layout_get(dev, shape, input, &first) != TSR_OK) fail_msg("%s", tsr_last_error());
        assert_int_equal(tsr_matrix_layout_get(dev, shape, input, &again), TSR_OK);
        assert_memory_equal(&first, &again, sizeof(first));
        printf("%s %s %dx%dx%d: rows %d %d %d, columns %d %d %d, to a %d, to b %d\n", info.id, tsr_dtype_name(input), first.m, first.n, first.k,
               first.rows.count, first.rows.shift, first.rows.mask, first.columns.count, first.columns.shift, first.columns.mask, first.to_a,
               first.to_b);
        tsr_device_destroy(dev);
        asked++;
    }
    tsr_context_destroy(ctx);
    if (!asked) skip();
}

int main(void)
{
    const struct CMUnitTest tests[] = {cmocka_unit_test(known_machines), cmocka_unit_test(no_sense), cmocka_unit_test(devices)};
    return cmocka_run_group_tests(tests, NULL, NULL);
}
