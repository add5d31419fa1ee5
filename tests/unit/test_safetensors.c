/* Safetensors files: round trips, hostile headers one by one, and random damage to a good file. */
#include <dirent.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cmocka.h>

#include "oracle/oracle.h"
#include "tessera/tessera.h"

static char folder[64];

static const char *path_of(const char *name)
{
    static char path[512];
    snprintf(path, sizeof(path), "%s/%s", folder, name);
    return path;
}

static const char *write_bytes(const char *name, const void *bytes, size_t size)
{
    const char *path = path_of(name);
    FILE *f = fopen(path, "wb");
    assert_non_null(f);
    assert_int_equal(fwrite(bytes, 1, size, f), size);
    assert_int_equal(fclose(f), 0);
    return path;
}

/* A file of that header, its length told as claimed, and zeros as data. */
static const char *write_file(uint64_t claimed, const char *header, size_t length, size_t data)
{
    unsigned char *bytes = calloc(8 + length + data, 1);
    assert_non_null(bytes);
    for (int i = 0; i < 8; i++) bytes[i] = (unsigned char)(claimed >> (8 * i));
    memcpy(bytes + 8, header, length);
    const char *path = write_bytes("hostile", bytes, 8 + length + data);
    free(bytes);
    return path;
}

static void refused(const char *path, const char *says)
{
    tsr_tensors *file = (tsr_tensors *)folder; /* must become NULL */
    const tsr_status s = tsr_tensors_open(path, &file);
    if (s == TSR_OK) tsr_tensors_close(file);
    if (s != TSR_ERROR_FILE || !strstr(tsr_last_error(), path) || !strstr(tsr_last_error(), says))
        fail_msg("%s, '%s'; expected a file error with '%s' and '%s'", tsr_status_name(s), s == TSR_OK ? "" : tsr_last_error(), path, says);
    assert_null(file);
}

#define ONE(dtype, shape, offsets) "{\"t\":{\"dtype\":" dtype ",\"shape\":" shape ",\"data_offsets\":" offsets "}}"
#define U8(shape, offsets) "{\"dtype\":\"U8\",\"shape\":" shape ",\"data_offsets\":" offsets "}"

