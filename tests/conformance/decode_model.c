/* Models with random weights, in memory and as files. */
#include <math.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "decode.h"

/* Room for n values of a tensor, NULL if something failed before. */
static void *add(decode_model *m, const char *name, const char *suffix, uint32_t rank, const int64_t *shape, int n)
{
    if (m->count == DECODE_TENSORS || m->failed) {
        m->failed = true;
        return NULL;
    }
    tsr_tensor_view *v = &m->views[m->count];
    *v = (tsr_tensor_view){.name = m->names[m->count], .dtype = m->dtype, .rank = rank, .size = (uint64_t)n * tsr_dtype_size(m->dtype)};
    snprintf(m->names[m->count], sizeof(m->names[0]), "%s%s", name, suffix);
    memcpy(v->shape, shape, rank * sizeof(*shape));
    void *data = calloc(1, (size_t)v->size);
    v->data = data;
    m->count++;
    m->failed = !data;
    return data;
}

void decode_model_vector(decode_model *m, const char *name, int n, double mean, double gain)
{
    void *data = add(m, name, "", 1, (const int64_t[]){n}, n);
    for (int i = 0; data && i < n; i++) oracle_store(m->dtype, data, i, mean + gain * oracle_normal(m->rng));
}

void decode_model_conv(decode_model *m, const char *name, int cout, int cin, int k, double gain, double bias)
{
    const int n = cout * cin * k * k;
    void *data = add(m, name, ".weight", 4, (const int64_t[]){cout, cin, k, k}, n);
    for (int i = 0; data && i < n; i++) oracle_store(m->dtype, data, i, gain * oracle_normal(m->rng) / sqrt((double)(cin * k * k)));
    if (bias == 0) return;
    char full[64];
    snprintf(full, sizeof(full), "%s.bias", name);
    decode_model_vector(m, full, cout, 0, bias);
}

void decode_model_pixels(decode_model *m, const char *name, int cout, int cin)
{
    char full[64];
    decode_model_conv(m, name, cout, cin, 3, 0.12, 0);
    snprintf(full, sizeof(full), "%s.bias", name);
    decode_model_vector(m, full, cout, 0.5, 0.1);
}

const tsr_tensor_view *decode_model_find(const decode_model *m, const char *format, ...)
{
    char name[64];
    va_list args;
    va_start(args, format);
    vsnprintf(name, sizeof(name), format, args);
    va_end(args);
    for (int i = 0; i < m->count; i++)
        if (strcmp(m->names[i], name) == 0) return &m->views[i];
    return NULL;
}

void decode_model_free(decode_model *m)
{
    for (int i = 0; m && i < m->count; i++) free((void *)m->views[i].data);
    free(m);
}

tsr_status decode_model_open(const decode_model *m, tsr_tensors **out)
{
    char path[] = "/tmp/tessera-suite-XXXXXX";
    const int fd = mkstemp(path);
    if (fd < 0) return TSR_ERROR_FILE;
    tsr_status s = tsr_tensors_save(path, m->views, (size_t)m->count);
    if (s == TSR_OK) s = tsr_tensors_open(path, out);
    close(fd);
    unlink(path);
    return s;
}
