/* Streams on the host: bad input leaves them as they were, nothing is allocated after the first chunk, a device that
 * fails is not trusted. */
#include "unit/stream_fixture.h"

#include <math.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

/* The library's calls are linked to these. */
static long allocations;
void *__real_malloc(size_t size);
void *__real_calloc(size_t count, size_t size);
void *__real_realloc(void *old, size_t size);
int __real_posix_memalign(void **out, size_t align, size_t size);
void *__wrap_malloc(size_t size);
void *__wrap_calloc(size_t count, size_t size);
void *__wrap_realloc(void *old, size_t size);
int __wrap_posix_memalign(void **out, size_t align, size_t size);
void *__wrap_malloc(size_t size) { return allocations++, __real_malloc(size); }
void *__wrap_calloc(size_t count, size_t size) { return allocations++, __real_calloc(count, size); }
void *__wrap_realloc(void *old, size_t size) { return allocations++, __real_realloc(old, size); }
int __wrap_posix_memalign(void **out, size_t align, size_t size) { return allocations++, __real_posix_memalign(out, align, size); }

static void allocates_nothing(void **state)
{
    stream_fixture *f = *state;
    long before = allocations;
    tsr_stream *other = NULL;
    const tsr_stream_desc desc = fixture_desc();
    assert_int_equal(tsr_stream_create(f->dev, &desc, &other), TSR_OK);
    assert_true(allocations > before); /* so they are counted */
    tsr_stream_destroy(other);
    float scores[7] = {0};
    fixture_append(f, 4);
    before = allocations;
    const uint64_t used = f->dev->used;
    for (int chunk = 0; chunk < 200; chunk++) {
        const int64_t n = 1 + oracle_below(&f->r, 4), ids[1] = {4 + chunk};
        fixture_append(f, n);
        const tsr_stream_tokens again = fixture_tokens(f, n);
        assert_int_equal(tsr_stream_replace(f->stream, &again, NULL), TSR_OK);
        tsr_stream_queries queries = fixture_queries(f, n);
        queries.score = 1;
        assert_int_equal(tsr_stream_attend(f->stream, &queries), TSR_OK);
        for (int i = 0; i < 7; i++) scores[i] = (float)oracle_normal(&f->r);
        const tsr_stream_scores given = {.host = scores, .decay = 1};
        assert_int_equal(tsr_stream_score(f->stream, &given), TSR_OK);
        (void)tsr_stream_evict(f->stream, ids, 1); /* kept or not */
    }
    assert_int_equal(allocations, before);
    assert_int_equal(f->dev->used, used);
}

/* The stream as a file's bytes. */
static unsigned char *snapshot(stream_fixture *f, size_t *size)
{
    if (tsr_stream_save(f->stream, fixture_path("snapshot")) != TSR_OK) fail_msg("%s", tsr_last_error());
    return fixture_read(fixture_path("snapshot"), size);
}

static void refused(stream_fixture *f, const char *what, tsr_status status, const char *says, const unsigned char *was, size_t was_size)
{
    if (status != TSR_ERROR_ARGUMENT || !strstr(tsr_last_error(), says))
        fail_msg("%s: %s, '%s'; expected an argument error with '%s'", what, tsr_status_name(status), tsr_last_error(), says);
    size_t size;
    unsigned char *now = snapshot(f, &size);
    if (size != was_size || memcmp(now, was, size) != 0) fail_msg("%s: the stream has changed", what);
    free(now);
}

