/* Kernel texts at run time: every kernel of the catalogue becomes valid SPIR-V that computes what the embedded one does, and a
 * mistake in a text comes back with its line. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <dirent.h>
#include <math.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include <cmocka.h>

#include "catalogue.h"
#include "oracle/oracle.h"
#include "vulkan/internal.h"

#ifdef TSR_WITH_GLSLANG
static char folder[64];

/* The tool that validates at build time, where there is one. */
static void validate(const char *name, const uint32_t *words, size_t count)
{
    char path[128], line[512];
    assert_int_equal(words[0], 0x07230203);
    snprintf(path, sizeof(path), "%s/%s.spv", folder, name);
    FILE *f = fopen(path, "wb");
    assert_non_null(f);
    assert_int_equal(fwrite(words, sizeof(*words), count, f), count);
    assert_int_equal(fclose(f), 0);
    snprintf(line, sizeof(line), "%s --target-env vulkan1.2 --scalar-block-layout %s", TEST_SPIRV_VAL, path);
    if (TEST_SPIRV_VAL[0]) assert_int_equal(system(line), 0);
    unlink(path);
}

static void catalogue(void **state)
{
    (void)state;
    static const char *const names[] = {"flash", "merge", "conv", "peak"};
    for (size_t i = 0; i < sizeof(names) / sizeof(names[0]); i++) {
        for (tsr_tile tile = TSR_TILE_SIMT; tile <= TSR_TILE_SUBGROUP; tile++) {
            const bk_kernel_source *source = tsr_kernel_source(names[i], tile);
            assert_non_null(source);
            char *text = malloc(strlen(source->opencl) + 64);
            assert_non_null(text);
            sprintf(text, "#define TILE %d\n%s", (int)tile, source->opencl);
            uint32_t *words = NULL;
            size_t count = 0;
            if (vk_compile_glsl(names[i], text, VK_API_VERSION_1_2, &words, &count) != TSR_OK) fail_msg("%s", tsr_last_error());
            validate(names[i], words, count);
            free(words);
            free(text);
        }
    }
}

static void refused(const char *name, const char *text, const char *line, const char *word)
{
    uint32_t *words = (uint32_t *)folder; /* must become NULL */
    size_t count = 1;
    assert_int_equal(vk_compile_glsl(name, text, VK_API_VERSION_1_2, &words, &count), TSR_ERROR_COMPILE);
    assert_null(words);
    assert_int_equal(count, 0);
    if (!strstr(tsr_last_error(), line) || !strstr(tsr_last_error(), word)) fail_msg("'%s'; expected '%s' and '%s'", tsr_last_error(), line, word);
}

/* An unknown name, below as many lines as count says. */
static void unknown_name(int lines, const char *name, const char *word)
{
    char text[1024] = "", line[64];
    for (int i = 0; i < lines; i++) strcat(text, i % 2 ? "\n" : "// a remark\n");
    sprintf(text + strlen(text), "layout(local_size_x = 1) in; void main() { float x = %s; }\n", word);
    snprintf(line, sizeof(line), "%s:%d:", name, lines + 1);
    refused(name, text, line, word);
}

static void mistakes(void **state)
{
    (void)state;
    refused("a.k", "layout(local_size_x = 1) in;\nvoid main() {\n    float x = 1.0\n}\n", "a.k:4:", "syntax error");
    refused("b.k", "\n\n#error no such tile\n", "b.k:3:", "no such tile");
    refused("c.k", "#line 7 \"other.h\"\nvoid main() { int i = 1.5; }\n", "other.h:7:", "cannot convert");
    refused("d.k", "\n#if 1\nvoid main() {}\n", "d.k:", "endif");
    refused("e.k", "layout(local_size_x = 1) in;\n", "e.k", "entry point");
    refused("f.k", "", "f.k", "entry point");
    refused("g.k", "void main() {", "g.k:", "syntax error");
    refused("h.k", "void f();\nvoid g() { f(); }\nvoid f() { g(); }\nvoid main() { f(); }\n", "h.k", "ecursi");
    for (int lines = 0; lines < 30; lines += 7) unknown_name(lines, "mask", "nothing");
}