static const struct {
    const char *header;
    size_t data;
    const char *says; /* a part of the text */
} hostile[] = {
    {ONE("\"F8_E4M3\"", "[1]", "[0,1]"), 1, "tensor 't' has dtype 'F8_E4M3'"},
    {ONE("7", "[1]", "[0,1]"), 1, "tensor 't' has dtype"},
    {ONE("\"f32\"", "[1]", "[0,4]"), 4, "'f32'"},
    {ONE("\"U8\"", "\"1\"", "[0,1]"), 1, "'shape'"},
    {ONE("\"U8\"", "[\"1\"]", "[0,1]"), 1, "axis"},
    {ONE("\"U8\"", "[null]", "[0,1]"), 1, "axis"},
    {ONE("\"U8\"", "[-1]", "[0,1]"), 1, "-1"},
    {ONE("\"U8\"", "[1.5]", "[0,1]"), 1, "1.5"},
    {ONE("\"U8\"", "[1e999]", "[0,1]"), 1, "inf"},
    {ONE("\"U8\"", "[9007199254740993,0]", "[0,0]"), 0, "2^53"},
    {ONE("\"U8\"", "[1,1,1,1,1,1,1,1,1]", "[0,1]"), 1, "rank 9"},
    {ONE("\"F32\"", "[4503599627370496,4503599627370496]", "[0,4]"), 4, "64 bits"},
    {ONE("\"F32\"", "[4294967296,1073741824]", "[0,0]"), 0, "64 bits"},
    {ONE("\"F32\"", "[3]", "[0,4]"), 4, "has 4 bytes of data; its shape and dtype need 12"},
    {ONE("\"U8\"", "[1]", "[0]"), 1, "'data_offsets'"},
    {ONE("\"U8\"", "[1]", "[0,1,2]"), 1, "'data_offsets'"},
    {ONE("\"U8\"", "[1]", "[\"0\",1]"), 1, "'data_offsets'"},
    {ONE("\"U8\"", "[1]", "{}"), 1, "'data_offsets'"},
    {ONE("\"U8\"", "[1]", "[-1,0]"), 1, "'data_offsets'"},
    {ONE("\"U8\"", "[1]", "[0.5,1.5]"), 2, "'data_offsets'"},
    {ONE("\"U8\"", "[1]", "[18446744073709551615,18446744073709551616]"), 1, "'data_offsets'"},
    {ONE("\"U8\"", "[1]", "[1,0]"), 1, "1 to 0"},
    {ONE("\"U8\"", "[5]", "[0,5]"), 4, "0 to 5; the file has 4"},
    {ONE("\"U8\"", "[1]", "[4503599627370496,4503599627370497]"), 1, "the file has 1"},
    {ONE("\"U8\"", "[1]", "[0,1]"), 2, "1 bytes after the last tensor"},
    {ONE("\"U8\"", "[1]", "[1,2]"), 2, "hole of 1 bytes before tensor 't'"},
    {"{\"a\":" U8("[2]", "[0,2]") ",\"b\":" U8("[2]", "[1,3]") "}", 3, "'a' and 'b' overlap"},
    {"{\"a\":" U8("[2]", "[0,2]") ",\"b\":" U8("[2]", "[0,2]") "}", 2, "overlap"},
    {"{\"b\":" U8("[1]", "[2,3]") ",\"a\":" U8("[1]", "[0,1]") "}", 3, "hole of 1 bytes before tensor 'b'"},
    {"{\"a\":" U8("[1]", "[0,1]") ",\"a\":" U8("[1]", "[1,2]") "}", 2, "'a' is there twice"},
    {"{\"a\":" U8("[1]", "[0,1]") ",\"\\u0061\":" U8("[1]", "[1,2]") "}", 2, "'a' is there twice"},
    {"{\"t\":{\"dtype\":\"U8\",\"shape\":[1],\"shape\":[9],\"data_offsets\":[0,1]}}", 1, "'shape' twice"},
    {"{\"t\":{\"dtype\":\"U8\",\"shape\":[1]}}", 0, "'data_offsets'"},
    {"{\"t\":{}}", 0, "dtype"},
    {"{\"t\":[]}", 0, "'t' is no object"},
    {"{\"t\":null}", 0, "'t' is no object"},
    {"{\"__metadata__\":[]}", 0, "'__metadata__'"},
    {"{\"__metadata__\":{\"k\":1}}", 0, "'k' is no string"},
    {"{\"__metadata__\":{},\"__metadata__\":{}}", 0, "twice"},
    {"{\"a\\u0000b\":" U8("[1]", "[0,1]") "}", 1, "NUL"},
    {"{\"\xff\xfe\":" U8("[1]", "[0,1]") "}", 1, "UTF-8 at byte 2"},
    {"{\"\xc0\x80\":" U8("[1]", "[0,1]") "}", 1, "UTF-8"},
    {"{\"\xed\xa0\x80\":" U8("[1]", "[0,1]") "}", 1, "UTF-8"},
    {"{\"a\xe2\x82", 0, "UTF-8"},
    {"{\"\\ud800\":" U8("[1]", "[0,1]") "}", 1, "not JSON"},
    {"[]", 0, "expected '{'"},
    {"\xef\xbb\xbf{}", 0, "expected '{'"},
    {"", 0, "expected '{'"},
    {"{", 0, "not JSON"},
    {"{\"a\":{},", 0, "not JSON"},
    {"{\"t", 0, "not JSON"},
    {"{\"t\\", 0, "not JSON"},
    {"{} {}", 0, "2 bytes follow"},
    {"{}x", 0, "1 bytes follow"},
    {"{}", 3, "3 bytes of data belong to no tensor"},
};

static void hostile_headers(void **state)
{
    (void)state;
    for (size_t i = 0; i < sizeof(hostile) / sizeof(hostile[0]); i++)
        refused(write_file(strlen(hostile[i].header), hostile[i].header, strlen(hostile[i].header), hostile[i].data), hostile[i].says);
}

