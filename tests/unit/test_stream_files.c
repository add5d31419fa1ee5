/* Files of streams: the recipes of published systems, hostile recipes, saved streams that come back, and damaged ones that do not. */
#include "unit/stream_fixture.h"

#include <inttypes.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

static const char *recipes; /* the folder */

static char *read_recipe(const char *name)
{
    char path[4096];
    size_t size;
    snprintf(path, sizeof(path), "%s/%s.json", recipes, name);
    return (char *)fixture_read(path, &size);
}

static void published_recipes(void **state)
{
    stream_fixture *f = *state;
    static const struct {
        const char *name;
        int64_t capacity;
        tsr_stream_desc wanted;
    } all[] = {
        {"streamingllm", 1024, {.kinds = {{.sink = 4, .window = 1020}}, .kind_count = 1, .time = TSR_STREAM_TIME_CLOSED, .causal = 1}},
        {"longlive", 12, {.kinds = {{.sink = 3, .window = 9}}, .kind_count = 1}},
        {"reward_forcing", 9, {.kinds = {{.sink = 3, .window = 6}}, .kind_count = 1, .time = TSR_STREAM_TIME_CLOSED, .ema = 0.999}},
        {"motion_stream", 9, {.kinds = {{.sink = 3, .window = 6}}, .kind_count = 1, .time = TSR_STREAM_TIME_CLOSED}},
        {"rolling_forcing", 21, {.kinds = {{.sink = 3, .window = 18}}, .kind_count = 1, .time = TSR_STREAM_TIME_CLOSED}},
        {"deep_forcing",
         21,
         {.kinds = {{.sink = 10, .window = 11, .keep = 6, .recent = 4, .rule = TSR_STREAM_LOWEST_SCORE}},
          .kind_count = 1,
          .time = TSR_STREAM_TIME_CLOSED,
          .sink_overlap = 1}},
        {"h2o",
         1024,
         {.kinds = {{.window = 1024, .recent = 512, .rule = TSR_STREAM_LOWEST_SCORE}}, .kind_count = 1, .probabilities = 1, .causal = 1}},
        {"streamingvlm",
         1040,
         {.kinds = {{.sink = 512, .window = 512}, {.window = 16}},
          .kind_count = 2,
          .rope = {.together = 1},
          .time = TSR_STREAM_TIME_CLOSED,
          .causal = 1}},
    };
    for (size_t i = 0; i < sizeof(all) / sizeof(all[0]); i++) {
        char *text = read_recipe(all[i].name);
        tsr_stream_desc desc = {0};
        if (tsr_stream_recipe(text, 0, &desc) != TSR_OK) fail_msg("%s: %s", all[i].name, tsr_last_error());
        if (memcmp(&desc, &all[i].wanted, sizeof(desc)) != 0) fail_msg("%s: says something else", all[i].name);
        tsr_stream_desc full = fixture_desc();
        full.ema = 0;
        assert_int_equal(tsr_stream_recipe(text, strlen(text), &full), TSR_OK);
        tsr_stream *stream = NULL;
        tsr_stream_info info;
        if (tsr_stream_create(f->dev, &full, &stream) != TSR_OK) fail_msg("%s: %s", all[i].name, tsr_last_error());
        assert_int_equal(tsr_stream_get_info(stream, &info), TSR_OK);
        assert_int_equal(info.capacity, all[i].capacity);
        tsr_stream_destroy(stream);
        /* Every beginning of it is either refused or, where only white space is missing, the same. */
        const size_t length = strlen(text);
        for (size_t cut = 1; cut < length; cut++) {
            tsr_stream_desc part = all[i].wanted, was = part;
            if (tsr_stream_recipe(text, cut, &part) == TSR_OK) assert_true(strspn(text + cut, " \n") == length - cut);
            assert_memory_equal(&part, &was, sizeof(part));
        }
        free(text);
    }
}

