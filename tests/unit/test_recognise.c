/* Which family a weight file belongs to, and what is said of files that nearly do. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <cmocka.h>

#include "tessera/tessera_decode.h"
#include "unit/wan_file.h"

static tsr_context *ctx;
static tsr_device *dev;
static char path[64];

static const wan_desc wan21 = {"", false, false, 16, {8, 8, 6, 4}, 3}, wan22 = {"", false, true, 48, {8, 8, 8, 4}, 12};

static tsr_status create(const wan_file *made, const tsr_decoder_desc *desc, tsr_decoder **dec)
{
    tsr_tensors *file = NULL;
    *dec = NULL;
    assert_int_equal(wan_save(made, path), TSR_OK);
    assert_int_equal(tsr_tensors_open(path, &file), TSR_OK);
    const tsr_status status = tsr_decoder_create(dev, file, desc, dec);
    tsr_tensors_close(file);
    return status;
}

static void accepted_as(const wan_file *made, const tsr_decoder_desc *desc, const char *family, const char *variant)
{
    tsr_decoder *dec;
    tsr_decoder_info info = {0};
    if (create(made, desc, &dec) != TSR_OK) fail_msg("refused: %s", tsr_last_error());
    assert_int_equal(tsr_decoder_get_info(dec, &info), TSR_OK);
    tsr_decoder_destroy(dec);
    assert_string_equal(info.family, family);
    assert_string_equal(info.variant, variant);
}

/* The error has all of these, NULL-terminated. */
static void refused_as(const wan_file *made, const tsr_decoder_desc *desc, tsr_status wanted, const char *const *texts)
{
    tsr_decoder *dec;
    const tsr_status status = create(made, desc, &dec);
    if (status == TSR_OK) tsr_decoder_destroy(dec);
    if (status != wanted) fail_msg("%s '%s'; expected %s with '%s'", tsr_status_name(status), tsr_last_error(), tsr_status_name(wanted), texts[0]);
    for (int i = 0; texts[i]; i++)
        if (!strstr(tsr_last_error(), texts[i])) fail_msg("'%s'; expected '%s' in it", tsr_last_error(), texts[i]);
}

static void refused(const wan_file *made, const char *a, const char *b)
{
    const char *const texts[] = {a, b, NULL};
    refused_as(made, NULL, TSR_ERROR_FILE, texts);
}

static wan_file made_as(wan_desc desc, const char *prefix, bool diffusers)
{
    wan_file file;
    desc.prefix = prefix;
    desc.diffusers = diffusers;
    wan_make(&file, &desc);
    return file;
}

static void test_whole_files(void **state)
{
    static const char *const prefixes[] = {"", "vae.", "first_stage_model."};
    (void)state;
    for (int scheme = 0; scheme < 2; scheme++) {
        for (int i = 0; i < 3; i++) {
            const wan_file a = made_as(wan21, prefixes[i], scheme), b = made_as(wan22, prefixes[i], scheme);
            accepted_as(&a, NULL, "wan2.1", "4,6,8,8");
            accepted_as(&b, NULL, "wan2.2", "4,8,8,8");
        }
    }
}

/* Other tensors beside the decoder's, other storage, and axes of one. */
static void test_harmless_differences(void **state)
{
    (void)state;
    const int64_t five = 5;
    wan_file file = made_as(wan21, "", false);
    wan_add(&file, "encoder.nothing", TSR_I64, 1, &five);
    wan_add(&file, "decoders", TSR_F64, 1, &five);
    for (size_t i = 0; i < file.count; i += 3)
        if (file.tensors[i].dtype == TSR_F32) file.tensors[i].dtype = i % 2 ? TSR_F16 : TSR_BF16;
    wan_tensor *t = &file.tensors[wan_find(&file, "decoder.middle.1.proj.weight")];
    t->rank = 2;
    t = &file.tensors[wan_find(&file, "decoder.head.0.gamma")];
    t->rank = 1;
    accepted_as(&file, NULL, "wan2.1", "4,6,8,8");
}

