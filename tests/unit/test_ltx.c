/* LTX decoders: what is told from names and shapes, from the configuration in a file's metadata (also a hostile one), and from the caller's
 * words; the embedding of the time step against its formula. */
#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <cmocka.h>

#include "family/ltx.h"

enum { HEADER_MAX = 1 << 16, DATA_MAX = 1 << 22 };

static char path[64];

/* A file in the making: fp32 tensors one after the other. */
typedef struct writer {
    char header[HEADER_MAX];
    size_t at;
    float *data;
    uint64_t count;
} writer;

static void put(writer *w, const char *format, ...)
{
    va_list args;
    va_start(args, format);
    w->at += (size_t)vsnprintf(w->header + w->at, HEADER_MAX - w->at, format, args);
    va_end(args);
    assert_true(w->at < HEADER_MAX);
}

/* config: JSON, as it stands in the metadata; NULL: no metadata. */
static void begin(writer *w, const char *config)
{
    *w = (writer){.data = malloc(DATA_MAX * sizeof(float))};
    assert_non_null(w->data);
    put(w, "{");
    if (!config) return;
    put(w, "\"__metadata__\":{\"config\":\"");
    for (; *config; config++) put(w, *config == '"' || *config == '\\' ? "\\%c" : "%c", *config);
    put(w, "\"}");
}

/* Elements are a saw tooth of their index, times scale, plus shift. */
static void tensor(writer *w, const char *name, int rank, const int *shape, float scale, float shift)
{
    uint64_t n = 1;
    put(w, "%s\"%s\":{\"dtype\":\"F32\",\"shape\":[", w->header[w->at - 1] == '{' ? "" : ",", name);
    for (int i = 0; i < rank; i++) n *= (uint64_t)shape[i], put(w, i ? ",%d" : "%d", shape[i]);
    assert_true(w->count + n <= DATA_MAX);
    put(w, "],\"data_offsets\":[%llu,%llu]}", 4ull * w->count, 4ull * (w->count + n));
    for (uint64_t i = 0; i < n; i++) w->data[w->count++] = scale * ((float)(i * 37 % 101) / 50.0f - 1) + shift;
}

static void conv(writer *w, const char *name, int cout, int cin)
{
    char full[128];
    snprintf(full, sizeof(full), "decoder.%s.conv.weight", name);
    tensor(w, full, 5, (int[]){cout, cin, 1, 1, 1}, 1, 0);
}

static tsr_tensors *finish(writer *w)
{
    put(w, "}");
    FILE *f = fopen(path, "wb");
    assert_non_null(f);
    const uint64_t length = w->at;
    assert_int_equal(fwrite(&length, 8, 1, f), 1);
    assert_int_equal(fwrite(w->header, 1, w->at, f), w->at);
    assert_int_equal(fwrite(w->data, sizeof(float), w->count, f), w->count);
    assert_int_equal(fclose(f), 0);
    free(w->data);
    tsr_tensors *file = NULL;
    if (tsr_tensors_open(path, &file) != TSR_OK) fail_msg("%s", tsr_last_error());
    return file;
}

/* Blocks of one layer each, from the latents on: widths halve at each, by strides that the letters tell. */
static void original(writer *w, const char *strides)
{
    char name[64];
    int width = 64, block = 0;
    conv(w, "conv_in", width, 5);
    for (const char *s = strides;; s++) {
        snprintf(name, sizeof(name), "up_blocks.%d.res_blocks.0.conv1", block++);
        conv(w, name, width, width);
        if (!*s) break;
        snprintf(name, sizeof(name), "up_blocks.%d.conv", block++);
        conv(w, name, width / 2 * (*s == 'a' ? 8 : *s == 's' ? 4 : 2), width);
        width /= 2;
    }
    conv(w, "conv_out", 48, width);
}

/* Blocks found and configured; the caller frees. */
static tsr_status load(tsr_tensors *file, const char *variant, tsr_ltx *ltx)
{
    tsr_weights w;
    *ltx = (tsr_ltx){0};
    assert_int_equal(tsr_weights_open(file, "", &w), TSR_OK);
    tsr_ltx_find_blocks(ltx, &w);
    tsr_ltx_configure(ltx, &w, variant);
    tsr_weights_close(&w);
    tsr_tensors_close(file);
    return w.status;
}

static tsr_status load_original(const char *config, const char *strides, const char *variant, tsr_ltx *ltx)
{
    writer *w = malloc(sizeof(*w));
    assert_non_null(w);
    begin(w, config);
    original(w, strides);
    tsr_tensors *file = finish(w);
    free(w);
    return load(file, variant, ltx);
}

