/* The tuning database: what is written is found again, what is stale, damaged or hostile is not, and nobody's entries get lost. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include <cmocka.h>

#include "attention/shapes.h"
#include "attention/tuned.h"
#include "tessera/tessera_tune.h"
#include "tune/built_in.h"
#include "tune/race.h"

enum { CANDIDATES = 3, FLASH_NUMBERS = 8 };

static char folder[64], path[96];
static int log_lines;

static void count_lines(void *ctx, tsr_log_level level, const char *format, ...)
{
    (void)ctx, (void)format;
    log_lines += level == TSR_LOG_WARNING;
}

static const bk_services services = {.log = count_lines};

static int set_up(void **state)
{
    (void)state;
    snprintf(folder, sizeof(folder), "/tmp/tessera-tune-XXXXXX");
    if (!mkdtemp(folder)) return 1;
    snprintf(path, sizeof(path), "%s/tuning.json", folder);
    log_lines = 0;
    return 0;
}

static int tear_down(void **state)
{
    (void)state;
    unlink(path);
    return rmdir(folder); /* nothing else was left there */
}

static tsr_device_info some_device(void)
{
    return (tsr_device_info){.backend = "made", .name = "A \"card\" \\ 7", .vendor = "Maker", .driver = "driver", .version = "1.2.3"};
}

static void make_candidates(tsr_tune_candidate out[CANDIDATES])
{
    for (int i = 0; i < CANDIDATES; i++)
        out[i] =
            (tsr_tune_candidate){.shape = {TSR_TILE_SIMT, {64, 8, 4, 8 << i, 64, 32, 16, 64}}, .source = tsr_kernel_source("flash", TSR_TILE_SIMT)};
}

/* Candidate 0 is the default, 2 the fastest, by 1.5 times. */
static tsr_tune_entry make_entry(const char *problem)
{
    tsr_tune_candidate c[CANDIDATES];
    make_candidates(c);
    const tsr_device_info info = some_device();
    tsr_tune_entry e = {.kernel = "flash", .date = "2026-11-21", .count = 2};
    snprintf(e.problem, sizeof(e.problem), "%s", problem);
    tsr_tune_sign(&e, &info);
    const uint64_t version = tsr_tune_version(c[0].source);
    e.measured[0] = (tsr_tune_measured){.shape = c[2].shape, .version = version, .seconds = 0.002};
    e.measured[1] = (tsr_tune_measured){.shape = c[0].shape, .version = version, .seconds = 0.003, .is_default = true};
    return e;
}

static tsr_tuning *open_file(void)
{
    tsr_tuning *t = tsr_tuning_create(&services, path);
    assert_non_null(t);
    return t;
}

static tsr_tune_found find(tsr_tuning *t, const tsr_device_info *info, const char *problem)
{
    tsr_tune_candidate c[CANDIDATES];
    tsr_tune_found found;
    make_candidates(c);
    tsr_tuning_find(t, info, "flash", problem, c, CANDIDATES, &found);
    return found;
}

static void write_text(const char *text, size_t size)
{
    FILE *f = fopen(path, "wb");
    assert_non_null(f);
    assert_int_equal(fwrite(text, 1, size, f), size);
    assert_int_equal(fclose(f), 0);
}

static char *read_text(size_t *size)
{
    FILE *f = fopen(path, "rb");
    assert_non_null(f);
    char *text = malloc(1 << 20);
    *size = fread(text, 1, 1 << 20, f);
    fclose(f);
    return text;
}

static void put(const tsr_tune_entry *e)
{
    tsr_tuning *t = open_file();
    if (tsr_tuning_put(t, e) != TSR_OK) fail_msg("%s", tsr_last_error());
    tsr_tuning_destroy(t);
}

static void fresh(void **state)
{
    (void)state;
    const tsr_device_info info = some_device();
    tsr_tune_entry e = make_entry("p");
    put(&e);
    tsr_tuning *t = open_file();
    tsr_tune_found found = find(t, &info, "p");
    assert_true(found.found);
    assert_int_equal(found.index, 2);
    assert_string_equal(found.why, "tuned on 2026-11-21 with this driver: 1.50 x the default");
    assert_false(find(t, &info, "q").found);
    tsr_tuning_destroy(t);
    /* A later measurement replaces it; within the margin, the default is the choice. */
    e.measured[0].seconds = 0.00298;
    put(&e);
    t = open_file();
    found = find(t, &info, "p");
    assert_true(found.found);
    assert_int_equal(found.index, 0);
    assert_false(tsr_tuning_get(t, 1, &e));
    tsr_tuning_destroy(t);
    assert_int_equal(log_lines, 0);
}

