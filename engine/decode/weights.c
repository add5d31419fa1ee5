/* Looks tensors of a weight file up, and says exactly what is wrong with the file. */
#include <inttypes.h>
#include <stdio.h>

#include "decoder.h"

static void print_shape(char *text, size_t size, uint32_t rank, const int64_t *shape)
{
    size_t at = (size_t)snprintf(text, size, "[");
    for (uint32_t i = 0; i < rank && at < size; i++) {
        const int n =
            shape[i] < 0 ? snprintf(text + at, size - at, "%s*", i ? "," : "") : snprintf(text + at, size - at, "%s%" PRId64, i ? "," : "", shape[i]);
        at += (size_t)n;
    }
    if (at < size) snprintf(text + at, size - at, "]");
}

tsr_status tsr_weights_get(const tsr_tensors *file, const char *name, uint32_t rank, const int64_t *shape, tsr_tensor_view *out)
{
    tsr_tensor_view view;
    if (tsr_tensors_find(file, name, &view) != TSR_OK) return tsr_fail(TSR_ERROR_FILE, "the weight file lacks the tensor '%s'", name);
    bool fits = view.rank == rank;
    for (uint32_t i = 0; i < rank && fits; i++) fits = shape[i] < 0 ? view.shape[i] > 0 && view.shape[i] <= 65536 : view.shape[i] == shape[i];
    if (!fits) {
        char is[160], wanted[160];
        print_shape(is, sizeof(is), view.rank, view.shape);
        print_shape(wanted, sizeof(wanted), rank, shape);
        return tsr_fail(TSR_ERROR_FILE, "the weight file's tensor '%s' has shape %s; expected %s", name, is, wanted);
    }
    if (view.dtype != TSR_F32 && view.dtype != TSR_F16 && view.dtype != TSR_BF16)
        return tsr_fail(TSR_ERROR_FILE, "the weight file's tensor '%s' is of type %s; expected f32, f16 or bf16", name, tsr_dtype_name(view.dtype));
    *out = view;
    return TSR_OK;
}