static void bad_tokens_change_nothing(void **state)
{
    stream_fixture *f = *state;
    fixture_append(f, 4);
    fixture_append(f, 4);
    size_t size;
    unsigned char *was = snapshot(f, &size);
    const tsr_stream_tokens fine = fixture_tokens(f, 3);
    const int64_t back[3] = {7, 8, 6}, far[3] = {7, 8, (int64_t)1 << 60};
    const uint8_t kinds[3] = {0, 0, 1};
    tsr_buffer *small = NULL;
    assert_int_equal(tsr_buffer_create(f->dev, 100, &small), TSR_OK);
    const struct {
        const char *says;
        tsr_stream_tokens tokens;
    } attempts[] = {
        {"count is 5; expected 1 to 4", {.count = 5}},
        {"count is 0", {.count = 0}},
        {"count is -1", {.count = -1}},
        {"k.dtype", {.count = 3, .k = {TSR_I32, {2, 2, 3, 8}, {0}}, .v = fine.v, .k_span = fine.k_span, .v_span = fine.v_span}},
        {"k.shape is [2,2,3,7]; expected [2,2,3,8]",
         {.count = 3, .k = {TSR_F32, {2, 2, 3, 7}, {0}}, .v = fine.v, .k_span = fine.k_span, .v_span = fine.v_span}},
        {"v.stride[1] is -1", {.count = 3, .k = fine.k, .v = {TSR_F32, {2, 2, 3, 6}, {9, -1, 6, 1}}, .k_span = fine.k_span, .v_span = fine.v_span}},
        {"v_span.buffer is NULL", {.count = 3, .k = fine.k, .v = fine.v, .k_span = fine.k_span}},
        {"k_span needs 384 bytes from offset 0; its buffer has 100",
         {.count = 3, .k = fine.k, .v = fine.v, .k_span = {small, 0}, .v_span = fine.v_span}},
        {"k_span.offset is 2", {.count = 3, .k = fine.k, .v = fine.v, .k_span = {f->k, 2}, .v_span = fine.v_span}},
        {"positions[2] has time 6; expected at least 8",
         {.count = 3, .k = fine.k, .v = fine.v, .k_span = fine.k_span, .v_span = fine.v_span, .positions = back}},
        {"positions[2] is 1152921504606846976",
         {.count = 3, .k = fine.k, .v = fine.v, .k_span = fine.k_span, .v_span = fine.v_span, .positions = far}},
        {"kinds[2] is 1; expected one of the 1 kinds",
         {.count = 3, .k = fine.k, .v = fine.v, .k_span = fine.k_span, .v_span = fine.v_span, .kinds = kinds}},
    };
    for (size_t i = 0; i < sizeof(attempts) / sizeof(attempts[0]); i++)
        refused(f, attempts[i].says, tsr_stream_append(f->stream, &attempts[i].tokens, NULL), attempts[i].says, was, size);
    refused(f, "no tokens", tsr_stream_append(f->stream, NULL, NULL), "tokens is NULL", was, size);
    const int64_t unknown[3] = {6, 7, 8}, gone[3] = {6, 7, 2}, twice[3] = {6, 7, 6}, below[3] = {-1, 6, 7}, sink[1] = {1}, fresh[1] = {7};
    refused(f, "unknown", tsr_stream_replace(f->stream, &fine, unknown), "ids[2] is 8; expected one of the 8 tokens appended", was, size);
    refused(f, "gone", tsr_stream_replace(f->stream, &fine, gone), "ids[2] is 2; expected a token that is still kept", was, size);
    refused(f, "twice", tsr_stream_replace(f->stream, &fine, twice), "ids[2] is 6, which comes twice", was, size);
    refused(f, "below", tsr_stream_evict(f->stream, below, 3), "ids[0] is -1", was, size);
    refused(f, "sink", tsr_stream_evict(f->stream, sink, 1), "a sink", was, size);
    refused(f, "none", tsr_stream_evict(f->stream, fresh, 0), "count is 0", was, size);
    refused(f, "many", tsr_stream_evict(f->stream, fresh, 8), "count is 8", was, size);
    assert_int_equal(tsr_stream_evict(f->stream, fresh, 1), TSR_OK); /* the last was right in all else */
    tsr_buffer_destroy(small);
    free(was);
}

static void bad_reads_change_nothing(void **state)
{
    stream_fixture *f = *state;
    const tsr_stream_queries early = fixture_queries(f, 1);
    assert_int_equal(tsr_stream_attend(f->stream, &early), TSR_ERROR_ARGUMENT);
    assert_non_null(strstr(tsr_last_error(), "holds no token"));
    fixture_append(f, 3);
    size_t size;
    unsigned char *was = snapshot(f, &size);
    tsr_stream_queries q = fixture_queries(f, 4);
    refused(f, "beyond", tsr_stream_attend(f->stream, &q), "beyond the end of the 3 tokens", was, size);
    q = fixture_queries(f, 5);
    refused(f, "many", tsr_stream_attend(f->stream, &q), "count is 5; expected 1 to 4", was, size);
    q = fixture_queries(f, 2);
    q.before = 2;
    refused(f, "before", tsr_stream_attend(f->stream, &q), "before 2: beyond the end", was, size);
    q.before = INT64_MAX;
    refused(f, "before", tsr_stream_attend(f->stream, &q), "beyond the end", was, size);
    q = fixture_queries(f, 2);
    q.o.stride[0] = q.o.stride[1] = q.o.stride[2] = q.o.stride[3] = 1;
    refused(f, "overlap", tsr_stream_attend(f->stream, &q), "no two elements of an output overlap", was, size);
    q = fixture_queries(f, 2);
    q.score = 2;
    refused(f, "score", tsr_stream_attend(f->stream, &q), "score is 2", was, size);
    q.score = 1;
    q.decay = INFINITY;
    refused(f, "decay", tsr_stream_attend(f->stream, &q), "decay is inf", was, size);
    q.decay = 0;
    refused(f, "participate", tsr_stream_participate(f->stream, &q, 0), "expected rule lowest score", was, size);
    float bad[7] = {0, 0, NAN}, fine[7] = {0, 0, 1, NAN, NAN, INFINITY}; /* slots 3 to 6 are free */
    const tsr_stream_scores scores[] = {
        {.host = bad}, {.host = fine, .decay = NAN}, {.host = fine, .rows = -1}, {.span = {f->o, sizeof(f->data) - 8}}, {.rows = 1}};
    static const char *const says[] = {"scores has nan for slot 2", "decay is nan", "rows is -1", "its buffer has", "neither host nor span"};
    for (int i = 0; i < 5; i++) refused(f, says[i], tsr_stream_score(f->stream, &scores[i]), says[i], was, size);
    const tsr_stream_scores right = {.host = fine};
    assert_int_equal(tsr_stream_score(f->stream, &right), TSR_OK);
    free(was);
}