static void hostile_recipes(void **state)
{
    stream_fixture *f = *state;
    static const char *const texts[][2] = {
        {"[]", "not an object"},
        {"", "not JSON"},
        {"{} x", "not JSON from byte 3"},
        {"{\"kinds\": []}", "1 to 4 kinds"},
        {"{\"kinds\": [{},{},{},{},{}]}", "1 to 4 kinds"},
        {"{\"kinds\": [7]}", "kinds is not an object"},
        {"{\"kinds\": [{\"sink\": -1}]}", "kinds.sink is -1; expected a whole number, 0 to"},
        {"{\"kinds\": [{\"sink\": 1.5}]}", "kinds.sink is 1.5; expected a whole number"},
        {"{\"kinds\": [{\"sink\": 1e300}]}", "expected a whole number, 0 to 1000000000"},
        {"{\"kinds\": [{\"sink\": \"4\"}]}", "kinds.sink is no number; expected"},
        {"{\"kinds\": [{\"sink\": 4, \"sink\": 5}]}", "kinds.sink comes twice"},
        {"{\"kinds\": [{\"rule\": \"newest\"}]}", "kinds.rule is newest; expected oldest, lowest score or by list"},
        {"{\"kinds\": [{\"sinks\": 4}]}", "kinds.sinks is unknown"},
        {"{\"time\": 4}", "time is no text"},
        {"{\"ema\": \"0.9\"}", "ema is unknown or of a wrong type"},
        {"{\"causal\": 1}", "causal is not true or false"},
        {"{\"colour\": 1}", "colour is unknown"},
        {"{\"rope\": {\"axes\": [{},{},{},{}]}}", "at most 3 axes"},
        {"{\"rope\": {\"axes\": [{\"theta\": true}]}}", "rope.axes.theta"},
        {"{\"rope\": {\"grid\": [4]}}", "rope.grid is not a list of two"},
        {"{\"rope\": {\"grid\": [4, 0]}}", "rope.grid[1]"},
        {"{\"rope\": {\"base\": 4}}", "rope.base is unknown"},
    };
    for (size_t i = 0; i < sizeof(texts) / sizeof(texts[0]); i++) {
        tsr_stream_desc desc = fixture_desc(), was = desc;
        const tsr_status status = tsr_stream_recipe(texts[i][0], 0, &desc);
        if (status != TSR_ERROR_ARGUMENT || !strstr(tsr_last_error(), texts[i][1]))
            fail_msg("%s: %s, '%s'", texts[i][0], tsr_status_name(status), tsr_last_error());
        assert_memory_equal(&desc, &was, sizeof(desc));
    }
    char *deep = malloc(1 << 17);
    assert_non_null(deep);
    memset(deep, '[', 1 << 17);
    tsr_stream_desc desc = fixture_desc();
    assert_int_equal(tsr_stream_recipe(deep, 60000, &desc), TSR_ERROR_ARGUMENT);
    assert_int_equal(tsr_stream_recipe(deep, 1 << 17, &desc), TSR_ERROR_ARGUMENT);
    free(deep);
    char *text = read_recipe("deep_forcing"); /* random damage: whatever comes of it, nothing is read or written out of place */
    for (int i = 0; i < 20000; i++) {
        const size_t length = strlen(text), at = oracle_below(&f->r, (uint32_t)length);
        const char was = text[at];
        text[at] = "{}[]\":,0-eE.tfn\\ \x01\xff"[oracle_below(&f->r, 19)];
        (void)tsr_stream_recipe(text, length, &desc);
        text[at] = was;
    }
    free(text);
}