static void stale(void **state)
{
    (void)state;
    tsr_device_info info = some_device();
    tsr_tune_entry e = make_entry("p");
    char why[TSR_WHY];
    put(&e);
    tsr_tuning *t = open_file();
    assert_null(tsr_tune_stale(&e, &info, why));
    snprintf(info.version, sizeof(info.version), "1.2.4");
    tsr_tune_found found = find(t, &info, "p");
    assert_false(found.found);
    assert_non_null(strstr(found.why, "the driver was driver 1.2.3"));
    assert_non_null(tsr_tune_stale(&e, &info, why));
    info = some_device();
    snprintf(info.name, sizeof(info.name), "Another card");
    found = find(t, &info, "p");
    assert_false(found.found);
    assert_string_equal(found.why, "");
    tsr_tuning_destroy(t);
    /* Other kernels; then shapes that are no candidates. */
    for (int i = 0; i < 2; i++) e.measured[i].version ^= 1;
    put(&e);
    info = some_device();
    t = open_file();
    found = find(t, &info, "p");
    assert_false(found.found);
    assert_non_null(strstr(found.why, "kernels have changed"));
    assert_non_null(tsr_tune_stale(&e, &info, why));
    tsr_tuning_destroy(t);
    e = make_entry("p");
    for (int i = 0; i < 2; i++) e.measured[i].shape.numbers[1] = 7;
    put(&e);
    t = open_file();
    found = find(t, &info, "p");
    assert_false(found.found);
    assert_non_null(strstr(found.why, "none of its shapes is a candidate"));
    tsr_tuning_destroy(t);
}

/* The fastest that is left serves where the very fastest is no candidate any more. */
static void next_best(void **state)
{
    (void)state;
    const tsr_device_info info = some_device();
    tsr_tune_entry e = make_entry("p");
    e.measured[0].shape.numbers[1] = 7;
    put(&e);
    tsr_tuning *t = open_file();
    const tsr_tune_found found = find(t, &info, "p");
    assert_true(found.found);
    assert_int_equal(found.index, 0);
    tsr_tuning_destroy(t);
}

/* Whatever a file says: no crash, and nothing chosen that is no candidate. */
static void try_text(const char *text, size_t size)
{
    const tsr_device_info info = some_device();
    write_text(text, size);
    tsr_tuning *t = open_file();
    const tsr_tune_found found = find(t, &info, "p");
    if (found.found) assert_in_range(found.index, 0, CANDIDATES - 1);
    assert_non_null(memchr(found.why, '\0', sizeof(found.why)));
    tsr_tuning_destroy(t);
}

static void damaged(void **state)
{
    (void)state;
    const tsr_tune_entry e = make_entry("p");
    put(&e);
    size_t size;
    char *text = read_text(&size), *copy = malloc(size);
    for (size_t cut = 1; cut + 2 < size; cut += 7) { /* the last bytes are blanks */
        log_lines = 0;
        try_text(text, cut);
        assert_int_equal(log_lines, 1);
    }
    uint64_t seed = (uint64_t)time(NULL);
    for (int i = 0; i < 2000; i++) {
        memcpy(copy, text, size);
        for (int n = 0; n < 3; n++) {
            seed = seed * UINT64_C(6364136223846793005) + 1442695040888963407u;
            copy[(seed >> 33) % size] = (char)(seed >> 25);
        }
        try_text(copy, size);
    }
    free(text);
    free(copy);
}

