/* Pictures of masks: each pixel of a small one against its pair, and the shares of a shrunken one against the schedule's numbers. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>

#include <cmocka.h>

#include "mask_picture.h"

enum { MARGIN = 8, GAP = 16 };

typedef struct drawn {
    tsr_recipe *recipe;
    tsr_recipe_info info;
    tsr_schedule *schedule;
    tsr_schedule_info tiles;
    mask_picture picture;
} drawn;

static drawn draw(const char *text, int64_t n, uint32_t keep_order)
{
    drawn d = {0};
    const tsr_recipe_desc desc = {.text = text, .nq = n, .nk = n};
    assert_int_equal(tsr_recipe_parse(&desc, &d.recipe), TSR_OK);
    assert_int_equal(tsr_recipe_get_info(d.recipe, &d.info), TSR_OK);
    const tsr_schedule_desc schedule = {
        .set = d.info.sets[0], .nq = d.info.nq, .nk = d.info.nk, .query_tile = 10, .key_tile = 10, .keep_order = keep_order};
    assert_int_equal(tsr_schedule_create(&schedule, &d.schedule), TSR_OK);
    assert_int_equal(tsr_schedule_get_info(d.schedule, &d.tiles), TSR_OK);
    assert_int_equal(mask_picture_draw(d.info.sets[0], d.schedule, d.info.nq, d.info.nk, &d.picture), TSR_OK);
    return d;
}

static void drop(drawn *d)
{
    free(d->picture.rgb);
    tsr_schedule_destroy(d->schedule);
    tsr_recipe_destroy(d->recipe);
}

/* The pixel's red and blue, from dark (set) and blue (full) over orange (partial) and pale (visited for nothing) to white. */
static const uint8_t *pixel(const mask_picture *p, uint32_t x, uint32_t y) { return p->rgb + ((size_t)y * p->width + x) * 3; }

static void small(void **state)
{
    (void)state;
    enum { N = 100, ZOOM = 7 };
    drawn d = draw("{\"set\":{\"causal\":{}}}", N, 1);
    assert_int_equal(d.picture.width, 2 * N * ZOOM + GAP + 2 * MARGIN);
    assert_int_equal(d.picture.height, N * ZOOM + 2 * MARGIN);
    for (uint32_t q = 0; q < N; q++)
        for (uint32_t k = 0; k < N; k++) {
            const uint32_t x = MARGIN + k * ZOOM + 3, y = MARGIN + q * ZOOM + 3;
            const uint8_t *left = pixel(&d.picture, x, y), *right = pixel(&d.picture, x + N * ZOOM + GAP, y);
            assert_int_equal(left[0], k <= q ? 28 : 255);
            const bool same_tile = k / 10 == q / 10;
            assert_int_equal(right[0], same_tile ? (k <= q ? 232 : 250) : k < q ? 38 : 255);
            assert_int_equal(right[2], same_tile ? (k <= q ? 22 : 170) : k < q ? 180 : 255);
        }
    drop(&d);
}

/* On a grid, in the order of the tiles: the areas of the colours are those of the schedule. */
static void shrunken(void **state)
{
    (void)state;
    drawn d = draw("{\"grid\":[40,50],\"set\":{\"neighborhood\":{\"window\":[9,12],\"stride\":[2,3]}}}", 0, 0);
    const uint32_t side = (d.picture.width - GAP) / 2 - MARGIN;
    assert_true(side <= 720 && side == d.picture.height - 2 * MARGIN);
    double visited = 0, darkness = 0;
    for (uint32_t y = 0; y < side; y++)
        for (uint32_t x = 0; x < side; x++) {
            const uint8_t *left = pixel(&d.picture, MARGIN + x, MARGIN + y);
            darkness += left[0] < 255;
            visited += (255 - pixel(&d.picture, MARGIN + side + GAP + x, MARGIN + y)[2]) / 255.0;
        }
    const double cells = (double)side * side;
    /* blue of full tiles is 180, of partial ones 22 and 170 of 255: what is visited lies between these */
    assert_true(darkness / cells > d.tiles.density && darkness / cells < 6 * d.tiles.density);
    assert_true(visited / cells > d.tiles.density * 75 / 255 * 0.9 && visited / cells < d.tiles.density * d.tiles.waste * 1.2);
    drop(&d);
}

int main(void)
{
    const struct CMUnitTest tests[] = {cmocka_unit_test(small), cmocka_unit_test(shrunken)};
    return cmocka_run_group_tests_name("mask_picture", tests, NULL, NULL);
}
