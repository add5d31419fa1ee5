/* Looks tensors of a weight file up, and says exactly what is wrong with the file. */
#include "weights.h"

#include <inttypes.h>
#include <math.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* No layer of any decoder comes near these; they keep products of extents small. */
enum { CHANNELS_MAX = 1 << 16, TAPS_MAX = 15, NAME_MAX_BYTES = 256, RANK_MAX = 8 };

#define FAIL(w, ...) ((w)->status != TSR_OK ? (w)->status : ((w)->status = tsr_fail(TSR_ERROR_FILE, __VA_ARGS__)))

tsr_status tsr_weights_open(const tsr_tensors *file, const char *prefix, tsr_weights *out)
{
    const size_t count = tsr_tensors_count(file);
    *out = (tsr_weights){.file = file, .used = calloc(count + 1, sizeof(*out->used)), .status = TSR_OK};
    snprintf(out->prefix, sizeof(out->prefix), "%s", prefix);
    if (!out->used) out->status = tsr_fail(TSR_ERROR_HOST_MEMORY, "no memory for a table of %zu tensors", count);
    return out->status;
}

void tsr_weights_close(tsr_weights *w)
{
    free(w->used);
    w->used = NULL;
}

/* The full name of a tensor. */
static void full_name(const tsr_weights *w, char name[NAME_MAX_BYTES], const char *format, va_list args)
{
    const int n = snprintf(name, NAME_MAX_BYTES, "%s", w->prefix);
    vsnprintf(name + n, NAME_MAX_BYTES - (size_t)n, format, args);
}

/* Its index, the file's count if there is none. */
static size_t find(const tsr_weights *w, const char *name, tsr_tensor_view *view)
{
    const size_t count = tsr_tensors_count(w->file);
    for (size_t i = 0; i < count; i++)
        if (tsr_tensors_at(w->file, i, view) == TSR_OK && strcmp(view->name, name) == 0) return i;
    return count;
}

bool tsr_weights_has(const tsr_weights *w, const char *format, ...)
{
    char name[NAME_MAX_BYTES];
    tsr_tensor_view view;
    va_list args;
    va_start(args, format);
    full_name(w, name, format, args);
    va_end(args);
    return find(w, name, &view) < tsr_tensors_count(w->file);
}

int64_t tsr_weights_extent(const tsr_weights *w, uint32_t axis, const char *format, ...)
{
    char name[NAME_MAX_BYTES];
    tsr_tensor_view view;
    va_list args;
    va_start(args, format);
    full_name(w, name, format, args);
    va_end(args);
    return find(w, name, &view) < tsr_tensors_count(w->file) && axis < view.rank ? view.shape[axis] : 0;
}

/* "[384,*,3,3,3]": -1 is any. */
static void print_shape(char *text, size_t size, uint32_t rank, const int64_t *shape)
{
    size_t at = (size_t)snprintf(text, size, "[");
    for (uint32_t i = 0; i < rank && at < size; i++) {
        const char *comma = i ? "," : "";
        at += (size_t)(shape[i] < 0 ? snprintf(text + at, size - at, "%s*", comma) : snprintf(text + at, size - at, "%s%" PRId64, comma, shape[i]));
    }
    if (at < size) snprintf(text + at, size - at, "]");
}

static tsr_status fail_shape(tsr_weights *w, const tsr_tensor_view *view, uint32_t rank, const int64_t *wanted)
{
    char is[200], expected[200];
    print_shape(is, sizeof(is), view->rank, view->shape);
    print_shape(expected, sizeof(expected), rank, wanted);
    return FAIL(w, "the weight file's tensor '%s' has shape %s; expected %s", view->name, is, expected);
}

/* Finds a tensor of a floating type below the prefix, and marks it as used. Its shape is told where it is not there. */
static tsr_status get(tsr_weights *w, const char *name, const char *suffix, uint32_t rank, const int64_t *wanted, tsr_tensor_view *view)
{
    char full[NAME_MAX_BYTES], expected[200];
    if (w->status != TSR_OK) return w->status;
    snprintf(full, sizeof(full), "%s%s%s", w->prefix, name, suffix);
    const size_t index = find(w, full, view);
    print_shape(expected, sizeof(expected), rank, wanted);
    if (index >= tsr_tensors_count(w->file)) return FAIL(w, "the weight file lacks the tensor '%s'; expected it with shape %s", full, expected);
    if (view->dtype != TSR_F32 && view->dtype != TSR_F16 && view->dtype != TSR_BF16)
        return FAIL(w, "the weight file's tensor '%s' is of type %s; expected f32, f16 or bf16", view->name, tsr_dtype_name(view->dtype));
    w->used[index] = true;
    return TSR_OK;
}

/* All of a tensor's n elements, n its shape's product. */
static float *read_all(tsr_weights *w, const tsr_tensor_view *view, int64_t n)
{
    int64_t bytes;
    float *values = tsr_mul(n, (int64_t)sizeof(float), &bytes) ? malloc((size_t)bytes) : NULL;
    if (!values) {
        w->status = tsr_fail(TSR_ERROR_HOST_MEMORY, "no memory for the %" PRId64 " values of tensor '%s'", n, view->name);
        return NULL;
    }
    tsr_floats_from(view, 0, (uint64_t)n, values);
    for (int64_t i = 0; i < n; i++) {
        if (isfinite(values[i])) continue;
        FAIL(w, "the weight file's tensor '%s' has %g at element %" PRId64 "; expected finite numbers", view->name, (double)values[i], i);
        free(values);
        return NULL;
    }
    return values;
}