static void lengths(void **state)
{
    (void)state;
    const char *good = ONE("\"U8\"", "[1]", "[0,1]");
    const size_t n = strlen(good);
    refused(write_file((uint64_t)1 << 63, good, n, 1), "9223372036854775808");
    refused(write_file(UINT64_MAX, good, n, 1), "18446744073709551615");
    refused(write_file(UINT64_MAX - 7, good, n, 1), "18446744073709551608");
    refused(write_file(100000001, good, n, 1), "100000001; expected at most 100000000");
    refused(write_file(n + 2, good, n, 1), "truncated");
    refused(write_file(n - 1, good, n, 1), "not JSON");
    refused(write_file(3, "{}\0", 3, 0), "NUL");
    for (size_t size = 0; size < 8; size++) refused(write_bytes("short", "\0\0\0\0\0\0\0", size), "expected at least 8");
}

static void deep_json(void **state)
{
    (void)state;
    enum { N = 3000000 };
    char *text = malloc(N + 32);
    assert_non_null(text);
    for (int object = 0; object < 2; object++) {
        size_t at = (size_t)sprintf(text, "{\"t\":");
        while (at < N) at += (size_t)sprintf(text + at, object ? "{\"a\":" : "[");
        refused(write_file(at, text, at, 0), "deeper");
    }
    free(text);
}

/* A parser would need forty times the bytes of such a header. */
static void many_values(void **state)
{
    (void)state;
    enum { LIMIT = 1 << 20 };
    static const char *const openings[] = {"{\"__metadata__\":{\"\":[0", "{\"__metadata__\":{\"\":{\"\":0", "{\"__metadata__\":{\"\":[[]"};
    static const char *const more[] = {",0", ",\"\":0", ",[]"};
    static const int start[] = {4, 4, 5}, each[] = {1, 1, 2}; /* containers count, an empty one as if it held one */
    char says[96], *text = malloc(6 * LIMIT + 64);
    assert_non_null(text);
    for (int kind = 0; kind < 3; kind++) {
        for (int beyond = 0; beyond < 2; beyond++) {
            size_t at = (size_t)sprintf(text, "%s", openings[kind]);
            int values = start[kind];
            for (; values + each[kind] <= LIMIT + 2 * beyond; values += each[kind]) at += (size_t)sprintf(text + at, "%s", more[kind]);
            at += (size_t)sprintf(text + at, kind == 1 ? "}}}" : "]}}");
            snprintf(says, sizeof(says), "the header has %d values; expected at most %d", values, LIMIT);
            refused(write_file(at, text, at, 0), beyond ? says : "is no string");
        }
    }
    free(text);
}

static void no_files(void **state)
{
    (void)state;
    refused(path_of("nowhere"), "No such file");
    refused(folder, "not a regular file");
    assert_int_equal(mkfifo(path_of("pipe"), 0600), 0);
    refused(path_of("pipe"), "not a regular file");
    assert_int_equal(tsr_tensors_open(NULL, NULL), TSR_ERROR_ARGUMENT);
    tsr_tensors_close(NULL);
}

static void odd_but_good(void **state)
{
    (void)state;
    const char *text = "{\"__metadata__\":{\"format\":\"pt\"},\"s\":{\"dtype\":\"BOOL\",\"shape\":[],\"data_offsets\":[2,3],\"more\":null},"
                       "\"\xc3\xa9\\n\":{\"data_offsets\":[0,2],\"shape\":[1,2],\"dtype\":\"I8\"},\"e\":{\"dtype\":\"F64\",\"shape\":["
                       "4503599627370496,4503599627370496,0],\"data_offsets\":[3,3]}} \n";
    tsr_tensors *file = NULL;
    tsr_tensor_view v;
    assert_int_equal(tsr_tensors_open(write_file(strlen(text), text, strlen(text), 3), &file), TSR_OK);
    assert_int_equal(tsr_tensors_count(file), 3);
    assert_int_equal(tsr_tensors_find(file, "s", &v), TSR_OK);
    assert_true(v.rank == 0 && v.dtype == TSR_U8 && v.size == 1);
    assert_int_equal(tsr_tensors_find(file, "\xc3\xa9\n", &v), TSR_OK);
    assert_true(v.rank == 2 && v.shape[1] == 2 && v.dtype == TSR_I8);
    assert_int_equal(tsr_tensors_find(file, "e", &v), TSR_OK);
    assert_true(v.rank == 3 && v.size == 0);
    assert_int_equal(tsr_tensors_find(file, "__metadata__", &v), TSR_ERROR_ARGUMENT);
    assert_non_null(strstr(tsr_last_error(), "__metadata__"));
    assert_int_equal(tsr_tensors_at(file, 3, &v), TSR_ERROR_ARGUMENT);
    tsr_tensors_close(file);
}