static void refused(stream_fixture *f, const char *path, const char *says, const unsigned char *was, size_t size)
{
    const tsr_status status = tsr_stream_load(f->stream, path);
    if (status != TSR_ERROR_FILE || !strstr(tsr_last_error(), says))
        fail_msg("%s: %s, '%s'; expected a file error", says, tsr_status_name(status), status == TSR_OK ? "" : tsr_last_error());
    size_t now_size;
    assert_int_equal(tsr_stream_save(f->stream, fixture_path("now")), TSR_OK);
    unsigned char *now = fixture_read(fixture_path("now"), &now_size);
    assert_int_equal(now_size, size);
    assert_memory_equal(now, was, size);
    free(now);
}

/* A saved stream, its tensors open to change. */
typedef struct saved {
    tsr_tensors *file;
    tsr_tensor_view views[16];
    int64_t *description, *counters, *tokens;
    double *scores;
    size_t count;
} saved;

static saved open_saved(const char *path)
{
    saved s = {0};
    assert_int_equal(tsr_tensors_open(path, &s.file), TSR_OK);
    s.count = tsr_tensors_count(s.file);
    assert_true(s.count <= 16);
    for (size_t i = 0; i < s.count; i++) {
        tsr_tensor_view *v = &s.views[i];
        assert_int_equal(tsr_tensors_at(s.file, i, v), TSR_OK);
        void *copy = malloc(v->size + 1);
        assert_non_null(copy);
        memcpy(copy, v->data, v->size);
        v->data = copy;
        if (strcmp(v->name, "stream.description") == 0) s.description = copy;
        if (strcmp(v->name, "stream.counters") == 0) s.counters = copy;
        if (strcmp(v->name, "stream.tokens") == 0) s.tokens = copy;
        if (strcmp(v->name, "stream.scores") == 0) s.scores = copy;
    }
    assert_non_null(s.description);
    assert_non_null(s.counters);
    assert_non_null(s.tokens);
    assert_non_null(s.scores);
    return s;
}

static void close_saved(saved *s)
{
    for (size_t i = 0; i < s->count; i++) {
        void *data;
        memcpy(&data, &s->views[i].data, sizeof(data));
        free(data);
    }
    tsr_tensors_close(s->file);
}

static void try_changed(stream_fixture *f, saved *s, void *field, const void *value, const char *says, const unsigned char *was, size_t size)
{
    char old[8];
    memcpy(old, field, 8);
    memcpy(field, value, 8);
    char path[128];
    snprintf(path, sizeof(path), "%s", fixture_path("changed"));
    assert_int_equal(tsr_tensors_save(path, s->views, s->count), TSR_OK);
    refused(f, path, says, was, size);
    memcpy(field, old, 8);
}