/* One value of a good file replaced by a bad one: its entry is left out, and the log is told. */
static void hostile(void **state)
{
    (void)state;
    static const char *const changes[][2] = {
        {"\"bc\":\t64", "\"bc\":\t-64"},
        {"\"bc\":\t64", "\"bc\":\t1e300"},
        {"\"bc\":\t64", "\"bc\":\t64.5"},
        {"\"bc\":\t64", "\"bc\":\t\"64\""},
        {"\"bc\":\t64", "\"bd\":\t64"},
        {"\"simt\"", "\"simd\""},
        {"\"simt\"", "null"},
        {"0.002", "-0.002"},
        {"0.002", "1e999"},
        {"0.002", "0.2"},
        {"\"flash\"", "\"flush\""},
        {"\"2026-11-21\"", "\"2026-11-21 and much more\""},
        {"\"2026-11-21\"", "\"\\u001b[2J\""},
        {"\"Maker\"", "7"},
        {"\"problem\"", "\"backend\""},
    };
    const tsr_tune_entry e = make_entry("p");
    const tsr_device_info info = some_device();
    put(&e);
    size_t size;
    char *text = read_text(&size);
    text[size] = '\0';
    for (size_t i = 0; i < sizeof(changes) / sizeof(changes[0]); i++) {
        char changed[1 << 14];
        const char *at = strstr(text, changes[i][0]);
        if (!at) fail_msg("the file has no %s", changes[i][0]);
        snprintf(changed, sizeof(changed), "%.*s%s%s", (int)(at - text), text, changes[i][1], at + strlen(changes[i][0]));
        write_text(changed, strlen(changed));
        log_lines = 0;
        tsr_tuning *t = open_file();
        if (find(t, &info, "p").found) fail_msg("%s in place of %s was taken", changes[i][1], changes[i][0]);
        assert_int_equal(log_lines, 1);
        tsr_tuning_destroy(t);
    }
    free(text);
    char deep[4096];
    memset(deep, '[', sizeof(deep));
    memcpy(deep, "{\"entries\":", 11);
    try_text(deep, sizeof(deep));
    try_text("", 0);
    /* No file at all. */
    unlink(path);
    assert_int_equal(mkfifo(path, 0600), 0);
    log_lines = 0;
    tsr_tuning_destroy(open_file());
    assert_int_equal(log_lines, 1);
}

/* What is no database is not written over. */
static void foreign(void **state)
{
    (void)state;
    static const char *const texts[] = {"important", "{\"tessera_tuning\": 2, \"entries\": []}", "{\"tessera_tuning\": 1}"};
    for (size_t i = 0; i < 3; i++) {
        write_text(texts[i], strlen(texts[i]));
        const tsr_tune_entry e = make_entry("p");
        const tsr_device_info info = some_device();
        tsr_tuning *t = open_file();
        assert_int_equal(tsr_tuning_check(t), TSR_ERROR_FILE);
        assert_int_equal(tsr_tuning_put(t, &e), TSR_ERROR_FILE);
        assert_true(find(t, &info, "p").found); /* as long as the context lives */
        tsr_tuning_destroy(t);
        size_t size;
        char *text = read_text(&size);
        assert_int_equal(size, strlen(texts[i]));
        assert_memory_equal(text, texts[i], size);
        free(text);
    }
}

static void not_writable(void **state)
{
    (void)state;
    write_text("", 0);
    char below[128];
    snprintf(below, sizeof(below), "%s/tuning.json", path); /* a file is no folder, not even for root */
    tsr_tuning *t = tsr_tuning_create(&services, below);
    const tsr_tune_entry e = make_entry("p");
    const tsr_device_info info = some_device();
    assert_int_equal(tsr_tuning_check(t), TSR_ERROR_FILE);
    assert_int_equal(tsr_tuning_put(t, &e), TSR_ERROR_FILE);
    assert_non_null(strstr(tsr_last_error(), below));
    assert_true(find(t, &info, "p").found);
    tsr_tuning_destroy(t);
}

static void together(void **state)
{
    (void)state;
    enum { PROCESSES = 8, EACH = 12 };
    pid_t children[PROCESSES];
    for (int p = 0; p < PROCESSES; p++) {
        children[p] = fork();
        assert_true(children[p] >= 0);
        if (children[p] > 0) continue;
        tsr_tuning *t = tsr_tuning_create(&services, path);
        for (int i = 0; t && i < EACH; i++) {
            char problem[32];
            snprintf(problem, sizeof(problem), "%d of %d", i, p);
            const tsr_tune_entry e = make_entry(problem);
            if (tsr_tuning_put(t, &e) != TSR_OK) _exit(1);
        }
        _exit(t ? 0 : 1);
    }
    for (int p = 0; p < PROCESSES; p++) {
        int status;
        assert_int_equal(waitpid(children[p], &status, 0), children[p]);
        assert_int_equal(status, 0);
    }
    const tsr_device_info info = some_device();
    tsr_tuning *t = open_file();
    for (int p = 0; p < PROCESSES; p++)
        for (int i = 0; i < EACH; i++) {
            char problem[32];
            snprintf(problem, sizeof(problem), "%d of %d", i, p);
            if (!find(t, &info, problem).found) fail_msg("entry %s is lost", problem);
        }
    tsr_tuning_destroy(t);
}

