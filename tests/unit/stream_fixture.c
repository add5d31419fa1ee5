/* See stream_fixture.h. */
#include "unit/stream_fixture.h"

#include <stdio.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

char stream_folder[64];

tsr_stream_desc fixture_desc(void)
{
    return (tsr_stream_desc){.batch = 2,
                             .heads_q = 4,
                             .heads_kv = 2,
                             .d = 8,
                             .dv = 6,
                             .kinds = {{.sink = 2, .window = 5}},
                             .kind_count = 1,
                             .rope = {.axes = 1, .channels = {6}},
                             .time = TSR_STREAM_TIME_CLOSED,
                             .ema = 0.5,
                             .causal = 1,
                             .queries = {1, 4},
                             .lse = 1,
                             .probabilities = 1};
}

const char *fixture_path(const char *name)
{
    static char path[512];
    snprintf(path, sizeof(path), "%s/%s", stream_folder, name);
    return path;
}

int fixture_create(void **state)
{
    static uint64_t seed;
    if (seed == 0) {
        seed = (uint64_t)time(NULL);
        print_message("seed %llu\n", (unsigned long long)seed);
    }
    stream_fixture *f = calloc(1, sizeof(*f));
    if (!f) return -1;
    *state = f;
    f->r = oracle_seed(seed++);
    const tsr_context_desc context = {.cache_dir = ""};
    const tsr_stream_desc desc = fixture_desc();
    tsr_status s = tsr_context_create(&context, &f->ctx);
    if (s == TSR_OK) s = tsr_device_open(f->ctx, "host", NULL, &f->dev);
    tsr_buffer **const buffers[] = {&f->k, &f->v, &f->q, &f->o};
    for (int i = 0; i < 4 && s == TSR_OK; i++) s = tsr_buffer_create(f->dev, sizeof(f->data), buffers[i]);
    if (s == TSR_OK) s = tsr_stream_create(f->dev, &desc, &f->stream);
    if (s != TSR_OK) print_message("%s\n", tsr_last_error());
    return s == TSR_OK ? 0 : -1;
}

int fixture_destroy(void **state)
{
    stream_fixture *f = *state;
    tsr_stream_destroy(f->stream);
    tsr_buffer *const buffers[] = {f->k, f->v, f->q, f->o};
    for (int i = 0; i < 4; i++) tsr_buffer_destroy(buffers[i]);
    tsr_device_destroy(f->dev);
    tsr_context_destroy(f->ctx);
    free(f);
    return 0;
}

static void fill(stream_fixture *f, tsr_buffer *buffer)
{
    for (int i = 0; i < FIXTURE_VALUES; i++) f->data[i] = (float)oracle_normal(&f->r);
    assert_int_equal(tsr_buffer_write(buffer, 0, f->data, sizeof(f->data)), TSR_OK);
}

tsr_stream_tokens fixture_tokens(stream_fixture *f, int64_t count)
{
    fill(f, f->k);
    fill(f, f->v);
    return (tsr_stream_tokens){
        .count = count, .k = {TSR_F32, {2, 2, count, 8}, {0}}, .v = {TSR_F32, {2, 2, count, 6}, {0}}, .k_span = {f->k, 0}, .v_span = {f->v, 0}};
}

void fixture_append(stream_fixture *f, int64_t count)
{
    const tsr_stream_tokens tokens = fixture_tokens(f, count);
    if (tsr_stream_append(f->stream, &tokens, NULL) != TSR_OK) fail_msg("%s", tsr_last_error());
}

tsr_stream_queries fixture_queries(stream_fixture *f, int64_t count)
{
    fill(f, f->q);
    return (tsr_stream_queries){
        .count = count, .q = {TSR_F32, {2, 4, count, 8}, {0}}, .o = {TSR_F32, {2, 4, count, 6}, {0}}, .q_span = {f->q, 0}, .o_span = {f->o, 0}};
}

unsigned char *fixture_read(const char *path, size_t *size)
{
    FILE *file = fopen(path, "rb");
    assert_non_null(file);
    assert_int_equal(fseek(file, 0, SEEK_END), 0);
    *size = (size_t)ftell(file);
    rewind(file);
    unsigned char *bytes = malloc(*size + 1);
    assert_non_null(bytes);
    assert_int_equal(fread(bytes, 1, *size, file), *size);
    bytes[*size] = '\0';
    fclose(file);
    return bytes;
}

void fixture_write(const char *path, const void *bytes, size_t size)
{
    FILE *file = fopen(path, "wb");
    assert_non_null(file);
    assert_int_equal(fwrite(bytes, 1, size, file), size);
    assert_int_equal(fclose(file), 0);
}