static void metadata_is(const char *header, const char *key, const char *want)
{
    tsr_tensors *file = NULL;
    assert_int_equal(tsr_tensors_open(write_file(strlen(header), header, strlen(header), 0), &file), TSR_OK);
    const char *text = tsr_tensors_metadata(file, key);
    if (want)
        assert_non_null(text), assert_string_equal(text, want);
    else
        assert_null(text);
    tsr_tensors_close(file);
}

static void metadata(void **state)
{
    (void)state;
    const char *two = "{\"__metadata__\":{\"format\":\"pt\",\"config\":\"{\\\"a\\\": [1, \\u00e9]}\",\"\":\"none\"}}";
    metadata_is(two, "format", "pt");
    metadata_is(two, "config", "{\"a\": [1, \xc3\xa9]}");
    metadata_is(two, "", "none");
    metadata_is(two, "Config", NULL);
    metadata_is(two, "conf", NULL);
    metadata_is("{\"__metadata__\":{\"k\":\"1\",\"\\u006b\":\"2\"}}", "k", "2");
    metadata_is("{\"__metadata__\":{}}", "k", NULL);
    metadata_is("{\"k\":{\"dtype\":\"U8\",\"shape\":[0],\"data_offsets\":[0,0]}}", "k", NULL);
    metadata_is(two, NULL, NULL);
    assert_null(tsr_tensors_metadata(NULL, "k"));
}

enum { TYPES = TSR_DTYPE_COUNT };

/* One tensor of each type, of rank 0 to 8, with a zero axis in one of them. */
static void make_tensors(oracle_rng *r, tsr_tensor_view t[TYPES], char names[TYPES][16])
{
    for (int i = 0; i < TYPES; i++) {
        uint64_t n = 1;
        snprintf(names[i], sizeof(names[i]), "\"%s\"\t\\\xc3\xa9", tsr_dtype_name((tsr_dtype)i));
        t[i] = (tsr_tensor_view){.name = names[i], .dtype = (tsr_dtype)i, .rank = (uint32_t)i};
        for (int a = 0; a < i; a++) n *= (uint64_t)(t[i].shape[a] = i == 3 && a == 1 ? 0 : 1 + oracle_below(r, 3));
        t[i].size = n * tsr_dtype_size((tsr_dtype)i);
        unsigned char *data = malloc(t[i].size + 1);
        assert_non_null(data);
        for (uint64_t b = 0; b < t[i].size; b++) data[b] = (unsigned char)oracle_next(r);
        t[i].data = data;
    }
}

static void round_trip(void **state)
{
    (void)state;
    for (uint64_t seed = 0; seed < 20; seed++) {
        oracle_rng r = oracle_seed(seed);
        tsr_tensor_view t[TYPES], v;
        char names[TYPES][16];
        make_tensors(&r, t, names);
        const char *path = path_of("trip");
        assert_int_equal(tsr_tensors_save(path, t, TYPES), TSR_OK);
        tsr_tensors *file = NULL;
        assert_int_equal(tsr_tensors_open(path, &file), TSR_OK);
        assert_int_equal(tsr_tensors_count(file), TYPES);
        for (size_t i = 0; i < TYPES; i++) {
            assert_int_equal(tsr_tensors_at(file, i, &v), TSR_OK);
            assert_string_equal(v.name, names[i]);
            assert_true(v.dtype == t[i].dtype && v.rank == t[i].rank && v.size == t[i].size);
            assert_memory_equal(v.shape, t[i].shape, sizeof(v.shape));
            if (v.size) assert_memory_equal(v.data, t[i].data, v.size);
            if (i == 0) assert_int_equal((uintptr_t)v.data % 8, 0);
            free((void *)(uintptr_t)t[i].data);
        }
        tsr_tensors_close(file);
    }
}