/* A plan on the host, whose shapes there are at least two of. */
static tsr_attention_info plan_info(tsr_context *ctx)
{
    const tsr_layout l = {.dtype = TSR_F32, .shape = {1, 1, 300, 32}};
    const tsr_attention_desc d = {.q = l, .k = l, .v = l, .o = l};
    tsr_device *dev = NULL;
    tsr_attention *att = NULL;
    tsr_attention_info info;
    assert_int_equal(tsr_device_open(ctx, "host", NULL, &dev), TSR_OK);
    assert_int_equal(tsr_attention_prepare(dev, &d, &att), TSR_OK);
    assert_int_equal(tsr_attention_get_info(att, &info), TSR_OK);
    tsr_attention_destroy(att);
    tsr_device_destroy(dev);
    return info;
}

static tsr_attention_info info_with(const char *tuning)
{
    tsr_context *ctx = NULL;
    assert_int_equal(tsr_context_create(&(tsr_context_desc){.cache_dir = "", .tuning = tuning}, &ctx), TSR_OK);
    const tsr_attention_info info = plan_info(ctx);
    tsr_context_destroy(ctx);
    return info;
}

static void choice(void **state)
{
    (void)state;
    tsr_context *ctx = NULL;
    tsr_device *dev = NULL;
    const tsr_layout l = {.dtype = TSR_F32, .shape = {1, 1, 300, 32}};
    const tsr_attention_desc d = {.q = l, .k = l, .v = l, .o = l};
    tsr_tiling all[TSR_MAX_CANDIDATES];
    assert_int_equal(tsr_context_create(&(tsr_context_desc){.cache_dir = "", .tuning = ""}, &ctx), TSR_OK);
    assert_int_equal(tsr_device_open(ctx, "host", NULL, &dev), TSR_OK);
    const size_t count = tsr_attention_candidates(&dev->info, &d, all);
    size_t other = 1;
    while (other < count && all[other].query_tile == all[0].query_tile) other++;
    if (other >= count) fail_msg("the host has no two shapes of different query tiles");
    tsr_tune_entry e = {.kernel = "flash", .date = "2026-11-21", .count = 1};
    tsr_tune_sign(&e, &dev->info);
    assert_true(tsr_tune_attention_problem(&d, 0, e.problem));
    const tsr_tune_candidate c = tsr_tune_attention_candidate(&dev->info, &d, &all[other]);
    e.measured[0] = (tsr_tune_measured){.shape = c.shape, .version = tsr_tune_version(c.source), .seconds = 0.001};
    tsr_device_destroy(dev);
    tsr_context_destroy(ctx);

    tsr_attention_info info = info_with(path);
    assert_int_equal(info.query_tile, all[0].query_tile);
    put(&e);
    info = info_with(path);
    assert_int_equal(info.query_tile, all[other].query_tile);
    assert_non_null(strstr(info.why, "tuned on 2026-11-21"));
    assert_int_equal(setenv("TESSERA_TUNING", path, 1), 0);
    info = info_with(NULL);
    assert_int_equal(info.query_tile, all[other].query_tile);
    info = info_with("");
    assert_int_equal(info.query_tile, all[0].query_tile);
    unsetenv("TESSERA_TUNING");
    unlink(path);
    snprintf(e.driver_version, sizeof(e.driver_version), "0.0.0");
    put(&e);
    info = info_with(path);
    assert_int_equal(info.query_tile, all[0].query_tile);
    assert_non_null(strstr(info.why, "the driver was"));
}