static void strides_told_by_shapes(void **state)
{
    (void)state;
    tsr_ltx ltx;
    assert_int_equal(load_original(NULL, "ats", NULL, &ltx), TSR_OK);
    assert_int_equal(ltx.count, 7);
    static const int rt[] = {1, 2, 1, 2, 1, 1, 1}, shuffle[] = {1, 2, 1, 1, 1, 2, 1}, width[] = {64, 64, 32, 32, 16, 16, 8};
    for (int i = 0; i < 7; i++) {
        assert_int_equal(ltx.blocks[i].kind, i % 2 ? LTX_UP : LTX_RESNETS);
        assert_true(ltx.blocks[i].rt == rt[i] && ltx.blocks[i].shuffle == shuffle[i]);
        assert_int_equal(ltx.blocks[i].cin, width[i]);
        assert_int_equal(ltx.blocks[i].cout, i == 6 ? 8 : width[i + 1]);
        assert_false(ltx.blocks[i].residual); /* mixed strides: LTX-2.3 */
    }
    assert_true(ltx.latent == 5 && ltx.first == 64 && ltx.last == 8 && ltx.patch == 4 && !ltx.timed && !ltx.causal && !ltx.noiseless);
    assert_int_equal(ltx.edge, TSR_EDGE_ZERO);
    assert_string_equal(ltx.blocks[5].name, "decoder.up_blocks.5");
    assert_string_equal(ltx.mean, "per_channel_statistics.mean-of-means");
}

static void guesses(void **state)
{
    (void)state;
    tsr_ltx ltx;
    assert_int_equal(load_original(NULL, "aa", NULL, &ltx), TSR_OK); /* LTX-2.0 */
    assert_true(ltx.blocks[1].residual && ltx.blocks[3].residual && !ltx.blocks[0].residual);
    assert_int_equal(ltx.edge, TSR_EDGE_REFLECT);
    writer *w = malloc(sizeof(*w));
    assert_non_null(w);
    begin(w, NULL);
    original(w, "aa");
    tensor(w, "decoder.last_scale_shift_table", 2, (int[]){2, 16}, 1, 0); /* 0.9.5 */
    assert_int_equal(load(finish(w), NULL, &ltx), TSR_OK);
    assert_true(ltx.timed && ltx.blocks[1].residual);
    assert_int_equal(ltx.edge, TSR_EDGE_ZERO);
    begin(w, NULL); /* 0.9.0, as diffusers names it */
    conv(w, "conv_in", 16, 5);
    conv(w, "mid_block.resnets.0.conv1", 16, 16);
    conv(w, "mid_block.resnets.1.conv1", 16, 16);
    conv(w, "up_blocks.0.resnets.0.conv1", 16, 16);
    conv(w, "up_blocks.1.conv_in.conv1", 8, 16);
    conv(w, "up_blocks.1.upsamplers.0.conv", 64, 8);
    conv(w, "up_blocks.1.resnets.0.conv1", 8, 8);
    conv(w, "conv_out", 12, 8);
    assert_int_equal(load(finish(w), NULL, &ltx), TSR_OK);
    free(w);
    static const tsr_ltx_kind kinds[] = {LTX_RESNETS, LTX_RESNETS, LTX_NARROW, LTX_UP, LTX_RESNETS};
    assert_int_equal(ltx.count, 5);
    for (int i = 0; i < 5; i++) assert_int_equal(ltx.blocks[i].kind, kinds[i]);
    assert_true(ltx.blocks[0].count == 2 && ltx.blocks[2].cin == 16 && ltx.blocks[2].cout == 8 && ltx.blocks[3].cout == 8 && ltx.patch == 2);
    assert_true(!ltx.blocks[3].residual && ltx.edge == TSR_EDGE_ZERO);
    assert_string_equal(ltx.blocks[2].name, "decoder.up_blocks.1.conv_in");
    assert_string_equal(ltx.std, "latents_std");
}

static void configurations(void **state)
{
    (void)state;
    tsr_ltx ltx;
    const char *config = "{\"vae\":{\"decoder_blocks\":[[\"res_x\",{\"num_layers\":5}],[\"compress_space\",{\"multiplier\":2}],[\"res_x\",1],"
                         "[\"compress_all\",{\"residual\":true}],[\"res_x\",2]],\"causal_decoder\":true,\"spatial_padding_mode\":\"replicate\"}}";
    assert_int_equal(load_original(config, "as", NULL, &ltx), TSR_OK);
    assert_true(ltx.blocks[1].residual && !ltx.blocks[3].residual && ltx.causal && ltx.edge == TSR_EDGE_REPLICATE);
    assert_int_equal(load_original(config, "as", "noiseless,zeros", &ltx), TSR_OK);
    assert_true(ltx.causal && ltx.noiseless && ltx.edge == TSR_EDGE_ZERO);
    assert_int_equal(load_original(" {\"vae\":{\"spatial_padding_mode\":\"zeros\"}}\n", "aa", "causal", &ltx), TSR_OK);
    assert_true(ltx.causal && ltx.edge == TSR_EDGE_ZERO && ltx.blocks[1].residual);
    assert_int_equal(load_original("{\"transformer\":{}}", "aa", NULL, &ltx), TSR_OK);
    assert_int_equal(ltx.edge, TSR_EDGE_REFLECT);
}

