/* libFuzzer entry: any bytes as an expression, which runs if it is one. Build with -fsanitize=fuzzer,address,undefined. */
#include <stdlib.h>
#include <string.h>

#include "expression/expression.h"

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t size);

static void run(const tsr_expression *e)
{
    static const int64_t q[] = {0, 7, -1, INT64_MAX, INT64_MIN};
    tsr_expression_lanes *lanes = aligned_alloc(64, (tsr_expression_lanes_size(e) + 63) / 64 * 64);
    if (!lanes) return;
    const tsr_expression_queries queries = {.count = 5, .q = q, .qt = q, .b = INT32_MAX, .h = 3, .nq = 5, .nk = 6};
    float scores[5] = {0.0f, 1.0f, -1e38f, 1e-40f, 2.5f};
    tsr_expression_begin(lanes, e, NULL, &queries);
    for (int64_t k = -1; k < 4; k++) {
        const tsr_expression_key key = {k, k, INT64_MIN, INT64_MAX};
        if (e->kind == TSR_EXPRESSION_MASK)
            tsr_expression_mask64(lanes, &key);
        else
            tsr_expression_score64(lanes, &key, scores);
    }
    free(lanes);
}

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t size)
{
    static const float data[6] = {1, 2, 3, 4, 5, 6};
    const tsr_named_scalar scalars[] = {{"s", 1.5f}};
    const tsr_named_tensor tensors[] = {{"t", 1, {6}, data}, {"u", 2, {2, 3}, data}};
    if (size == 0) return 0;
    const tsr_expression_desc desc = {.text = (const char *)bytes,
                                      .length = size,
                                      .kind = size % 2 ? TSR_EXPRESSION_MASK : TSR_EXPRESSION_SCORE,
                                      .scalars = scalars,
                                      .scalar_count = 1,
                                      .tensors = tensors,
                                      .tensor_count = 2};
    tsr_expression *e = NULL;
    if (tsr_expression_create(&desc, &e) == TSR_OK) {
        run(e);
        if (e->kind == TSR_EXPRESSION_SCORE) free(tsr_expression_kernel_text(e));
    }
    tsr_expression_destroy(e);
    return 0;
}
