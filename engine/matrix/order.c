/* The order in which invocations hold a matrix B: weights that are packed in it are loaded as whole words, without a driver's help. */
#include <stdlib.h>
#include <string.h>

#include "layout.h"

/* Takes places [lanes][each] over, if they are an order. */
static void settle(tsr_matrix_layout *l, const uint16_t *places, int32_t each, int32_t lanes)
{
    bool seen[TSR_MATRIX_PLACES] = {false};
    const int32_t all = l->k * l->n, owners = each > 0 && all % each == 0 ? all / each : 0;
    if (owners < 1 || owners > lanes || lanes % owners != 0 || all > TSR_MATRIX_PLACES) return;
    for (int32_t i = 0; i < lanes * each; i++) {
        if (places[i] >= all || places[i] != places[i % all] || (i < all && seen[places[i]])) return;
        seen[places[i]] = true;
    }
    memcpy(l->b_places, places, (size_t)all * sizeof(*places));
    l->b_elements = each;
}

void tsr_matrix_order_read(const uint32_t *found, int32_t elements, int32_t lanes, tsr_matrix_layout *l)
{
    const int32_t each = (int32_t)found[6 * elements * lanes + 1];
    const uint32_t *const rows = found + 2 * elements * lanes, *const columns = rows + elements * lanes;
    uint16_t places[TSR_LAYOUT_ELEMENTS * TSR_LAYOUT_LANES];
    if (each < 1 || each > TSR_LAYOUT_ELEMENTS || lanes > TSR_LAYOUT_LANES) return;
    for (int32_t lane = 0; lane < lanes; lane++)
        for (int32_t e = 0; e < each; e++)
            places[lane * each + e] = (uint16_t)((int32_t)rows[e * lanes + lane] * l->n + (int32_t)columns[e * lanes + lane]);
    settle(l, places, each, lanes);
}

/* rdna3: a column each, twice over; rdna4: half a column each; nvidia: pairs of rows in a quarter of the rows, of the two eighths in turn. */
void tsr_matrix_order_known(const char *name, tsr_matrix_layout *l)
{
    const bool nvidia = strcmp(name, "nvidia") == 0, rdna3 = strcmp(name, "rdna3") == 0;
    uint16_t places[TSR_MATRIX_PLACES];
    if ((!nvidia && !rdna3 && strcmp(name, "rdna4") != 0) || l->k != 16 || l->n != 16 || l->subgroup != 32) return;
    for (int32_t i = 0; i < 256; i++) {
        const int32_t each = rdna3 ? 16 : 8, lane = i / each, e = i % each;
        const int32_t row = nvidia ? lane % 4 * 2 + e % 2 + e / 2 % 2 * 8 : rdna3 ? e : lane / 16 * 8 + e;
        const int32_t column = nvidia ? lane / 4 + e / 4 * 8 : lane % 16;
        places[i] = (uint16_t)(row * 16 + column);
    }
    settle(l, places, rdna3 ? 16 : 8, rdna3 ? 16 : 32);
}
