/* The shared file of a problem, its random inputs, and rows of the fp64 reference. */
#include "bench_problem.h"

#include <errno.h>
#include <fcntl.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#include "oracle/oracle.h"

static const char *const name = "bench";

bool bench_problem_open(bench_problem *p)
{
    memset(p, 0, sizeof(*p));
    const int file = memfd_create("tessera-bench", MFD_CLOEXEC);
    /* Above the numbers that a peer's standard streams and this file get. */
    p->file = file < 0 ? -1 : fcntl(file, F_DUPFD_CLOEXEC, 10);
    if (file >= 0) close(file);
    if (p->file < 0) cli_error(name, EXIT_INPUT, "no shared memory for the tensors: %s", strerror(errno));
    return p->file >= 0;
}

static void release(bench_problem *p)
{
    if (p->map) munmap(p->map, (size_t)p->map_size);
    free(p->expected);
    free(p->got);
    p->map = NULL;
    p->expected = p->got = NULL;
}

void bench_problem_close(bench_problem *p)
{
    release(p);
    if (p->file >= 0) close(p->file);
    p->file = -1;
}

static void randomise(float *values, uint64_t n, tsr_dtype dtype, oracle_rng *rng)
{
    for (uint64_t i = 0; i < n; i++) {
        const float x = (float)(oracle_next(rng) >> 40) * 0x1p-23f - 1.0f;
        float stored = x;
        oracle_store(dtype, &stored, 0, (double)x);
        values[i] = (float)oracle_load(dtype, &stored, 0);
    }
}

/* The size of the file; false: it overflows. */
static bool measure(const bench_shape *s, int64_t *small, int64_t *large, int64_t *bytes)
{
    int64_t rows, total;
    return !__builtin_mul_overflow(s->batch, s->heads, &rows) && !__builtin_mul_overflow(rows, s->dim, &rows) &&
           !__builtin_mul_overflow(rows, s->queries, small) && !__builtin_mul_overflow(rows, s->keys, large) &&
           !__builtin_add_overflow(*small, *large, &total) && !__builtin_mul_overflow(total, 2 * (int64_t)sizeof(float), bytes);
}

bool bench_problem_fill(bench_problem *p, const bench_shape *s, tsr_dtype dtype, bool causal, uint64_t seed, uint64_t memory)
{
    release(p);
    int64_t small, large, bytes;
    if (!measure(s, &small, &large, &bytes)) {
        cli_error(name, EXIT_INPUT, "argument --shape: the tensors overflow 64 bits");
        return false;
    }
    if ((uint64_t)bytes > memory) {
        cli_error(name, EXIT_INPUT, "argument --shape: the tensors need %.3g GiB of memory; %.3g GiB are available", (double)bytes * 0x1p-30,
                  (double)memory * 0x1p-30);
        return false;
    }
    void *map = MAP_FAILED;
    int error = ftruncate(p->file, 0) == 0 ? posix_fallocate(p->file, 0, bytes) : errno;
    if (!error) map = mmap(NULL, (size_t)bytes, PROT_READ | PROT_WRITE, MAP_SHARED, p->file, 0);
    if (!error && map == MAP_FAILED) error = errno;
    double *expected = calloc(BENCH_SAMPLED_ROWS, (size_t)s->dim * sizeof(double)),
           *got = calloc(BENCH_SAMPLED_ROWS, (size_t)s->dim * sizeof(double));
    *p = (bench_problem){.file = p->file,
                         .map = map == MAP_FAILED ? NULL : map,
                         .map_size = (uint64_t)bytes,
                         .shape = *s,
                         .dtype = dtype,
                         .causal = causal,
                         .window = p->window,
                         .small = (uint64_t)small,
                         .large = (uint64_t)large,
                         .expected = expected,
                         .got = got};
    if (!p->map || !expected || !got) {
        cli_error(name, EXIT_INPUT, "%lld bytes for the tensors cannot be had: %s", (long long)bytes, strerror(error ? error : ENOMEM));
        return false;
    }
    p->q = map;
    p->k = p->q + small;
    p->v = p->k + large;
    p->o = p->v + large;
    oracle_rng rng = oracle_seed(seed);
    randomise(p->q, p->small, dtype, &rng);
    randomise(p->k, p->large, dtype, &rng);
    randomise(p->v, p->large, dtype, &rng);
    for (uint64_t i = 0; i < p->small; i++) p->o[i] = NAN;
    for (int i = 0; i < BENCH_SAMPLED_ROWS; i++) p->rows[i] = oracle_next(&rng) % (p->small / (uint64_t)s->dim);
    return true;
}