static int entries(void)
{
    int n = 0;
    DIR *dir = opendir(folder);
    assert_non_null(dir);
    while (readdir(dir)) n++;
    closedir(dir);
    return n;
}

static void save_refused(const char *path, const tsr_tensor_view *t, size_t count, tsr_status want, const char *says)
{
    const int before = entries();
    const tsr_status s = tsr_tensors_save(path, t, count);
    if (s != want || !strstr(tsr_last_error(), says)) fail_msg("%s, '%s'; expected '%s'", tsr_status_name(s), tsr_last_error(), says);
    assert_int_equal(entries(), before);
}

static void bad_saves(void **state)
{
    (void)state;
    const float x[2] = {1, 2};
    const tsr_tensor_view good = {.name = "x", .dtype = TSR_F32, .rank = 1, .shape = {2}, .data = x, .size = 8};
    tsr_tensor_view t[2] = {good, good};
    const char *path = path_of("save");
    save_refused(path, t, 2, TSR_ERROR_ARGUMENT, "'x'");
    t[0].size = 4;
    save_refused(path, t, 1, TSR_ERROR_ARGUMENT, "has 4 bytes; its shape and dtype need 8");
    t[0] = good, t[0].shape[0] = -2;
    save_refused(path, t, 1, TSR_ERROR_ARGUMENT, "-2");
    t[0] = good, t[0].dtype = TSR_DTYPE_COUNT;
    save_refused(path, t, 1, TSR_ERROR_ARGUMENT, "dtype");
    t[0] = good, t[0].rank = 9;
    save_refused(path, t, 1, TSR_ERROR_ARGUMENT, "rank is 9");
    t[0] = good, t[0].data = NULL;
    save_refused(path, t, 1, TSR_ERROR_ARGUMENT, "x");
    t[0] = good, t[0].name = "";
    save_refused(path, t, 1, TSR_ERROR_ARGUMENT, "name");
    t[0] = good, t[0].name = "__metadata__";
    save_refused(path, t, 1, TSR_ERROR_ARGUMENT, "__metadata__");
    t[0] = good, t[0].rank = 2, t[0].shape[0] = t[0].shape[1] = (int64_t)1 << 40;
    save_refused(path, t, 1, TSR_ERROR_ARGUMENT, "64 bits");
    save_refused(path_of("no/such/folder"), &good, 1, TSR_ERROR_FILE, "No such file");
    save_refused(path_of("no/such/file.safetensors"), &good, 1, TSR_ERROR_FILE, "No such file");
    assert_int_equal(mkdir(path_of("sub"), 0700), 0);
    save_refused(path_of("sub"), &good, 1, TSR_ERROR_FILE, "it is a folder");
    save_refused(path_of("sub/"), &good, 1, TSR_ERROR_FILE, "it is a folder");
    assert_int_equal(rmdir(path_of("sub")), 0); /* and is empty still */
    assert_int_equal(mkfifo(path_of("channel"), 0600), 0);
    save_refused(path_of("channel"), &good, 1, TSR_ERROR_FILE, "it is not a regular file");
}