/* Names as drivers give them, and the class that each is of. */
static void classes(void **state)
{
    (void)state;
    static const struct {
        const char *vendor, *driver, *name, *class;
        tsr_device_type type;
        uint32_t width;
    } devices[] = {
        {"AMD", "radv", "AMD Radeon RX Vega (RADV VEGA10)", "GCN and Vega", TSR_DEVICE_DISCRETE, 1},
        {"AMD", "radv", "AMD Radeon RX 6800 XT (RADV NAVI21)", "RDNA1 and 2", TSR_DEVICE_DISCRETE, 1},
        {"AMD", "radv", "AMD Radeon RX 7900 XTX (RADV NAVI31)", "RDNA3 and 4", TSR_DEVICE_DISCRETE, 1},
        {"AMD", "radv", "AMD Radeon RX 9070 (RADV GFX1201)", "RDNA3 and 4", TSR_DEVICE_DISCRETE, 1},
        {"Advanced Micro Devices, Inc.", "OpenCL", "gfx1030", "RDNA1 and 2", TSR_DEVICE_DISCRETE, 1},
        {"AMD", "radv", "AMD Radeon something new", "AMD", TSR_DEVICE_DISCRETE, 1},
        {"NVIDIA", "NVIDIA", "NVIDIA GeForce GTX 1660", "NVIDIA", TSR_DEVICE_DISCRETE, 1},
        {"NVIDIA", "NVIDIA", "NVIDIA H200", "NVIDIA", TSR_DEVICE_DISCRETE, 1},
        {"Intel(R) Corporation", "Intel", "Intel(R) UHD Graphics 620 (KBL GT2)", "Intel", TSR_DEVICE_INTEGRATED, 1},
        {"Qualcomm", "turnip Mesa driver", "Turnip Adreno (TM) 740", "Adreno", TSR_DEVICE_INTEGRATED, 1},
        {"AuthenticAMD", "tessera host, avx512", "AMD EPYC", "CPUs of 16 fp32 lanes", TSR_DEVICE_CPU, 16},
        {"GenuineIntel", "tessera host, avx2", "Intel(R) Core(TM) i5", "CPUs of 4 and 8 fp32 lanes", TSR_DEVICE_CPU, 8},
        {"Mesa", "llvmpipe", "llvmpipe (LLVM 15.0.6, 256 bits)", "CPUs behind a GPU's interface", TSR_DEVICE_CPU, 1},
        {"Maker", "driver", "Some Card", "all devices", TSR_DEVICE_DISCRETE, 1},
    };
    const tsr_layout l = {.dtype = TSR_F32, .shape = {1, 1, 300, 64}, .stride = {19200, 19200, 64, 1}};
    const tsr_attention_desc d = {.q = l, .k = l, .v = l, .o = l, .scale = 0.125f};
    for (size_t i = 0; i < sizeof(devices) / sizeof(devices[0]); i++) {
        const uint32_t subgroup = devices[i].type == TSR_DEVICE_CPU || strstr(devices[i].vendor, "Intel") ? 8 : 32;
        tsr_device_info info = {.type = devices[i].type,
                                .vector_width = devices[i].width,
                                .features = TSR_FEATURE_SUBGROUP,
                                .subgroup_min = subgroup,
                                .subgroup_max = subgroup,
                                .max_workgroup = 1024,
                                .shared_bytes = 65536};
        snprintf(info.vendor, sizeof(info.vendor), "%s", devices[i].vendor);
        snprintf(info.driver, sizeof(info.driver), "%s", devices[i].driver);
        snprintf(info.name, sizeof(info.name), "%s", devices[i].name);
        tsr_tiling all[TSR_MAX_CANDIDATES];
        tsr_tune_candidate candidates[TSR_MAX_CANDIDATES];
        char why[TSR_WHY], expected[TSR_WHY];
        const size_t count = tsr_attention_candidates(&info, &d, all);
        for (size_t c = 0; c < count; c++) candidates[c] = tsr_tune_attention_candidate(&info, &d, &all[c]);
        assert_true(tsr_built_in_find(&info, "flash", candidates, count, why) < count);
        snprintf(expected, sizeof(expected), "built in for %s:", devices[i].class);
        if (strncmp(why, expected, strlen(expected)) != 0) fail_msg("%s: %s; expected %s", devices[i].name, why, expected);
    }
}