uint64_t bench_memory_free(const bench *b)
{
    tsr_device_info info;
    for (size_t i = 0; i < tsr_device_count(b->device.ctx); i++)
        if (tsr_device_get_info(b->device.ctx, i, &info) == TSR_OK && strcmp(info.id, "host") == 0 && info.memory_free) return info.memory_free;
    return UINT64_MAX;
}

tsr_status bench_problem_upload(const bench_problem *p, const float *values, uint64_t n, tsr_buffer *buffer)
{
    if (p->dtype == TSR_F32) return tsr_buffer_write(buffer, 0, values, n * sizeof(float));
    enum { CHUNK = 4096 };
    uint16_t stored[CHUNK];
    tsr_status status = TSR_OK;
    for (uint64_t at = 0; at < n && status == TSR_OK; at += CHUNK) {
        const uint64_t count = n - at < CHUNK ? n - at : CHUNK;
        for (uint64_t i = 0; i < count; i++) oracle_store(p->dtype, stored, (int64_t)i, (double)values[at + i]);
        status = tsr_buffer_write(buffer, at * sizeof(uint16_t), stored, count * sizeof(uint16_t));
    }
    return status;
}

/* The keys of the problem's own rule. */
static int64_t own_keys(const bench_problem *p, int64_t query, int64_t *keys)
{
    const int64_t last = query + p->shape.keys - p->shape.queries;
    const int64_t seen = !p->causal ? p->shape.keys : last < 0 ? 0 : last + 1;
    for (int64_t i = 0; i < seen; i++) keys[i] = i;
    return seen;
}

/* A row by the reference, as a problem of one query over the keys that it sees, which k and v take one after another. */
static void reference_row(const bench_problem *p, uint64_t row, const int64_t *keys, int64_t seen, float *k, float *v, double *out)
{
    const bench_shape *s = &p->shape;
    const size_t dim = (size_t)s->dim;
    const float *const head_k = p->k + row / (uint64_t)s->queries * (uint64_t)s->keys * dim, *const head_v = head_k - p->k + p->v;
    for (int64_t i = 0; i < seen; i++) {
        memcpy(k + (size_t)i * dim, head_k + (size_t)keys[i] * dim, dim * sizeof(float));
        memcpy(v + (size_t)i * dim, head_v + (size_t)keys[i] * dim, dim * sizeof(float));
    }
    const tsr_layout one = {TSR_F32, {1, 1, 1, s->dim}, {s->dim, s->dim, s->dim, 1}};
    const tsr_layout all = {TSR_F32, {1, 1, seen, s->dim}, {seen * s->dim, seen * s->dim, s->dim, 1}};
    const tsr_attention_desc desc = {.q = one, .k = all, .v = all, .o = one};
    const oracle_attention_inputs in = {.q = {one, p->q + row * dim}, .k = {all, k}, .v = {all, v}};
    double lse;
    oracle_attention(&desc, &in, out, &lse);
}

bool bench_problem_reference(bench_problem *p, bench_keys keys_of, void *user)
{
    const bench_shape *s = &p->shape;
    const size_t size = (size_t)s->keys * (size_t)s->dim * sizeof(float);
    int64_t *const keys = malloc((size_t)s->keys * sizeof(*keys));
    float *const k = malloc(size), *const v = malloc(size);
    const bool ok = keys && k && v;
    for (int i = 0; ok && i < BENCH_SAMPLED_ROWS && !cli_interrupted(); i++) {
        const int64_t head = (int64_t)(p->rows[i] / (uint64_t)s->queries), query = (int64_t)(p->rows[i] % (uint64_t)s->queries);
        const int64_t seen = keys_of ? keys_of(user, head % s->heads, query, keys) : own_keys(p, query, keys);
        reference_row(p, p->rows[i], keys, seen, k, v, p->expected + i * s->dim);
    }
    free(keys);
    free(k);
    free(v);
    if (!ok) cli_error(name, EXIT_INPUT, "no memory for the reference");
    return ok;
}

double bench_problem_error(bench_problem *p, bench_row get, void *user)
{
    for (int i = 0; i < BENCH_SAMPLED_ROWS; i++)
        if (!get(user, p->rows[i], p->got + i * p->shape.dim)) return NAN;
    return oracle_error(p->got, p->expected, (uint64_t)p->shape.dim * BENCH_SAMPLED_ROWS);
}
