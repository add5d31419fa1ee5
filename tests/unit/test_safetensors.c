/* The safetensors reader and writer: round trips, and files made to hurt. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "oracle/oracle.h"
#include "tessera/tessera.h"

static char path[64];

static void put(uint64_t header_size, const char *header, size_t header_bytes, size_t data_bytes)
{
    FILE *f = fopen(path, "wb");
    assert_non_null(f);
    for (int i = 0; i < 8; i++) fputc((int)(header_size >> (8 * i) & 255), f);
    fwrite(header, 1, header_bytes, f);
    for (size_t i = 0; i < data_bytes; i++) fputc((int)(i & 255), f);
    fclose(f);
}

/* Opening must fail and say this. */
static void refused(const char *says)
{
    tsr_tensors *file = (tsr_tensors *)path;
    const tsr_status s = tsr_tensors_open(path, &file);
    if (s != TSR_ERROR_FILE || file || !strstr(tsr_last_error(), says)) fail_msg("status %s, text '%s'; expected '%s'", tsr_status_name(s), tsr_last_error(), says);
    assert_non_null(strstr(tsr_last_error(), path));
}

static void bad(const char *header, size_t data, const char *says)
{
    put(strlen(header), header, strlen(header), data);
    refused(says);
}

static void test_round_trip(void **state)
{
    (void)state;
    oracle_rng r = oracle_seed(7);
    tsr_tensor_view views[TSR_DTYPE_COUNT + 2];
    char names[TSR_DTYPE_COUNT + 2][32];
    for (int i = 0; i < TSR_DTYPE_COUNT + 2; i++) {
        const tsr_dtype dtype = (tsr_dtype)(i % TSR_DTYPE_COUNT);
        snprintf(names[i], sizeof(names[i]), "t%d.\"quoted\\\xc3\xa9", i);
        views[i] = (tsr_tensor_view){.name = names[i], .dtype = dtype, .rank = i < TSR_DTYPE_COUNT ? 3u : i == TSR_DTYPE_COUNT ? 0u : 2u, .shape = {3, 1 + i, 5}};
        if (i == TSR_DTYPE_COUNT + 1) views[i].shape[1] = 0;
        views[i].size = tsr_dtype_size(dtype);
        for (uint32_t a = 0; a < views[i].rank; a++) views[i].size *= (uint64_t)views[i].shape[a];
        unsigned char *data = malloc((size_t)views[i].size + 1);
        for (uint64_t b = 0; b < views[i].size; b++) data[b] = (unsigned char)oracle_next(&r);
        views[i].data = data;
    }
    assert_int_equal(tsr_tensors_save(path, views, TSR_DTYPE_COUNT + 2), TSR_OK);
    tsr_tensors *file = NULL;
    assert_int_equal(tsr_tensors_open(path, &file), TSR_OK);
    assert_int_equal(tsr_tensors_count(file), TSR_DTYPE_COUNT + 2);
    for (int i = 0; i < TSR_DTYPE_COUNT + 2; i++) {
        tsr_tensor_view got;
        assert_int_equal(tsr_tensors_find(file, names[i], &got), TSR_OK);
        assert_int_equal(got.dtype, views[i].dtype);
        assert_int_equal(got.rank, views[i].rank);
        assert_int_equal(got.size, views[i].size);
        assert_memory_equal(got.shape, views[i].shape, got.rank * sizeof(got.shape[0]));
        assert_memory_equal(got.data, views[i].data, (size_t)got.size);
        free((void *)views[i].data);
    }
    tsr_tensor_view got;
    assert_int_equal(tsr_tensors_find(file, "absent", &got), TSR_ERROR_ARGUMENT);
    assert_non_null(strstr(tsr_last_error(), "absent"));
    tsr_tensors_close(file);
}

static void test_lengths(void **state)
{
    (void)state;
    put(0, "", 0, 0);
    truncate(path, 0);
    refused("expected at least 8");
    put(INT64_MAX + UINT64_C(1), "{}", 2, 0);
    refused("9223372036854775808");
    put(UINT64_MAX, "{}", 2, 0);
    refused("at most");
    put(3, "{}", 2, 0);
    refused("truncated");
    put(2, "{}", 2, 5);
    refused("belong to no tensor");
    bad("{\"a\":{\"dtype\":\"F32\",\"shape\":[2],\"data_offsets\":[0,8]}}", 7, "truncated");
    bad("{\"a\":{\"dtype\":\"F32\",\"shape\":[2],\"data_offsets\":[0,8]}}", 9, "belong to none");
    bad("{\"a\":{\"dtype\":\"F32\",\"shape\":[3],\"data_offsets\":[0,8]}}", 8, "need 12");
    bad("{\"a\":{\"dtype\":\"F32\",\"shape\":[2],\"data_offsets\":[8,0]}}", 8, "8 to 0");
    bad("{\"a\":{\"dtype\":\"U8\",\"shape\":[4],\"data_offsets\":[4,8]}}", 8, "hole");
    bad("{\"a\":{\"dtype\":\"U8\",\"shape\":[4],\"data_offsets\":[0,4]},\"b\":{\"dtype\":\"U8\",\"shape\":[4],\"data_offsets\":[3,7]}}", 7, "overlap");
}