static void bad_descriptions(void **state)
{
    stream_fixture *f = *state;
    struct {
        const char *says;
        tsr_stream_desc desc;
    } a[24];
    int n = 0;
#define TRY(text, change) (a[n].desc = fixture_desc(), a[n].desc.change, a[n++].says = (text))
    TRY("batch is 0", batch = 0);
    TRY("heads_q is 3; expected a multiple of the 2", heads_q = 3);
    TRY("d is 1025", d = 1025);
    TRY("k_dtype is 4", k_dtype = TSR_I32);
    TRY("kind_count is 0", kind_count = 0);
    TRY("kind_count is 5", kind_count = 5);
    TRY("kinds[0].window is -1", kinds[0].window = -1);
    TRY("kinds[0].sink is 4611686018427387904", kinds[0].sink = (int64_t)1 << 62);
    TRY("kinds[0] keeps", kinds[0].frame = 1 << 28);
    TRY("kinds[0].keep is 3; expected 0 where the rule is not lowest score", kinds[0].keep = 3);
    TRY("kinds[0].rule is 7", kinds[0].rule = (tsr_stream_evict_rule)7);
    TRY("rope.channels[0] is 5; expected an even number", rope.channels[0] = 5);
    TRY("rope.channels[0] is 10", rope.channels[0] = 10);
    TRY("rope.channels[1] is 2; expected 0 beyond", rope.channels[1] = 2);
    TRY("rope.axes is 4", rope.axes = 4);
    TRY("rope.theta[0] is -1", rope.theta[0] = -1);
    TRY("rope.axes", rope.axes = 4);
    TRY("ema is 1", ema = 1);
    TRY("ema is nan", ema = NAN);
    TRY("queries[1] is 1, as is queries[0]", queries[1] = 1);
    TRY("queries[0] is 0", queries[0] = 0);
    TRY("chunk is 8; expected 1 to the 7", chunk = 8);
    TRY("reserved[5] is 1", reserved[5] = 1);
    TRY("sink_overlap is 2", sink_overlap = 2);
    for (int i = 0; i < n; i++) {
        tsr_stream *out = f->stream;
        const tsr_status status = tsr_stream_create(f->dev, &a[i].desc, &out);
        if (status != TSR_ERROR_ARGUMENT || out || !strstr(tsr_last_error(), a[i].says))
            fail_msg("%s: %s, '%s'", a[i].says, tsr_status_name(status), tsr_last_error());
    }
    const uint64_t used = f->dev->used;
    tsr_stream_desc large = fixture_desc();
    large.kinds[0].window = 1 << 20;
    f->dev->budget = used + 100000;
    tsr_stream *out = f->stream;
    assert_int_equal(tsr_stream_create(f->dev, &large, &out), TSR_ERROR_DEVICE_MEMORY);
    f->dev->budget = 0;
    assert_null(out);
    assert_int_equal(f->dev->used, used);
}