enum { THREADS = 4, ROUNDS = 8 };

static void *compile_often(void *argument)
{
    const int id = *(const int *)argument;
    intptr_t wrong = 0;
    for (int round = 0; round < ROUNDS; round++) {
        char text[256], name[32], says[32];
        uint32_t *words = NULL;
        size_t count = 0;
        snprintf(name, sizeof(name), "thread%d", id);
        snprintf(text, sizeof(text), "layout(local_size_x = %d) in;\nvoid main() {}\n", id + 1);
        if (vk_compile_glsl(name, text, VK_API_VERSION_1_2, &words, &count) != TSR_OK) wrong++;
        /* OpExecutionMode main LocalSize x 1 1 */
        bool found = false;
        for (size_t i = 5; i + 5 < count && !found; i++)
            found = words[i] == (6u << 16 | 16u) && words[i + 2] == 17 && words[i + 3] == (uint32_t)id + 1;
        wrong += !found;
        free(words);
        snprintf(says, sizeof(says), "unknown%d", id);
        snprintf(text, sizeof(text), "void main() { %s(); }\n", says);
        if (vk_compile_glsl(name, text, VK_API_VERSION_1_2, &words, &count) != TSR_ERROR_COMPILE || !strstr(tsr_last_error(), says)) wrong++;
    }
    return (void *)wrong;
}

static void threads(void **state)
{
    (void)state;
    pthread_t thread[THREADS];
    int ids[THREADS];
    for (int i = 0; i < THREADS; i++) {
        ids[i] = i;
        assert_int_equal(pthread_create(&thread[i], NULL, compile_often, &ids[i]), 0);
    }
    for (int i = 0; i < THREADS; i++) {
        void *wrong = NULL;
        assert_int_equal(pthread_join(thread[i], &wrong), 0);
        assert_null(wrong);
    }
}

enum { HEADS = 2, NQ = 37, NK = 71, DIM = 40, OUT = HEADS * NQ * DIM };

static void count_texts(void *user, tsr_log_level level, const char *text)
{
    (void)level;
    if (strstr(text, "is made of its text")) ++*(int *)user;
}

/* One attention on the first Vulkan device; *made: kernels that came from their text. */
static tsr_status attend(const char *kernels, tsr_tile tile, const float *data, float *out, int *made)
{
    const tsr_context_desc desc = {.cache_dir = folder, .log = count_texts, .log_user = made};
    const tsr_layout q = {.shape = {1, HEADS, NQ, DIM}}, k = {.shape = {1, HEADS, NK, DIM}};
    const tsr_attention_desc what = {.q = q, .k = k, .v = k, .o = q, .tile = tile};
    const uint64_t at_k = sizeof(float) * OUT, at_v = at_k + sizeof(float) * HEADS * NK * DIM, at_o = at_v + at_v - at_k;
    tsr_context *ctx = NULL;
    tsr_device *dev = NULL;
    tsr_buffer *buf = NULL;
    tsr_attention *att = NULL;
    *made = 0;
    for (int i = 0; i < OUT; i++) out[i] = NAN;
    setenv("TESSERA_KERNELS", kernels, 1);
    tsr_status status = tsr_context_create(&desc, &ctx);
    if (status == TSR_OK) status = tsr_device_open(ctx, "vulkan:0", NULL, &dev);
    if (status == TSR_OK) status = tsr_buffer_create(dev, at_o + sizeof(float) * OUT, &buf);
    if (status == TSR_OK) status = tsr_buffer_write(buf, 0, data, at_o);
    if (status == TSR_OK) status = tsr_buffer_write(buf, at_o, out, sizeof(float) * OUT);
    if (status == TSR_OK) status = tsr_attention_prepare(dev, &what, &att);
    const tsr_attention_args args = {.q = {buf, 0}, .k = {buf, at_k}, .v = {buf, at_v}, .o = {buf, at_o}};
    if (status == TSR_OK) status = tsr_attention_run(att, &args);
    if (status == TSR_OK) status = tsr_buffer_read(buf, at_o, out, sizeof(float) * OUT);
    tsr_attention_destroy(att);
    tsr_buffer_destroy(buf);
    tsr_device_destroy(dev);
    tsr_context_destroy(ctx);
    unsetenv("TESSERA_KERNELS");
    return status;
}