/* Words are the choice of what devices have dot products of: two fp16 values, or four codes where those are fast. */
static void packed(void **state)
{
    (void)state;
    enum { HALVES = 1, FOURS = 2, CPU = 4, HALF = 8, CODES = 16, ALL = 32 };
    for (int i = 0; i < ALL; i++) {
        const bool half = i & HALF, codes = i & CODES, listed_here = half || codes;
        const bool suits = !(i & CPU) && (codes ? i & FOURS : half && i & HALVES);
        const tsr_device_info info = {.type = i & CPU ? TSR_DEVICE_CPU : TSR_DEVICE_DISCRETE,
                                      .vector_width = 1,
                                      .features =
                                          TSR_FEATURE_INT8_DOT | (i & HALVES ? TSR_FEATURE_F16_DOT : 0) | (i & FOURS ? TSR_FEATURE_INT8_DOT_FAST : 0),
                                      .max_workgroup = 1024,
                                      .shared_bytes = 65536};
        const tsr_layout l = {.dtype = half ? TSR_F16 : TSR_F32, .shape = {1, 1, 300, 64}, .stride = {19200, 19200, 64, 1}};
        const tsr_attention_desc d = {
            .q = l, .k = l, .v = l, .o = l, .scale = 0.125f, .codes = {.bits = codes ? 8 : 0, .values = codes ? TSR_F16 : 0}};
        tsr_tiling all[TSR_MAX_CANDIDATES];
        tsr_tune_candidate candidates[TSR_MAX_CANDIDATES];
        char why[TSR_WHY];
        bool listed = false;
        const size_t count = tsr_attention_candidates(&info, &d, all);
        for (size_t c = 0; c < count; c++) {
            candidates[c] = tsr_tune_attention_candidate(&info, &d, &all[c]);
            assert_non_null(candidates[c].source);
            if (all[c].tile != TSR_TILE_PACKED) continue;
            listed = true;
            assert_int_equal(candidates[c].source->input, codes ? TSR_I8 : TSR_F16);
            assert_int_equal(candidates[c].source->values, !codes || i & (HALVES | CPU) ? TSR_F16 : TSR_F32);
        }
        const size_t chosen = tsr_built_in_find(&info, "flash", candidates, count, why);
        assert_int_equal(listed, listed_here);
        assert_int_equal(all[chosen].tile, suits ? TSR_TILE_PACKED : TSR_TILE_SIMT);
    }
}

/* Cards that multiply fp16 values two at a time, and have no dot products of them, sum products of values in fp16: the choice on two of them. */
static void packed_sums(void **state)
{
    (void)state;
    static const struct {
        const char *vendor, *name;
        uint32_t features;
        bool sums, chosen;
    } cards[] = {
        {"AMD", "AMD Radeon RX Vega (RADV VEGA10)", TSR_FEATURE_F16, true, true},
        {"Advanced Micro Devices, Inc.", "gfx1010", TSR_FEATURE_F16, true, true},
        {"AMD", "AMD Radeon VII (RADV VEGA20)", TSR_FEATURE_F16 | TSR_FEATURE_F16_DOT, false, true},
        {"AMD", "AMD Radeon RX 580 (RADV POLARIS10)", TSR_FEATURE_F16, true, false},
        {"AMD", "AMD Radeon RX Vega (RADV VEGA10)", 0, false, false},
        {"NVIDIA", "NVIDIA GeForce GTX 1660", TSR_FEATURE_F16, true, false},
    };
    const tsr_layout l = {.dtype = TSR_F16, .shape = {1, 1, 300, 64}, .stride = {19200, 19200, 64, 1}};
    const tsr_attention_desc d = {.q = l, .k = l, .v = l, .o = l, .scale = 0.125f};
    for (size_t i = 0; i < sizeof(cards) / sizeof(cards[0]); i++) {
        tsr_device_info info = {
            .type = TSR_DEVICE_DISCRETE, .vector_width = 1, .features = cards[i].features, .max_workgroup = 1024, .shared_bytes = 65536};
        snprintf(info.vendor, sizeof(info.vendor), "%s", cards[i].vendor);
        snprintf(info.name, sizeof(info.name), "%s", cards[i].name);
        tsr_tiling all[TSR_MAX_CANDIDATES];
        tsr_tune_candidate candidates[TSR_MAX_CANDIDATES];
        char why[TSR_WHY];
        const size_t count = tsr_attention_candidates(&info, &d, all);
        for (size_t c = 0; c < count; c++) {
            candidates[c] = tsr_tune_attention_candidate(&info, &d, &all[c]);
            if (all[c].tile == TSR_TILE_PACKED) assert_int_equal(candidates[c].source->sums, cards[i].sums ? TSR_F16 : TSR_F32);
        }
        const size_t chosen = tsr_built_in_find(&info, "flash", candidates, count, why);
        assert_int_equal(all[chosen].tile, cards[i].chosen ? TSR_TILE_PACKED : TSR_TILE_SIMT);
    }
}