static void damaged_streams(void **state)
{
    stream_fixture *f = *state;
    char path[128];
    snprintf(path, sizeof(path), "%s", fixture_path("saved"));
    for (int i = 0; i < 5; i++) fixture_append(f, 3);
    assert_int_equal(tsr_stream_save(f->stream, path), TSR_OK);
    fixture_append(f, 2); /* what must not be lost */
    assert_int_equal(tsr_stream_save(f->stream, fixture_path("now")), TSR_OK);
    size_t size, file_size;
    unsigned char *was = fixture_read(fixture_path("now"), &size), *bytes = fixture_read(path, &file_size);
    saved s = open_saved(path);
    static const int64_t wild[] = {-1, INT64_MIN, INT64_MAX, (int64_t)1 << 40};
    for (int w = 0; w < 4; w++) {
        for (int i = 0; i < 15; i++) try_changed(f, &s, &s.counters[i], &wild[w], "", was, size);
        for (int i = 0; i < 7; i++) /* of the third token */
            if (!(i == 3 && w == 0) && !(i == 4 && w == 3)) try_changed(f, &s, &s.tokens[2 * 7 + i], &wild[w], "token", was, size);
        for (uint64_t i = 0; i < s.views[0].size / 8; i++) try_changed(f, &s, &s.description[i], &wild[w], "another description", was, size);
    }
    const double nan = 0.0 / 0.0 * (double)file_size;
    try_changed(f, &s, &s.scores[1], &nan, "score", was, size);
    try_changed(f, &s, &s.tokens[3 * 7], &s.tokens[4 * 7], "expected a free one", was, size);
    try_changed(f, &s, &s.tokens[3 * 7 + 1], &s.tokens[4 * 7 + 1], "rising ids", was, size);
    for (size_t i = 0; i < s.count; i++) { /* each tensor under another name, and of another shape */
        const tsr_tensor_view view = s.views[i];
        s.views[i].name = "other";
        assert_int_equal(tsr_tensors_save(fixture_path("changed"), s.views, s.count), TSR_OK);
        refused(f, fixture_path("changed"), view.name, was, size);
        s.views[i] = view;
        s.views[i].shape[s.views[i].rank++] = 1;
        assert_int_equal(tsr_tensors_save(fixture_path("changed"), s.views, s.count), TSR_OK);
        refused(f, fixture_path("changed"), view.name, was, size);
        s.views[i] = view;
    }
    for (size_t cut = 0; cut < file_size; cut += 1 + oracle_below(&f->r, 97)) {
        fixture_write(fixture_path("changed"), bytes, cut);
        char changed[128];
        snprintf(changed, sizeof(changed), "%s", fixture_path("changed"));
        refused(f, changed, "changed", was, size);
    }
    assert_int_equal(tsr_stream_load(f->stream, path), TSR_OK); /* the undamaged one */
    assert_int_equal(tsr_stream_save(f->stream, fixture_path("now")), TSR_OK);
    free(was);
    was = fixture_read(fixture_path("now"), &size);
    assert_int_equal(size, file_size);
    assert_memory_equal(was, bytes, size);
    close_saved(&s);
    free(was);
    free(bytes);
}

/* Any byte of the file may be wrong: refused or taken, the stream then works. */
static void random_damage(void **state)
{
    stream_fixture *f = *state;
    char path[128];
    snprintf(path, sizeof(path), "%s", fixture_path("saved"));
    for (int i = 0; i < 5; i++) fixture_append(f, 3);
    assert_int_equal(tsr_stream_save(f->stream, path), TSR_OK);
    size_t size;
    unsigned char *bytes = fixture_read(path, &size);
    for (int i = 0; i < 2000; i++) {
        const size_t at = oracle_below(&f->r, (uint32_t)size);
        const unsigned char was = bytes[at];
        bytes[at] ^= (unsigned char)(1u << oracle_below(&f->r, 8));
        fixture_write(fixture_path("changed"), bytes, size);
        bytes[at] = was;
        const tsr_status status = tsr_stream_load(f->stream, fixture_path("changed"));
        assert_true(status == TSR_OK || status == TSR_ERROR_FILE);
        const tsr_stream_queries q = fixture_queries(f, 1);
        assert_int_equal(tsr_stream_attend(f->stream, &q), TSR_OK);
        if (status == TSR_OK) assert_int_equal(tsr_stream_load(f->stream, path), TSR_OK);
    }
    free(bytes);
}

int main(int argc, char **argv)
{
    static const char *const files[] = {"saved", "changed", "now"};
    if (argc < 2) return 1;
    recipes = argv[1];
    snprintf(stream_folder, sizeof(stream_folder), "%s", "/tmp/tessera-streams-XXXXXX");
    if (!mkdtemp(stream_folder)) return 1;
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(published_recipes, fixture_create, fixture_destroy),
        cmocka_unit_test_setup_teardown(hostile_recipes, fixture_create, fixture_destroy),
        cmocka_unit_test_setup_teardown(damaged_streams, fixture_create, fixture_destroy),
        cmocka_unit_test_setup_teardown(random_damage, fixture_create, fixture_destroy),
    };
    const int failed = cmocka_run_group_tests(tests, NULL, NULL);
    for (size_t i = 0; i < sizeof(files) / sizeof(files[0]); i++) unlink(fixture_path(files[i]));
    rmdir(stream_folder);
    return failed;
}