float *tsr_weights_vector(tsr_weights *w, const char *name, int32_t n)
{
    tsr_tensor_view view;
    const int64_t wanted = n;
    if (get(w, name, "", 1, &wanted, &view) != TSR_OK) return NULL;
    uint32_t longer = 0;
    int64_t extent = 1;
    for (uint32_t i = 0; i < view.rank; i++)
        if (view.shape[i] != 1) longer++, extent = view.shape[i];
    if (n < 1 || longer > 1 || extent != n) {
        fail_shape(w, &view, 1, &wanted);
        return NULL;
    }
    return read_all(w, &view, n);
}

float *tsr_weights_matrix(tsr_weights *w, const char *name, int32_t rows, int32_t columns)
{
    tsr_tensor_view view;
    const int64_t wanted[2] = {rows, columns};
    if (get(w, name, "", 2, wanted, &view) != TSR_OK) return NULL;
    if (view.rank != 2 || rows < 1 || columns < 1 || view.shape[0] != rows || view.shape[1] != columns) {
        fail_shape(w, &view, 2, wanted);
        return NULL;
    }
    return read_all(w, &view, wanted[0] * wanted[1]);
}

/* A weight's shape as [cout, cin, kt, kh, kw]: Linear has no kernel, Conv2d no kt. */
static bool kernel_shape(const tsr_tensor_view *view, int64_t shape[5])
{
    if (view->rank < 2 || view->rank > RANK_MAX) return false;
    int64_t taps[3] = {1, 1, 1};
    uint32_t rank = view->rank;
    while (rank > 5 && view->shape[rank - 1] == 1) rank--;
    if (rank > 5) return false;
    for (uint32_t i = 2; i < rank; i++) taps[3 - (rank - i)] = view->shape[i];
    const int64_t all[5] = {view->shape[0], view->shape[1], taps[0], taps[1], taps[2]};
    memcpy(shape, all, sizeof(all));
    return true;
}

tsr_taps tsr_weights_taps(tsr_weights *w, const char *name, int32_t cout, int32_t cin, int32_t kt, int32_t kh, int32_t kw, int bias)
{
    tsr_taps none = {0}, taps;
    tsr_tensor_view view;
    const int64_t wanted[5] = {cout, cin, kt, kh, kw}, most[5] = {CHANNELS_MAX, CHANNELS_MAX, TSR_MAX_FRAMES_READ, TAPS_MAX, TAPS_MAX};
    int64_t shape[5], n = 1;
    if (get(w, name, ".weight", 5, wanted, &view) != TSR_OK) return none;
    bool fits = kernel_shape(&view, shape);
    for (int i = 0; i < 5 && fits; i++)
        fits = (wanted[i] < 0 ? shape[i] > 0 && shape[i] <= most[i] : shape[i] == wanted[i]) && tsr_mul(n, shape[i], &n);
    if (!fits) {
        fail_shape(w, &view, 5, wanted);
        return none;
    }
    taps = (tsr_taps){(int32_t)shape[0], (int32_t)shape[1], (int32_t)shape[2], (int32_t)shape[3], (int32_t)shape[4], NULL, NULL};
    taps.w = read_all(w, &view, n);
    if (bias > 0 || (bias < 0 && tsr_weights_has(w, "%s.bias", name))) {
        char full[NAME_MAX_BYTES];
        snprintf(full, sizeof(full), "%s.bias", name);
        taps.bias = tsr_weights_vector(w, full, taps.cout);
    }
    if (w->status == TSR_OK) return taps;
    free(taps.w);
    free(taps.bias);
    return none;
}

void tsr_weights_skip(tsr_weights *w, const char *format, ...)
{
    char name[NAME_MAX_BYTES];
    tsr_tensor_view view;
    va_list args;
    va_start(args, format);
    full_name(w, name, format, args);
    va_end(args);
    const size_t index = find(w, name, &view);
    if (index < tsr_tensors_count(w->file)) w->used[index] = true;
}

tsr_status tsr_weights_all_used(const tsr_weights *w, const char *section)
{
    char start[NAME_MAX_BYTES];
    tsr_tensor_view view;
    if (w->status != TSR_OK) return w->status;
    const size_t count = tsr_tensors_count(w->file), n = (size_t)snprintf(start, sizeof(start), "%s%s", w->prefix, section);
    for (size_t i = 0; i < count; i++) {
        char shape[200];
        if (w->used[i] || tsr_tensors_at(w->file, i, &view) != TSR_OK || strncmp(view.name, start, n) != 0) continue;
        print_shape(shape, sizeof(shape), view.rank, view.shape);
        return tsr_fail(TSR_ERROR_FILE, "the weight file's tensor '%s' with shape %s belongs to no layer that is known here", view.name, shape);
    }
    return TSR_OK;
}