static const struct {
    const char *config, *says;
} hostile[] = {
    {"", "'config'"},
    {"[]", "'config'"},
    {"{\"vae\":", "not JSON"},
    {"{\"vae\":[]}", "'vae' is no object"},
    {"{\"vae\":{\"causal_decoder\":1}}", "'causal_decoder' is neither"},
    {"{\"vae\":{\"spatial_padding_mode\":\"circular\"}}", "'circular'; expected zeros"},
    {"{\"vae\":{\"spatial_padding_mode\":{}}}", "no text"},
    {"{\"vae\":{\"norm_layer\":\"group_norm\"}}", "'group_norm'; expected pixel_norm"},
    {"{\"vae\":{\"norm_layer\":0}}", "no text"},
    {"{\"vae\":{\"decoder_blocks\":{\"a\":[\"compress_all\",1]}}}", "no list"},
    {"{\"vae\":{\"decoder_blocks\":[3]}}", "no list"},
    {"{\"vae\":{\"decoder_blocks\":[[]]}}", "no list"},
    {"{\"vae\":{\"decoder_blocks\":[[7,1]]}}", "no list"},
    {"{\"vae\":{\"decoder_blocks\":[{\"a\":\"compress_all\"}]}}", "no list"},
    {"{\"vae\":{\"decoder_blocks\":[[\"compress_time\",1]]}}", "'compress_time' stands for 'decoder.up_blocks.3'"},
    {"{\"vae\":{\"decoder_blocks\":[[\"compress_space\"]]}}", "2 frames of 2x2 pixels"},
    {"{\"vae\":{\"decoder_blocks\":[[\"compress_all\",{\"residual\":\"yes\"}]]}}", "'residual' is neither"},
    {"{\"vae\":{\"decoder_blocks\":[[\"compress_all\"],[\"compress_all\"],[\"compress_all\"]]}}", "more up-samplings"},
};

static void hostile_configurations(void **state)
{
    (void)state;
    tsr_ltx ltx;
    for (size_t i = 0; i < sizeof(hostile) / sizeof(hostile[0]); i++) {
        const tsr_status s = load_original(hostile[i].config, "aa", NULL, &ltx);
        if (s != TSR_ERROR_FILE || !strstr(tsr_last_error(), hostile[i].says))
            fail_msg("%s: %s, '%s'; expected a file error with '%s'", hostile[i].config, tsr_status_name(s), tsr_last_error(), hostile[i].says);
    }
    enum { DEEP = 4000 };
    char *deep = malloc(DEEP + 16);
    assert_non_null(deep);
    strcpy(deep, "{\"vae\":");
    memset(deep + 7, '[', DEEP);
    deep[7 + DEEP] = '\0';
    assert_int_equal(load_original(deep, "aa", NULL, &ltx), TSR_ERROR_FILE);
    assert_non_null(strstr(tsr_last_error(), "deeper"));
    free(deep);
    static const char *const words[] = {"", "zero", "zeros,", "causal noiseless", "zeros,,causal"};
    for (size_t i = 0; i < sizeof(words) / sizeof(words[0]); i++) {
        assert_int_equal(load_original(NULL, "aa", words[i], &ltx), TSR_ERROR_ARGUMENT);
        assert_non_null(strstr(tsr_last_error(), "noiseless, parted by commas"));
    }
}

static void refused(writer *w, const char *says)
{
    tsr_ltx ltx;
    const tsr_status s = load(finish(w), NULL, &ltx);
    if (s != TSR_ERROR_FILE || !strstr(tsr_last_error(), says)) fail_msg("%s, '%s'; expected '%s'", tsr_status_name(s), tsr_last_error(), says);
}

static void hostile_shapes(void **state)
{
    (void)state;
    writer *w = malloc(sizeof(*w));
    assert_non_null(w);
    for (int made = 23; made <= 25; made++) { /* 3, 8 or 1: neither is a stride */
        begin(w, NULL);
        conv(w, "up_blocks.0.res_blocks.0.conv1", 8, 8);
        conv(w, "up_blocks.1.conv", made, 8);
        conv(w, "conv_out", 48, 8);
        refused(w, "expected 2, 4 or 8 times as many");
    }
    begin(w, NULL);
    conv(w, "up_blocks.0.res_blocks.0.conv1", 8, 8);
    conv(w, "up_blocks.1.conv", 24, 8);
    refused(w, "the layer after it reads 0");
    begin(w, NULL);
    conv(w, "up_blocks.0.res_blocks.0.conv1", 8, 8);
    conv(w, "up_blocks.1.conv", 64, 8);
    conv(w, "up_blocks.2.res_blocks.0.conv2", 8, 8);
    conv(w, "conv_out", 48, 8);
    refused(w, "lacks the tensor 'decoder.up_blocks.2.res_blocks.0.conv1.conv.weight'");
    begin(w, NULL);
    conv(w, "up_blocks.0.res_blocks.0.conv1", 8, 8);
    conv(w, "conv_out", 27, 8);
    refused(w, "makes 27 channels; expected 3, 12, 48 or 192");
    free(w);
}