/* Windows: what a chunk may hold beside recent tokens, and lists that the caller must clear. */
static void windows_that_are_full(void **state)
{
    stream_fixture *f = *state;
    tsr_stream_desc desc = fixture_desc();
    desc.kinds[0].rule = TSR_STREAM_LOWEST_SCORE;
    desc.kinds[0].recent = 3;
    desc.probabilities = 0;
    tsr_stream_destroy(f->stream);
    f->stream = NULL;
    assert_int_equal(tsr_stream_create(f->dev, &desc, &f->stream), TSR_OK);
    fixture_append(f, 2);
    size_t size;
    unsigned char *was = snapshot(f, &size);
    tsr_stream_tokens tokens = fixture_tokens(f, 3);
    refused(f, "recent", tsr_stream_append(f->stream, &tokens, NULL),
            "3 tokens of kind 0 beyond 0 sinks; expected at most the 2 that its window holds", was, size);
    tsr_stream_queries q = fixture_queries(f, 1);
    refused(f, "decay", tsr_stream_participate(f->stream, &q, NAN), "decay is nan", was, size);
    q.score = 1;
    refused(f, "score", tsr_stream_attend(f->stream, &q), "the description has no probabilities", was, size);
    free(was);
    desc.kinds[0].recent = 0;
    desc.kinds[0].rule = TSR_STREAM_BY_LIST;
    tsr_stream_destroy(f->stream);
    f->stream = NULL;
    assert_int_equal(tsr_stream_create(f->dev, &desc, &f->stream), TSR_OK);
    fixture_append(f, 4);
    was = snapshot(f, &size);
    tokens = fixture_tokens(f, 4);
    refused(f, "list", tsr_stream_append(f->stream, &tokens, NULL), "its window holds 2 of 5; expected room, which tsr_stream_evict makes", was,
            size);
    free(was);
}

static int dispatches_left;
static const tsr_backend *real_backend;
static tsr_status failing_dispatch(bk_device *dev, bk_kernel *kernel, const bk_binding *bindings, uint32_t first, uint32_t count)
{
    if (dispatches_left-- <= 0) return tsr_fail(TSR_ERROR_DEVICE_MEMORY, "no memory for a dispatch"); /* a loss would be for good */
    return real_backend->dispatch(dev, kernel, bindings, first, count);
}

static void a_failing_device(void **state)
{
    stream_fixture *f = *state;
    fixture_append(f, 4);
    assert_int_equal(tsr_stream_save(f->stream, fixture_path("before")), TSR_OK);
    real_backend = f->dev->backend;
    tsr_backend failing = *real_backend;
    failing.dispatch = failing_dispatch;
    for (int fine = 0;; fine++) {
        tsr_stream_tokens tokens = fixture_tokens(f, 4);
        f->dev->backend = &failing;
        dispatches_left = fine;
        const tsr_status status = tsr_stream_append(f->stream, &tokens, NULL);
        f->dev->backend = real_backend;
        if (status == TSR_OK) {
            assert_true(fine > 2);
            break;
        }
        assert_int_equal(status, TSR_ERROR_DEVICE_MEMORY);
        tsr_stream_queries q = fixture_queries(f, 1);
        assert_int_equal(tsr_stream_attend(f->stream, &q), TSR_ERROR_INTERNAL);
        assert_int_equal(tsr_stream_append(f->stream, &tokens, NULL), TSR_ERROR_INTERNAL);
        assert_int_equal(tsr_stream_save(f->stream, fixture_path("broken")), TSR_ERROR_INTERNAL);
        assert_int_equal(tsr_stream_load(f->stream, fixture_path("before")), TSR_OK);
        assert_int_equal(tsr_stream_attend(f->stream, &q), TSR_OK);
    }
}

int main(void)
{
    static const char *const files[] = {"snapshot", "before"};
    snprintf(stream_folder, sizeof(stream_folder), "%s", "/tmp/tessera-stream-XXXXXX");
    if (!mkdtemp(stream_folder)) return 1;
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(allocates_nothing, fixture_create, fixture_destroy),
        cmocka_unit_test_setup_teardown(bad_tokens_change_nothing, fixture_create, fixture_destroy),
        cmocka_unit_test_setup_teardown(bad_reads_change_nothing, fixture_create, fixture_destroy),
        cmocka_unit_test_setup_teardown(bad_descriptions, fixture_create, fixture_destroy),
        cmocka_unit_test_setup_teardown(windows_that_are_full, fixture_create, fixture_destroy),
        cmocka_unit_test_setup_teardown(a_failing_device, fixture_create, fixture_destroy),
    };
    const int failed = cmocka_run_group_tests(tests, NULL, NULL);
    for (size_t i = 0; i < sizeof(files) / sizeof(files[0]); i++) unlink(fixture_path(files[i]));
    rmdir(stream_folder);
    return failed;
}