/* Tested tiles of 64 keys, which pass through shared memory, are the first wish where a unit has room for two workgroups of them. */
static void room(void **state)
{
    (void)state;
    static const struct {
        const char *vendor, *name;
        int32_t tested;
    } cards[] = {{"NVIDIA", "NVIDIA GeForce RTX 3080", 64},
                 {"NVIDIA", "NVIDIA H200", 64},
                 {"NVIDIA", "NVIDIA GeForce RTX 2080", 32},
                 {"AMD", "AMD Radeon RX 7900 XTX (RADV NAVI31)", 32}};
    const tsr_layout l = {.dtype = TSR_F16, .shape = {1, 1, 300, 64}, .stride = {19200, 19200, 64, 1}};
    tsr_attention_desc d = {.q = l, .k = l, .v = l, .o = l, .scale = 0.125f};
    for (size_t i = 0; i < sizeof(cards) / sizeof(cards[0]); i++) {
        tsr_device_info info = {.type = TSR_DEVICE_DISCRETE,
                                .vector_width = 1,
                                .features = TSR_FEATURE_MATRIX,
                                .max_workgroup = 1024,
                                .shared_bytes = 48 << 10,
                                .subgroup_min = 32,
                                .subgroup_max = 32,
                                .matrix_count = 1,
                                .matrix = {{16, 16, 16, "f16", "f32"}}};
        snprintf(info.vendor, sizeof(info.vendor), "%s", cards[i].vendor);
        snprintf(info.name, sizeof(info.name), "%s", cards[i].name);
        for (d.set_count = 0; d.set_count <= 1; d.set_count++) {
            tsr_tiling all[TSR_MAX_SHAPES];
            assert_true(tsr_shapes_matrix(&info, &d, all) > 0);
            assert_int_equal(all[0].bc, d.set_count ? cards[i].tested : 64);
        }
    }
}

static int stop_late(void *user, double share, const tsr_tune_report *report)
{
    (void)share;
    *(int *)user += 1;
    return report->rounds >= 2;
}

/* Races end with what they measured in the database, stopped ones too. */
static void races(void **state)
{
    (void)state;
    tsr_context *ctx = NULL;
    tsr_device *dev = NULL;
    const tsr_layout l = {.dtype = TSR_F32, .shape = {1, 1, 300, 32}};
    const tsr_attention_desc d = {.q = l, .k = l, .v = l, .o = l};
    const tsr_tune_conv conv = {3, 3, 3, 5, 37, 0, 0, 13, 11, TSR_F32};
    tsr_tune_report *report = malloc(sizeof(*report));
    tsr_tune_line line;
    int calls = 0;
    assert_int_equal(tsr_context_create(&(tsr_context_desc){.cache_dir = "", .tuning = path}, &ctx), TSR_OK);
    assert_int_equal(tsr_device_open(ctx, "host", NULL, &dev), TSR_OK);
    assert_int_equal(tsr_tune(dev, &(tsr_tune_desc){.attention = &d, .rounds = 3, .dry = 1}, report), TSR_OK);
    assert_int_equal(tsr_tune_get(ctx, 0, &line), 0);
    assert_int_equal(tsr_tune(dev, &(tsr_tune_desc){.attention = &d, .progress = stop_late, .user = &calls}, report), TSR_ERROR_CANCELLED);
    assert_true(calls > 2);
    assert_int_equal(report->rounds, 2);
    assert_int_equal(tsr_tune(dev, &(tsr_tune_desc){.conv = &conv, .tile = TSR_TILE_PACKED}, report), TSR_ERROR_UNSUPPORTED);
    assert_int_equal(tsr_tune(dev, &(tsr_tune_desc){.conv = &conv, .tile = TSR_TILE_COUNT}, report), TSR_ERROR_ARGUMENT);
    assert_int_equal(tsr_tune(dev, &(tsr_tune_desc){.attention = &d, .tile = TSR_TILE_SIMT}, report), TSR_ERROR_ARGUMENT);
    assert_int_equal(tsr_tune(dev, &(tsr_tune_desc){.conv = &conv, .rounds = 3, .tile = TSR_TILE_VECTOR}, report), TSR_OK);
    for (uint32_t i = 0; i < report->count; i++)
        if (report->results[i].state == TSR_TUNE_WRONG || report->results[i].state == TSR_TUNE_FAILED)
            fail_msg("%s: %s", report->results[i].shape, report->results[i].text);
    tsr_device_destroy(dev);
    tsr_context_destroy(ctx);
    assert_non_null(strstr(info_with(path).why, "tuned on"));
    assert_int_equal(tsr_context_create(&(tsr_context_desc){.cache_dir = "", .tuning = path}, &ctx), TSR_OK);
    for (size_t i = 0; i < 2; i++) {
        assert_int_equal(tsr_tune_get(ctx, i, &line), 1);
        assert_string_equal(line.stale, "");
        assert_true(line.seconds > 0 && line.default_seconds > 0);
    }
    assert_int_equal(tsr_tune_get(ctx, 2, &line), 0);
    tsr_context_destroy(ctx);
    free(report);
}