/* What a crash left under a temporary name must not stop a later save; a failed one leaves the file as it was. */
static void saves_over(void **state)
{
    (void)state;
    const float x = 3, y = 4;
    const tsr_tensor_view a = {.name = "x", .dtype = TSR_F32, .data = &x, .size = 4}, b = {.name = "x", .dtype = TSR_F32, .data = &y, .size = 4};
    const tsr_tensor_view bad = {.name = "x", .dtype = TSR_F32, .data = &y, .size = 5};
    char path[512], stale[160];
    snprintf(path, sizeof(path), "%s", path_of("over"));
    snprintf(stale, sizeof(stale), "over.tmp%ld-0", (long)getpid());
    write_bytes(stale, "", 0);
    assert_int_equal(tsr_tensors_save(path, &a, 1), TSR_OK);
    assert_int_equal(tsr_tensors_save(path, &bad, 1), TSR_ERROR_ARGUMENT);
    for (int round = 0; round < 2; round++) {
        tsr_tensors *file = NULL;
        tsr_tensor_view v;
        assert_int_equal(tsr_tensors_open(path, &file), TSR_OK);
        assert_int_equal(tsr_tensors_find(file, "x", &v), TSR_OK);
        assert_memory_equal(v.data, round ? &y : &x, 4);
        if (round == 0) assert_int_equal(tsr_tensors_save(path, &b, 1), TSR_OK); /* over a mapped file */
        assert_memory_equal(v.data, round ? &y : &x, 4);
        tsr_tensors_close(file);
    }
}

/* Reads every byte that a view promises. */
static unsigned touch(const tsr_tensors *file)
{
    unsigned sum = 0;
    tsr_tensor_view v;
    for (size_t i = 0; i < tsr_tensors_count(file); i++) {
        assert_int_equal(tsr_tensors_at(file, i, &v), TSR_OK);
        for (uint64_t b = 0; b < v.size; b++) sum += ((const unsigned char *)v.data)[b];
        assert_non_null(v.name);
    }
    return sum;
}

static void damage(void **state)
{
    (void)state;
    static const char likely[] = "{}[]\",:0123456789-eE.\\u \xff";
    oracle_rng r = oracle_seed(77);
    tsr_tensor_view t[TYPES];
    char names[TYPES][16];
    make_tensors(&r, t, names);
    assert_int_equal(tsr_tensors_save(path_of("good"), t, TYPES), TSR_OK);
    for (int i = 0; i < TYPES; i++) free((void *)(uintptr_t)t[i].data);
    FILE *f = fopen(path_of("good"), "rb");
    assert_non_null(f);
    unsigned char good[8192], bad[8192];
    const size_t size = fread(good, 1, sizeof(good), f);
    fclose(f);
    assert_in_range(size, 500, sizeof(good) - 1);
    int opened = 0, failed = 0;
    for (int round = 0; round < 6000; round++) {
        size_t n = size;
        memcpy(bad, good, size);
        if (round % 4 == 0) n = oracle_below(&r, (uint32_t)size + 1);
        for (uint32_t flips = 1 + oracle_below(&r, 4); round % 4 && flips; flips--)
            bad[oracle_below(&r, (uint32_t)n)] =
                round % 4 == 1 ? (unsigned char)oracle_next(&r) : (unsigned char)likely[oracle_below(&r, sizeof(likely) - 1)];
        tsr_tensors *file = NULL;
        const tsr_status s = tsr_tensors_open(write_bytes("bad", bad, n), &file);
        if (s == TSR_OK)
            touch(file), opened++;
        else
            assert_int_equal(s, TSR_ERROR_FILE), assert_null(file), failed++;
        tsr_tensors_close(file);
    }
    assert_true(opened > 0 && failed > 1000); /* damage to data alone opens */
}

static int make_folder(void **state)
{
    (void)state;
    snprintf(folder, sizeof(folder), "/tmp/tessera-test-XXXXXX");
    return mkdtemp(folder) ? 0 : -1;
}

static int remove_folder(void **state)
{
    (void)state;
    DIR *dir = opendir(folder);
    for (struct dirent *e; dir && (e = readdir(dir));) unlink(path_of(e->d_name));
    if (dir) closedir(dir);
    return rmdir(folder);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(hostile_headers), cmocka_unit_test(lengths),      cmocka_unit_test(deep_json),  cmocka_unit_test(many_values),
        cmocka_unit_test(no_files),        cmocka_unit_test(odd_but_good), cmocka_unit_test(round_trip), cmocka_unit_test(bad_saves),
        cmocka_unit_test(saves_over),      cmocka_unit_test(damage),       cmocka_unit_test(metadata),
    };
    return cmocka_run_group_tests_name("safetensors", tests, make_folder, remove_folder);
}