static bool cached(const char *prefix)
{
    bool found = false;
    DIR *dir = opendir(folder);
    for (struct dirent *e; dir && (e = readdir(dir));) found = found || strncmp(e->d_name, prefix, strlen(prefix)) == 0;
    if (dir) closedir(dir);
    return found;
}

static void on_a_device(void **state)
{
    (void)state;
    static float data[OUT + 2 * HEADS * NK * DIM], embedded[OUT], text[OUT];
    const uint64_t seed = (uint64_t)time(NULL);
    print_message("seed %llu\n", (unsigned long long)seed);
    oracle_rng r = oracle_seed(seed);
    for (size_t i = 0; i < sizeof(data) / sizeof(data[0]); i++) data[i] = (float)oracle_normal(&r);
    for (tsr_tile tile = TSR_TILE_SIMT; tile <= TSR_TILE_SUBGROUP; tile++) {
        int made = 0;
        const tsr_status status = attend("embedded", tile, data, embedded, &made);
        if ((status == TSR_ERROR_NO_DEVICE && !TEST_REQUIRE) || (status == TSR_ERROR_UNSUPPORTED && tile == TSR_TILE_SUBGROUP)) skip();
        if (status != TSR_OK) fail_msg("%s", tsr_last_error());
        assert_int_equal(made, 0);
        for (int cold = 1; cold >= 0; cold--) { /* compiled, then from the cache */
            assert_int_equal(cached(tile == TSR_TILE_SIMT ? "glsl-flash-2-" : "glsl-flash-3-"), !cold);
            if (attend("text", tile, data, text, &made) != TSR_OK) fail_msg("%s", tsr_last_error());
            assert_true(made > 0);
            double difference = 0, length = 0;
            for (int i = 0; i < OUT; i++) difference += pow((double)text[i] - embedded[i], 2), length += pow(embedded[i], 2);
            assert_true(length > 0 && sqrt(difference / length) < 1e-6);
        }
        assert_int_equal(attend("wrong", tile, data, text, &made), TSR_ERROR_ARGUMENT);
        assert_non_null(strstr(tsr_last_error(), "TESSERA_KERNELS is 'wrong'"));
    }
}

static int make_folder(void **state)
{
    (void)state;
    snprintf(folder, sizeof(folder), "/tmp/tessera-compile-XXXXXX");
    return mkdtemp(folder) ? 0 : -1;
}

static int remove_folder(void **state)
{
    (void)state;
    char line[128];
    snprintf(line, sizeof(line), "rm -rf %s", folder);
    return system(line);
}

int main(void)
{
    const struct CMUnitTest tests[] = {cmocka_unit_test(catalogue), cmocka_unit_test(mistakes), cmocka_unit_test(threads),
                                       cmocka_unit_test(on_a_device)};
    return cmocka_run_group_tests_name("compile", tests, make_folder, remove_folder);
}
#else
static void refused(void **state)
{
    (void)state;
    uint32_t *words = NULL;
    size_t count = 1;
    assert_int_equal(vk_compile_glsl("mask", "void main() {}", VK_API_VERSION_1_2, &words, &count), TSR_ERROR_UNSUPPORTED);
    assert_non_null(strstr(tsr_last_error(), "mask"));
    assert_non_null(strstr(tsr_last_error(), "TESSERA_GLSLANG"));
    assert_null(words);
    assert_int_equal(count, 0);
}

int main(void)
{
    const struct CMUnitTest tests[] = {cmocka_unit_test(refused)};
    return cmocka_run_group_tests_name("compile", tests, NULL, NULL);
}
#endif
