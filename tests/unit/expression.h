/* What the tests of expressions share: some numbers of a user's, and lanes to run them in. */
#ifndef UNIT_EXPRESSION_H
#define UNIT_EXPRESSION_H

#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "expression/expression.h"

static const float table_data[] = {1.5f, -2.0f, 3.25f, 0.5f, 8.0f, -0.75f}, vector_data[] = {4.0f, 5.0f, 6.0f, 7.0f};
static const tsr_named_scalar scalars[] = {{"slope", 0.25f}, {"window", 12.0f}, {"nothing", NAN}};
static const tsr_named_tensor tensors[] = {{"table", 2, {2, 3}, table_data}, {"vector", 1, {4}, vector_data}};

static inline tsr_expression_desc describe(const char *text, tsr_expression_kind kind)
{
    return (tsr_expression_desc){.text = text, .kind = kind, .scalars = scalars, .scalar_count = 3, .tensors = tensors, .tensor_count = 2};
}

/* Lanes with poisoned values, so that one that is not computed shows. */
static inline tsr_expression_lanes *make_lanes(const tsr_expression *e)
{
    const size_t size = (tsr_expression_lanes_size(e) + 63) / 64 * 64;
    tsr_expression_lanes *lanes = aligned_alloc(64, size);
    assert_non_null(lanes);
    memset(lanes, 0xff, size);
    return lanes;
}

#endif