/* The embedder and table of n channels, against the formula in double precision. */
static void time_step(void **state)
{
    (void)state;
    enum { C = 3, ROWS = 4, N = ROWS * C, IN = 256 };
    writer *w = malloc(sizeof(*w));
    assert_non_null(w);
    begin(w, NULL);
    tensor(w, "decoder.timestep_scale_multiplier", 0, NULL, 0, 1000);
    tensor(w, "e.timestep_embedder.linear_1.weight", 2, (int[]){N, IN}, 0.1f, 0.01f);
    tensor(w, "e.timestep_embedder.linear_1.bias", 1, (int[]){N}, 0.2f, 0);
    tensor(w, "e.timestep_embedder.linear_2.weight", 2, (int[]){N, N}, 0.3f, 0.02f);
    tensor(w, "e.timestep_embedder.linear_2.bias", 1, (int[]){N}, 0.4f, 0);
    tensor(w, "table", 2, (int[]){ROWS, C}, 0.5f, 0.1f);
    const float *first = w->data + 1, *second = first + N * IN + N, *table = second + N * N + N;
    float copy[N * IN + N * N + 3 * N];
    memcpy(copy, first, sizeof(copy));
    table = copy + (table - first), second = copy + (second - first), first = copy;
    tsr_tensors *file = finish(w);
    free(w);
    tsr_weights weights;
    assert_int_equal(tsr_weights_open(file, "", &weights), TSR_OK);
    const tsr_ltx timed = {.timed = true}, untimed = {.timed = false};
    assert_null(tsr_ltx_time(&untimed, &weights, "e", N));
    float *time = tsr_ltx_time(&timed, &weights, "e", N);
    assert_non_null(time);
    double hidden[N], want[N];
    for (int o = 0; o < N; o++) {
        double sum = first[N * IN + o];
        for (int i = 0; i < IN; i++) {
            const double angle = 50.0 * exp(-log(10000.0) * (i % 128) / 128);
            sum += first[o * IN + i] * (i < 128 ? cos(angle) : sin(angle));
        }
        hidden[o] = sum / (1 + exp(-sum));
    }
    for (int o = 0; o < N; o++) {
        want[o] = second[N * N + o];
        for (int i = 0; i < N; i++) want[o] += second[o * N + i] * hidden[i];
        assert_true(fabs(time[o] - want[o]) < 1e-5);
    }
    for (int pair = 0; pair < 2; pair++) {
        tsr_norm_desc norm = {0};
        tsr_ltx_modulate(&weights, time, "table", 2, pair, C, &norm);
        assert_true(norm.shift && norm.scale);
        for (int c = 0; c < C; c++) {
            const int shift = 2 * pair * C + c, scale = shift + C;
            assert_true(fabs(norm.shift[c] - (want[shift] + table[shift])) < 1e-5);
            assert_true(fabs(norm.scale[c] - (1 + want[scale] + table[scale])) < 1e-5);
        }
        free(norm.shift);
        free(norm.scale);
    }
    tsr_norm_desc none = {0};
    tsr_ltx_modulate(&weights, NULL, "table", 2, 0, C, &none);
    assert_true(!none.shift && !none.scale);
    tsr_ltx_modulate(&weights, time, "table", 3, 0, C, &none);
    assert_true(!none.shift && weights.status == TSR_ERROR_FILE && strstr(tsr_last_error(), "[4,3]; expected [6,3]"));
    free(time);
    tsr_weights_close(&weights);
    tsr_tensors_close(file);
}

static int make_path(void **state)
{
    (void)state;
    snprintf(path, sizeof(path), "/tmp/tessera-ltx-XXXXXX");
    const int fd = mkstemp(path);
    return fd < 0 ? -1 : close(fd);
}

static int remove_path(void **state)
{
    (void)state;
    return unlink(path);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(strides_told_by_shapes), cmocka_unit_test(guesses),        cmocka_unit_test(configurations),
        cmocka_unit_test(hostile_configurations), cmocka_unit_test(hostile_shapes), cmocka_unit_test(time_step),
    };
    return cmocka_run_group_tests_name("ltx", tests, make_path, remove_path);
}