/* Each tensor in turn. */
static void test_missing(void **state)
{
    (void)state;
    const wan_desc *const descs[] = {&wan21, &wan22};
    for (int k = 0; k < 4; k++) {
        const wan_file whole = made_as(*descs[k / 2], k == 3 ? "vae." : "", k % 2);
        for (size_t i = 0; i < whole.count; i++) {
            wan_file file = whole;
            char name[120];
            snprintf(name, sizeof(name), "'%s'", whole.tensors[i].name);
            file.tensors[i] = file.tensors[--file.count];
            refused(&file, "lacks the tensor", name);
        }
    }
}

static void test_wrong_shapes(void **state)
{
    static const struct {
        const char *name;
        uint32_t axis;
        int64_t extent;
        const char *is, *expected;
    } cases[] = {
        {"decoder.conv1.weight", 0, 0, "[0,16,3,3,3]", "[*,16,3,3,3]"},
        {"decoder.conv1.weight", 1, 15, "[8,15,3,3,3]", "[*,16,3,3,3]"},
        {"decoder.middle.0.residual.6.weight", 2, 1, "[8,8,1,3,3]", "[8,8,3,3,3]"},
        {"decoder.middle.0.residual.0.gamma", 0, 9, "[9,1,1,1]", "[8]"},
        {"decoder.middle.0.residual.0.gamma", 1, 8, "[8,8,1,1]", "[8]"},
        {"decoder.middle.1.to_qkv.weight", 0, 8, "[8,8,1,1]", "[24,8,1,1,1]"},
        {"decoder.middle.1.to_qkv.bias", 0, 8, "[8]", "[24]"},
        {"decoder.upsamples.3.time_conv.weight", 0, 8, "[8,8,3,1,1]", "[16,8,3,1,1]"},
        {"decoder.upsamples.3.time_conv.weight", 2, 2, "[16,8,2,1,1]", "[16,8,3,1,1]"},
        {"decoder.upsamples.7.resample.1.weight", 2, 5, "[4,8,5,3]", "[*,8,1,3,3]"},
        {"decoder.upsamples.9.residual.2.weight", 0, 5, "[5,6,3,3,3]", "[6,6,3,3,3]"},
        {"decoder.upsamples.8.shortcut.weight", 1, 7, "[6,7,1,1,1]", "[6,4,1,1,1]"},
        {"decoder.head.2.bias", 0, 2, "[2]", "[3]"},
    };
    (void)state;
    for (size_t i = 0; i < sizeof(cases) / sizeof(*cases); i++) {
        wan_file file = made_as(wan21, "", false);
        char text[160], shapes[120];
        const size_t at = wan_find(&file, cases[i].name);
        assert_true(at < file.count);
        file.tensors[at].shape[cases[i].axis] = cases[i].extent;
        snprintf(text, sizeof(text), "'%s'", cases[i].name);
        snprintf(shapes, sizeof(shapes), "has shape %s; expected %s", cases[i].is, cases[i].expected);
        refused(&file, text, shapes);
    }
}

static void test_wrong_types_and_counts(void **state)
{
    (void)state;
    wan_file file = made_as(wan21, "", false);
    const size_t at = wan_find(&file, "decoder.upsamples.0.residual.2.weight");
    file.tensors[at].dtype = TSR_I32;
    refused(&file, "'decoder.upsamples.0.residual.2.weight' is of type i32", "expected f32, f16 or bf16");
    wan_desc desc = wan21;
    desc.last = 5;
    file = made_as(desc, "", false);
    refused(&file, "'decoder.head.2.weight' has 5 output channels", "expected 4, or 3 times a square");
    desc = wan22;
    desc.widths[2] = 6; /* 4 * 6 pixels' channels are of 8 three each, but 4 * 6 of 7 */
    desc.widths[1] = 7;
    desc.widths[0] = 7;
    file = made_as(desc, "", false);
    refused(&file, "'decoder.upsamples.2.upsamples.3.resample.1.weight' has 6 output channels", "a multiple of 7");
}