enum { SLOW_SHAPES = 6 };

/* Shapes that do nothing for so long. */
typedef struct slow {
    unsigned wait_us;
    size_t runs[SLOW_SHAPES];
} slow;

static tsr_status slow_run(void *user, size_t i)
{
    slow *s = user;
    s->runs[i]++;
    usleep(s->wait_us);
    return TSR_OK;
}

static tsr_status slow_make(void *user, size_t i) { return user && i < SLOW_SHAPES ? TSR_OK : TSR_ERROR_INTERNAL; }
static tsr_status slow_poison(void *user) { return user ? TSR_OK : TSR_ERROR_INTERNAL; }

static tsr_status slow_result(void *user, float **out, size_t *n)
{
    *n = 1;
    *out = calloc(1, sizeof(**out));
    return user && *out ? TSR_OK : TSR_ERROR_HOST_MEMORY;
}

/* A race ends where runs take many times what the caller gives it: after some of the shapes, and a round of these. */
static void slow_runs(void **state)
{
    (void)state;
    tsr_context *ctx = NULL;
    tsr_device *dev = NULL;
    const tsr_tune_desc desc = {.rounds = 9, .seconds = 0.015, .dry = 1};
    tsr_tune_report *report = calloc(1, sizeof(*report));
    tsr_race *race = calloc(1, sizeof(*race));
    slow s = {.wait_us = 50000};
    assert_int_equal(tsr_context_create(&(tsr_context_desc){.cache_dir = ""}, &ctx), TSR_OK);
    assert_int_equal(tsr_device_open(ctx, "host", NULL, &dev), TSR_OK);
    *race = (tsr_race){.dev = dev, .desc = &desc, .report = report, .subject = &s};
    race->make = slow_make, race->run = slow_run, race->poison = slow_poison, race->result = slow_result;
    report->count = SLOW_SHAPES;
    assert_int_equal(tsr_race_run(race), TSR_OK);
    assert_int_equal(report->rounds, 1);
    for (size_t i = 0; i < SLOW_SHAPES; i++) {
        const bool tried = s.runs[i] > 0;
        assert_int_equal(strstr(report->results[i].text, "not tried") == NULL, tried);
        assert_int_equal(report->results[i].state == TSR_TUNE_STOPPED && report->results[i].seconds == 0, !tried);
        if (i == 0) assert_int_equal(s.runs[i], 3);
        if (i >= 3) assert_false(tried);
    }
    free(race);
    free(report);
    tsr_device_destroy(dev);
    tsr_context_destroy(ctx);
}

#define CASE(name) cmocka_unit_test_setup_teardown(name, set_up, tear_down)

int main(void)
{
    const struct CMUnitTest tests[] = {CASE(fresh),   CASE(stale),        CASE(next_best),   CASE(damaged), CASE(hostile),
                                       CASE(foreign), CASE(not_writable), CASE(together),    CASE(choice),  CASE(races),
                                       CASE(classes), CASE(packed),       CASE(packed_sums), CASE(room),    CASE(slow_runs)};
    return cmocka_run_group_tests(tests, NULL, NULL);
}