static void test_numbers(void **state)
{
    (void)state;
    bad("{\"a\":{\"dtype\":\"F32\",\"shape\":[4294967296,4294967296],\"data_offsets\":[0,0]}}", 0, "64 bits");
    bad("{\"a\":{\"dtype\":\"U8\",\"shape\":[18446744073709551616],\"data_offsets\":[0,0]}}", 0, "2^53");
    bad("{\"a\":{\"dtype\":\"U8\",\"shape\":[-1],\"data_offsets\":[0,0]}}", 0, "whole numbers");
    bad("{\"a\":{\"dtype\":\"U8\",\"shape\":[1.5],\"data_offsets\":[0,1]}}", 1, "whole numbers");
    bad("{\"a\":{\"dtype\":\"U8\",\"shape\":[\"1\"],\"data_offsets\":[0,1]}}", 1, "whole numbers");
    bad("{\"a\":{\"dtype\":\"U8\",\"shape\":[1],\"data_offsets\":[0,1e300]}}", 1, "data_offsets");
    bad("{\"a\":{\"dtype\":\"U8\",\"shape\":[1],\"data_offsets\":[0]}}", 1, "data_offsets");
    bad("{\"a\":{\"dtype\":\"U8\",\"shape\":[1,1,1,1,1,1,1,1,1],\"data_offsets\":[0,1]}}", 1, "rank 9");
}

static void test_types(void **state)
{
    (void)state;
    bad("[]", 0, "no JSON object");
    bad("{\"a\"", 0, "not JSON");
    bad("{} x", 0, "follow");
    bad("{\"a\":7}", 0, "no object");
    bad("{\"a\":{\"dtype\":\"Q9\",\"shape\":[1],\"data_offsets\":[0,1]}}", 1, "'Q9'");
    bad("{\"a\":{\"shape\":[1],\"data_offsets\":[0,1]}}", 1, "(none)");
    bad("{\"a\":{\"dtype\":\"U8\",\"shape\":1,\"data_offsets\":[0,1]}}", 1, "shape");
    bad("{\"__metadata__\":3}", 0, "__metadata__");
    bad("{\"a\":{\"dtype\":\"U8\",\"shape\":[1],\"data_offsets\":[0,1]},\"a\":{\"dtype\":\"U8\",\"shape\":[1],\"data_offsets\":[1,2]}}", 2, "twice");
    bad("{\"a\\u0000b\":{\"dtype\":\"U8\",\"shape\":[1],\"data_offsets\":[0,1]}}", 1, "NUL");
    char deep[4096];
    memset(deep, '[', sizeof(deep) - 1);
    deep[sizeof(deep) - 1] = '\0';
    bad(deep, 0, "deeper");
    rmdir(path);
    unlink(path);
    assert_int_equal(mkdir(path, 0700), 0);
    refused("not a regular file");
    rmdir(path);
    refused("cannot be read");
}

/* Random damage to a good file: any verdict, no crash (this runs under the sanitizers too). */
static void test_damage(void **state)
{
    (void)state;
    oracle_rng r = oracle_seed(99);
    const char *header = "{\"__metadata__\":{\"k\":\"v\"},\"a\":{\"dtype\":\"F32\",\"shape\":[2,2],\"data_offsets\":[0,16]},\"b\":{\"dtype\":\"BF16\",\"shape\":[],\"data_offsets\":[16,18]}}";
    unsigned char good[256];
    const size_t length = strlen(header), size = 8 + length + 18;
    memset(good, 0, sizeof(good));
    good[0] = (unsigned char)length;
    memcpy(good + 8, header, length);
    int opened = 0;
    for (int i = 0; i < 3000; i++) {
        unsigned char copy[256];
        memcpy(copy, good, sizeof(copy));
        for (uint32_t n = oracle_below(&r, 4); n > 0; n--) copy[oracle_below(&r, (uint32_t)size)] = (unsigned char)oracle_next(&r);
        FILE *f = fopen(path, "wb");
        fwrite(copy, 1, oracle_below(&r, 4) ? size : oracle_below(&r, (uint32_t)size), f);
        fclose(f);
        tsr_tensors *file = NULL;
        if (tsr_tensors_open(path, &file) == TSR_OK) {
            opened++;
            for (size_t t = 0; t < tsr_tensors_count(file); t++) {
                tsr_tensor_view v;
                volatile unsigned char sum = 0;
                assert_int_equal(tsr_tensors_at(file, t, &v), TSR_OK);
                for (uint64_t b = 0; b < v.size; b++) sum += ((const unsigned char *)v.data)[b];
            }
            tsr_tensors_close(file);
        }
    }
    assert_true(opened > 100 && opened < 2900);
}

static void test_writer(void **state)
{
    (void)state;
    const float x[2] = {1, 2};
    tsr_tensor_view v = {.name = "x", .dtype = TSR_F32, .rank = 1, .shape = {2}, .data = x, .size = 8}, twice[2] = {v, v};
    assert_int_equal(tsr_tensors_save("/nonexistent/folder/x.safetensors", &v, 1), TSR_ERROR_FILE);
    assert_int_equal(tsr_tensors_save(path, twice, 2), TSR_ERROR_ARGUMENT);
    v.size = 4;
    assert_int_equal(tsr_tensors_save(path, &v, 1), TSR_ERROR_ARGUMENT);
    v.size = 8;
    v.shape[0] = INT64_MAX;
    assert_int_equal(tsr_tensors_save(path, &v, 1), TSR_ERROR_ARGUMENT);
    assert_int_not_equal(access(path, F_OK), 0);
}

static int remove_file(void **state)
{
    (void)state;
    unlink(path);
    return 0;
}

int main(void)
{
    snprintf(path, sizeof(path), "/tmp/tessera-test-%ld.safetensors", (long)getpid());
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_teardown(test_round_trip, remove_file), cmocka_unit_test_teardown(test_lengths, remove_file), cmocka_unit_test_teardown(test_numbers, remove_file),
        cmocka_unit_test_teardown(test_types, remove_file),      cmocka_unit_test_teardown(test_damage, remove_file),  cmocka_unit_test_teardown(test_writer, remove_file),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
