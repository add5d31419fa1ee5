/* How a driver lays out a sub-group's matrices: asked of the device once, and what follows from it for kernels. */
#ifndef TSR_MATRIX_LAYOUT_H
#define TSR_MATRIX_LAYOUT_H

#include "internal.h"

/* Lines (rows or columns) of an accumulator. Element i of an invocation belongs to its line (i >> shift) % count, and the invocations that
 * share its lines are those whose numbers differ in bits of mask alone. count 0: not of this kind. */
typedef struct tsr_matrix_lines {
    int32_t count, shift, mask;
} tsr_matrix_lines;

/* From an accumulator to an input with the same rows and columns. */
typedef enum tsr_matrix_pass {
    TSR_PASS_MEMORY = 0, /* by way of shared memory */
    TSR_PASS_SAME = 1,   /* element by element */
    TSR_PASS_PAIRS = 2   /* element i of an input, the i-th of its line, is element i / 2 of the invocation whose bit `pair` is i % 2 */
} tsr_matrix_pass;

enum { TSR_MATRIX_PLACES = 512 };

typedef struct tsr_matrix_layout {
    int32_t m, n, k, subgroup; /* the shape; invocations of a sub-group */
    tsr_matrix_lines rows, columns;
    tsr_matrix_pass to_a, to_b;
    int32_t pair; /* a bit of invocations' numbers */
    bool reduced; /* no lines are known, and the driver reduces them itself (TSR_FEATURE_MATRIX_REDUCED) */
    /* Elements of B that an invocation has, where invocation l holds what l modulo k n / b_elements does; 0: not so, or not known. Element e of
     * invocation l stands in row b_places[l b_elements + e] / n, column % n. */
    int32_t b_elements;
    uint16_t b_places[TSR_MATRIX_PLACES];
} tsr_matrix_layout;

/* The device's shape for inputs of that type with wide sums: the one with most products, of equals the squarest; NULL: none. */
const tsr_matrix_shape *tsr_matrix_shape_for(const tsr_device_info *info, tsr_dtype input);

/* dpas.c: of a device with TSR_FEATURE_DPAS the columns of matrices of TSR_DPAS_ROWS rows, which are the invocations of a sub-group; 0: none. */
enum { TSR_DPAS_ROWS = 8 };
int32_t tsr_dpas_columns(const tsr_device_info *info, tsr_dtype input);

/* The layout of those matrices in sub-groups of the device's smallest size. It is asked of the device by a kernel, once, and kept in the
 * cache; where the answer is of no known kind, the driver reduces matrices if it can, and else all of it goes through memory. Environment
 * variable TESSERA_MATRIX_LAYOUT (memory, reduced, rdna3, rdna4 or nvidia) says it in place of the device, for drivers that compile and do not
 * run: results are wrong where it is not true. */
tsr_status tsr_matrix_layout_get(tsr_device *dev, const tsr_matrix_shape *shape, tsr_dtype input, tsr_matrix_layout *out);

/* What invocations hold, as layout_args.h has it with room for so many elements, to the kinds above; false: no sensible answer. */
enum { TSR_LAYOUT_ELEMENTS = 64, TSR_LAYOUT_LANES = 128 };
bool tsr_matrix_layout_read(const uint32_t *found, int32_t elements, int32_t lanes, tsr_matrix_layout *layout);

/* order.c: the places of B, from the same words, or of a kind by name; none where they make no such order. */
void tsr_matrix_order_read(const uint32_t *found, int32_t elements, int32_t lanes, tsr_matrix_layout *layout);
void tsr_matrix_order_known(const char *name, tsr_matrix_layout *layout);

void tsr_matrix_layouts_free(tsr_device *dev);

#endif