static void test_one_too_many(void **state)
{
    static const int64_t shape[] = {8, 8, 3, 3, 3};
    (void)state;
    wan_file file = made_as(wan21, "vae.", false);
    wan_add(&file, "vae.decoder.upsamples.15.residual.2.weight", TSR_F32, 5, shape);
    refused(&file, "'vae.decoder.upsamples.15.residual.2.weight'", "belongs to no layer");
    file = made_as(wan21, "", true);
    wan_add(&file, "decoder.up_blocks.0.resnets.0.conv_shortcut.weight", TSR_F32, 5, shape); /* widths do not differ there */
    refused(&file, "'decoder.up_blocks.0.resnets.0.conv_shortcut.weight'", "belongs to no layer");
}

static void test_half_of_each_scheme(void **state)
{
    (void)state;
    wan_file file = made_as(wan21, "", false);
    const wan_file other = made_as(wan21, "", true);
    assert_int_equal(file.count, other.count);
    for (size_t i = file.count / 2; i < file.count; i++) file.tensors[i] = other.tensors[i];
    refused(&file, "lacks the tensor 'decoder.upsamples.", ".residual.");
    file = made_as(wan21, "", false);
    for (size_t i = 0; i < file.count / 2; i++) file.tensors[i] = other.tensors[i];
    refused(&file, "lacks the tensor 'decoder.up_blocks.", ".resnets.");
}

static void test_families_named(void **state)
{
    (void)state;
    const wan_file file = made_as(wan21, "", false);
    tsr_decoder_desc desc = {.family = "wan2.1"};
    accepted_as(&file, &desc, "wan2.1", "4,6,8,8");
    desc.family = "wan2.2";
    refused_as(&file, &desc, TSR_ERROR_FILE, (const char *const[]){"'decoder.upsamples.0.upsamples.0.residual.2.weight'", "family 'wan2.2'", NULL});
    desc = (tsr_decoder_desc){.variant = "purple"};
    refused_as(&file, &desc, TSR_ERROR_ARGUMENT, (const char *const[]){"desc.variant", "'purple'", "'wan2.1'", NULL});
    desc = (tsr_decoder_desc){.family = "wan"};
    const char *texts[64] = {"desc.family", "'wan'"};
    size_t n = 2;
    for (size_t i = 0; tsr_decoder_family(i) && n < 63; i++) texts[n++] = tsr_decoder_family(i);
    assert_true(n > 4);
    refused_as(&file, &desc, TSR_ERROR_ARGUMENT, texts);
}

static void test_strangers(void **state)
{
    static const int64_t shape[] = {4, 4};
    (void)state;
    wan_file file = {.count = 0};
    refused(&file, "of no family that is known here", "0 tensors");
    wan_add(&file, "layers.0.weight", TSR_F32, 2, shape);
    refused(&file, "of no family that is known here", "1 tensors ('layers.0.weight'");
    file = made_as(wan21, "another.", false);
    refused(&file, "of no family that is known here", "none belongs to one");
}

static int setup(void **state)
{
    const tsr_context_desc desc = {.cache_dir = ""};
    (void)state;
    snprintf(path, sizeof(path), "/tmp/tessera_recognise_%ld", (long)getpid());
    return tsr_context_create(&desc, &ctx) == TSR_OK && tsr_device_open(ctx, "host", NULL, &dev) == TSR_OK ? 0 : -1;
}

static int teardown(void **state)
{
    (void)state;
    unlink(path);
    tsr_device_destroy(dev);
    tsr_context_destroy(ctx);
    return 0;
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_whole_files),         cmocka_unit_test(test_harmless_differences),   cmocka_unit_test(test_missing),
        cmocka_unit_test(test_wrong_shapes),        cmocka_unit_test(test_wrong_types_and_counts), cmocka_unit_test(test_one_too_many),
        cmocka_unit_test(test_half_of_each_scheme), cmocka_unit_test(test_families_named),         cmocka_unit_test(test_strangers),
    };
    return cmocka_run_group_tests(tests, setup, teardown);
}
