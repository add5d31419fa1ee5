/* PyTorch's and NumPy's files: what they hold, hostile ones one by one, and random damage to good ones. */
#include <dirent.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
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

typedef struct text {
    unsigned char bytes[16384];
    size_t size;
} text;

static void add(text *t, const void *bytes, size_t size)
{
    assert_true(t->size + size <= sizeof(t->bytes));
    memcpy(t->bytes + t->size, bytes, size);
    t->size += size;
}

static void add_number(text *t, uint64_t x, int bytes)
{
    for (int i = 0; i < bytes; i++) add(t, &(unsigned char){(unsigned char)(i < 8 ? x >> (8 * i) : 0)}, 1);
}

/* A pickle in words: a word of one character is an opcode, 'text a text, numbers whole ones, module:name a name, #n a tuple of n. */
static void pickle(text *t, const char *words)
{
    char copy[2048];
    assert_true(snprintf(copy, sizeof(copy), "%s", words) < (int)sizeof(copy));
    for (char *word = strtok(copy, " "); word; word = strtok(NULL, " ")) {
        char *colon = strchr(word, ':');
        if (word[0] == '\'') {
            add(t, "X", 1), add_number(t, strlen(word + 1), 4), add(t, word + 1, strlen(word + 1));
        } else if (word[0] == '#') {
            add_number(t, (uint64_t)(0x84 + word[1] - '0'), 1);
        } else if (word[0] == 'x' && word[1]) {
            add_number(t, strtoul(word + 1, NULL, 16), 1);
        } else if (colon) {
            *colon = '\n';
            add(t, "c", 1), add(t, word, strlen(word)), add(t, "\n", 1);
        } else if ((word[0] >= '0' && word[0] <= '9') || word[0] == '-') {
            add(t, "\x8a\x08", 2), add_number(t, (uint64_t)strtoll(word, NULL, 10), 8);
        } else
            add(t, word, 1);
    }
}

typedef struct member {
    const char *name;
    const void *data;
    size_t size;
} member;

/* A zip archive; method is that of the last member, and with wide its numbers stand in a 64-bit field. */
static void zip(text *out, const member *m, size_t count, unsigned method, bool wide)
{
    text directory = {.size = 0};
    for (size_t i = 0; i < count; i++) {
        const bool last = i + 1 == count, in_extra = last && wide;
        const unsigned how = last ? method : 0;
        const size_t length = strlen(m[i].name), at = out->size;
        add(out, "PK\3\4", 4), add_number(out, 0, 4), add_number(out, how, 2), add_number(out, 0, 8);
        add_number(out, m[i].size, 4), add_number(out, m[i].size, 4), add_number(out, length, 2), add_number(out, 3, 2);
        add(out, m[i].name, length), add(out, "pad", 3), add(out, m[i].data, m[i].size);
        add(&directory, "PK\1\2", 4), add_number(&directory, 0, 6), add_number(&directory, how, 2), add_number(&directory, 0, 8);
        for (int n = 0; n < 2; n++) add_number(&directory, in_extra ? UINT32_MAX : m[i].size, 4);
        add_number(&directory, length, 2), add_number(&directory, in_extra ? 28 : 0, 2), add_number(&directory, 0, 10);
        add_number(&directory, in_extra ? UINT32_MAX : at, 4), add(&directory, m[i].name, length);
        if (in_extra) add_number(&directory, 1, 2), add_number(&directory, 24, 2);
        for (int n = 0; in_extra && n < 3; n++) add_number(&directory, n < 2 ? m[i].size : at, 8);
    }
    const size_t start = out->size;
    add(out, directory.bytes, directory.size);
    if (wide) {
        const size_t at = out->size;
        add(out, "PK\6\6", 4), add_number(out, 0, 20), add_number(out, count, 8), add_number(out, count, 8);
        add_number(out, directory.size, 8), add_number(out, start, 8);
        add(out, "PK\6\7", 4), add_number(out, 0, 4), add_number(out, at, 8), add_number(out, 1, 4);
    }
    add(out, "PK\5\6", 4), add_number(out, 0, 4), add_number(out, wide ? 65535 : count, 2), add_number(out, wide ? 65535 : count, 2);
    add_number(out, directory.size, 4), add_number(out, wide ? UINT32_MAX : start, 4), add_number(out, 0, 2);
}

static const float numbers[24] = {0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15, 16, 17, 18, 19, 20, 21, 22, 23};

static void torch_file(text *out, const char *words)
{
    text data = {.size = 0};
    pickle(&data, words);
    out->size = 0;
    zip(out, (member[]){{"a/data.pkl", data.bytes, data.size}, {"a/data/0", numbers, sizeof(numbers)}}, 2, 0, false);
}

static const char *save(const text *t, const char *name)
{
    const char *path = path_of(name);
    FILE *f = fopen(path, "wb");
    assert_non_null(f);
    assert_int_equal(fwrite(t->bytes, 1, t->size, f), t->size);
    assert_int_equal(fclose(f), 0);
    return path;
}

static tsr_tensors *opened(const text *t)
{
    tsr_tensors *file = NULL;
    if (tsr_tensors_open(save(t, "good"), &file) != TSR_OK) fail_msg("%s", tsr_last_error());
    return file;
}

static void refused(const text *t, const char *says)
{
    const char *path = save(t, "hostile");
    tsr_tensors *file = (tsr_tensors *)folder; /* must become NULL */
    const tsr_status s = tsr_tensors_open(path, &file);
    if (s == TSR_OK) tsr_tensors_close(file);
    if (s != TSR_ERROR_FILE || !strstr(tsr_last_error(), path) || !strstr(tsr_last_error(), says))
        fail_msg("%s, '%s'; expected a file error with '%s' and '%s'", tsr_status_name(s), s == TSR_OK ? "" : tsr_last_error(), path, says);
    assert_null(file);
}

#define STORAGE "( 'storage torch:FloatStorage '0 'cpu 24 t Q "
#define TENSOR(offset, shape, strides) "torch._utils:_rebuild_tensor_v2 ( " STORAGE offset " ( " shape " t ( " strides " t x89 } t R "
#define PLAIN TENSOR("0", "2 3 4", "12 4 1")

/* Its numbers, which lie anywhere in the file, until the next call. */
static const float *view_of(const tsr_tensors *file, const char *name, uint32_t rank, tsr_tensor_view *v)
{
    static float copy[1024];
    assert_int_equal(tsr_tensors_find(file, name, v), TSR_OK);
    assert_int_equal(v->rank, rank);
    assert_int_equal(v->dtype, TSR_F32);
    assert_true(v->size <= sizeof(copy));
    if (v->size > 0) memcpy(copy, v->data, (size_t)v->size);
    return copy;
}

static void good_torch(void **state)
{
    (void)state;
    static text t;
    tsr_tensor_view v;
    torch_file(&t, PLAIN ".");
    tsr_tensors *file = opened(&t);
    assert_int_equal(tsr_tensors_count(file), 1);
    assert_memory_equal(view_of(file, "tensor", 3, &v), numbers, sizeof(numbers));
    tsr_tensors_close(file);

    /* Nested, with attributes, numbers, shared and memoised values, and a view with other strides. */
    torch_file(&t, "x80 x2 } 'epoch 7 s 'state_dict collections:OrderedDict ) R ( 'w " PLAIN
                   "x94 'turned " TENSOR("4", "2 4 2", "12 1 4") "'one torch._utils:_rebuild_parameter ( " TENSOR(
                       "23", "1 1", "9 77") "x88 } t R 'again h x0 u } 'x 1 s b s .");
    file = opened(&t);
    assert_int_equal(tsr_tensors_count(file), 4);
    assert_memory_equal(view_of(file, "w", 3, &v), numbers, sizeof(numbers));
    assert_memory_equal(view_of(file, "again", 3, &v), numbers, sizeof(numbers));
    assert_true(*view_of(file, "one", 2, &v) == 23);
    const float *turned = view_of(file, "turned", 3, &v);
    for (int a = 0; a < 2; a++)
        for (int b = 0; b < 4; b++)
            for (int c = 0; c < 2; c++) assert_true(turned[(a * 4 + b) * 2 + c] == (float)(4 + a * 12 + b + c * 4));
    tsr_tensors_close(file);

    torch_file(&t, "] ( " PLAIN TENSOR("0", "0 5", "5 1") "e .");
    file = opened(&t);
    assert_true(view_of(file, "1", 2, &v) && v.size == 0);
    assert_memory_equal(view_of(file, "0", 3, &v), numbers, sizeof(numbers));
    tsr_tensors_close(file);
}

static void wide_zip(void **state)
{
    (void)state;
    static text t, data;
    tsr_tensor_view v;
    data.size = t.size = 0;
    pickle(&data, PLAIN ".");
    const member m[] = {{"folder/data.pkl", data.bytes, data.size}, {"folder/data/0", numbers, sizeof(numbers)}};
    zip(&t, m, 2, 0, true);
    tsr_tensors *file = opened(&t);
    assert_memory_equal(view_of(file, "tensor", 3, &v), numbers, sizeof(numbers));
    tsr_tensors_close(file);
    t.size = 0;
    zip(&t, m, 2, 8, false);
    refused(&t, "'folder/data/0' of the zip archive is compressed (method 8)");
    t.size = 0;
    zip(&t, m + 1, 1, 0, false);
    refused(&t, "without data.pkl");
    t.size = 0;
    zip(&t, m, 1, 0, false);
    refused(&t, "'folder/data/0', which is not there");
    t.size = 0;
    zip(&t, (member[]){m[0], m[1], m[0]}, 3, 0, false);
    refused(&t, "twice");
    t.size = 0;
    zip(&t, (member[]){m[0], m[1], {"folder/byteorder", "big", 3}}, 3, 0, false);
    refused(&t, "big-endian");
    t.size = 0;
    zip(&t, m, 2, 0, false);
    t.size -= 30;
    refused(&t, "truncated");
}

/* The form of before zip archives. */
static void old_torch(void **state)
{
    (void)state;
    static text t;
    static const char magic[] = "\x80\2\x8a\nl\xfc\x9c\x46\xf9 j\xa8P\x19.";
    tsr_tensor_view v;
    for (int broken = 0; broken < 4; broken++) {
        t.size = 0;
        add(&t, magic, sizeof(magic) - 1);
        pickle(&t, "1001 . } .");
        pickle(&t, "} 'w torch._utils:_rebuild_tensor_v2 ( ( 'storage torch:FloatStorage 'key 'cpu 24 N t Q 0 ( 2 12 t ( 12 1 t x89 } t R s .");
        pickle(&t, broken == 1 ? "] 'other a ." : broken == 2 ? "] ." : "] 'key a .");
        add_number(&t, 24, 8);
        add(&t, numbers, sizeof(numbers) - (broken == 3));
        if (broken) {
            static const char *const says[] = {"", "lists storage 'other'", "no data of storage 'key'",
                                               "storage 'key' has 96 bytes; the file ends before"};
            refused(&t, says[broken]);
            continue;
        }
        tsr_tensors *file = opened(&t);
        assert_memory_equal(view_of(file, "w", 2, &v), numbers, sizeof(numbers));
        tsr_tensors_close(file);
    }
}

static const struct {
    const char *words, *says;
} hostile[] = {
    {"os:system 'reboot #1 R .", "wants 'os.system'"},
    {"'builtins 'eval x93 '1 #1 R .", "wants 'builtins.eval'"},
    {"torch._utils:_rebuild_tensor .", "wants 'torch._utils._rebuild_tensor'"},
    {"os:system .", "save_file(torch.load("},
    {"i .", "opcode 0x69"},
    {") x81 .", "opcode 0x81"},
    {"( 'os 'system o .", "opcode 0x6f"},
    {"1 2 3", "ends within"},
    {".", "not there"},
    {"( .", "not there"},
    {"t .", "a mark"},
    {"1 ( 2 e .", "no list"},
    {"} ( 'a u .", "without value"},
    {"1 'a 2 s .", "no dictionary"},
    {"h x5 .", "recalls"},
    {"N r xff xff xff xff .", "remembers"},
    {"N Q .", "no storage"},
    {"( 'module torch:FloatStorage '0 'cpu 24 t Q .", "no storage"},
    {"( 'storage collections:OrderedDict '0 'cpu 24 t Q .", "without type"},
    {"( 'storage torch:FloatStorage '0 'cpu -1 t Q .", "without type, key or size"},
    {"( 'storage torch:DoubleStorage '0 'cpu 2305843009213693952 t Q .", "without type, key or size"},
    {"torch:FloatStorage ) R .", "calls a type"},
    {"torch._utils:_rebuild_tensor_v2 ( 1 0 ( t ( t x89 } t R .", "other arguments"},
    {"torch._utils:_rebuild_parameter ( 1 t R .", "other arguments"},
    {"1 ) R .", "calls what is no name"},
    {"1 } b .", "attributes"},
    {"1 .", "has no tensor"},
    {"} ] 1 a " PLAIN "s .", "neither text nor number"},
    {"] x94 h x0 a .", "deeper"},
    {"} ( 'a.b " PLAIN "'a } 'b " PLAIN "s u .", "'a.b' is there twice"},
    {TENSOR("0", "2 3 5", "15 5 1") ".", "beyond its storage"},
    {TENSOR("1", "24", "1") ".", "beyond its storage"},
    {TENSOR("-1", "2", "1") ".", "whole numbers"},
    {TENSOR("0", "-2", "1") ".", "whole numbers"},
    {TENSOR("0", "2", "-1") ".", "whole numbers"},
    {TENSOR("0", "2 2", "1") ".", "whole numbers"},
    {TENSOR("0", "1 1 1 1 1 1 1 1 1", "1 1 1 1 1 1 1 1 1") ".", "at most 8 axes"},
    {TENSOR("0", "4611686018427387904 2", "0 0") ".", "64 bits"},
    {TENSOR("0", "2 2", "9223372036854775807 1") ".", "beyond its storage"},
    {TENSOR("9223372036854775807", "2", "1") ".", "beyond its storage"},
    {TENSOR("0", "24 24", "1 0") ".", "repeat its data"},
    {"torch._utils:_rebuild_tensor_v2 ( ( 'storage torch:FloatStorage '0 'cpu 25 t Q 0 ( 2 t ( 1 t x89 } t R .", "of 96 bytes; expected 100"},
};

static void hostile_pickles(void **state)
{
    (void)state;
    static text t;
    for (size_t i = 0; i < sizeof(hostile) / sizeof(hostile[0]); i++) {
        torch_file(&t, hostile[i].words);
        refused(&t, hostile[i].says);
    }
}

/* Lists of lists of lists .. that hold each other twice: a short pickle of 2^60 values. */
static void many_visits(void **state)
{
    (void)state;
    static text t;
    char words[2048] = "] q x0 ";
    torch_file(
        &t, "] ( 1 1 1 1 1 1 1 1 1 1 1 1 1 1 1 1 1 1 1 1 1 1 e q x0 0 ] ( h x0 h x0 h x0 h x0 h x0 h x0 h x0 h x0 h x0 h x0 h x0 e q x0 0 "
            "] ( h x0 h x0 h x0 h x0 h x0 h x0 h x0 h x0 h x0 h x0 h x0 e q x0 0 ] ( h x0 h x0 h x0 h x0 h x0 h x0 h x0 h x0 h x0 h x0 h x0 e q x0 0 "
            "] ( h x0 h x0 h x0 h x0 h x0 h x0 h x0 h x0 h x0 h x0 h x0 e q x0 0 ] ( h x0 h x0 h x0 h x0 h x0 h x0 h x0 h x0 h x0 h x0 h x0 e q x0 0 "
            "] ( h x0 h x0 h x0 h x0 h x0 h x0 h x0 h x0 h x0 h x0 h x0 e .");
    refused(&t, "more than 2097152 values");
    for (int i = 0; i < 9; i++) strcat(words, "#1 ");
    strcat(words, ".");
    torch_file(&t, words);
    refused(&t, "deeper than 8");
}

static void npy(text *t, unsigned version, const char *header, size_t data)
{
    t->size = 0;
    add(t, "\x93NUMPY", 6), add_number(t, version, 1), add_number(t, 0, 1), add_number(t, strlen(header), version == 1 ? 2 : 4);
    add(t, header, strlen(header)), add(t, numbers, data);
}

#define HEADER(type, order, shape) "{'descr': '" type "', 'fortran_order': " order ", 'shape': (" shape "), }   \n"

static void numpy(void **state)
{
    (void)state;
    static text t;
    tsr_tensor_view v;
    static const struct {
        const char *header, *says;
        size_t data;
    } bad[] = {{HEADER("<f4", "True", "2, 3"), "Fortran", 24},
               {HEADER(">f4", "False", "2, 3"), "big-endian", 24},
               {HEADER("<c8", "False", "2, 3"), "type '<c8'", 48},
               {HEADER("<f4", "Maybe", "2, 3"), "neither", 24},
               {HEADER("<f4", "False", "2, 3"), "has 20 bytes of data; its shape and type need 24", 20},
               {HEADER("<f4", "False", "2, -3"), "whole numbers", 24},
               {HEADER("<f4", "False", "2 3"), "whole numbers", 24},
               {HEADER("<f4", "False", "99999999999999999999"), "whole numbers", 24},
               {HEADER("<f4", "False", "4611686018427387904, 4"), "64 bits", 24},
               {HEADER("<f4", "False", "1,1,1,1,1,1,1,1,1"), "more than 8", 4},
               {"{'descr': [('a', '<f4')], 'fortran_order': False, 'shape': (1,)}", "no single type", 4},
               {"{'descr': '<f4', 'shape': (1,)}", "no dictionary", 4},
               {"{'descr': '<f4', 'descr': '<f4', 'shape': (1,)}", "second 'descr'", 4},
               {"{'descr': '<f4', 'fortran_order': False, 'shape': (1,), } x", "no dictionary", 4},
               {"", "no dictionary", 4}};
    for (unsigned version = 1; version <= 3; version++) {
        npy(&t, version, HEADER("<f4", "False", "2, 3, 4"), 96);
        tsr_tensors *file = opened(&t);
        assert_memory_equal(view_of(file, "array", 3, &v), numbers, sizeof(numbers));
        assert_true(v.shape[0] == 2 && v.shape[1] == 3 && v.shape[2] == 4);
        tsr_tensors_close(file);
        for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++) {
            npy(&t, version, bad[i].header, bad[i].data);
            refused(&t, bad[i].says);
        }
    }
    npy(&t, 4, HEADER("<f4", "False", ""), 4);
    refused(&t, "version 4");
    npy(&t, 2, HEADER("<f2", "False", ""), 2);
    tsr_tensors *file = opened(&t);
    assert_int_equal(tsr_tensors_at(file, 0, &v), TSR_OK);
    assert_true(v.rank == 0 && v.dtype == TSR_F16 && v.size == 2);
    tsr_tensors_close(file);
    t.size = 40;
    refused(&t, "truncated");
}

static void damage(void **state)
{
    (void)state;
    static text good[3], bad;
    oracle_rng r = oracle_seed(78);
    torch_file(&good[0], "} 'state_dict collections:OrderedDict ) R ( 'w " PLAIN "'turned " TENSOR("4", "2 4 2", "12 1 4") "u s .");
    npy(&good[1], 1, HEADER("<f4", "False", "2, 3, 4"), 96);
    good[2].size = 0;
    add(&good[2], "\x80\2\x8a\nl\xfc\x9c\x46\xf9 j\xa8P\x19.", 15);
    pickle(&good[2], "1001 . } . } 'w torch._utils:_rebuild_tensor_v2 ( ( 'storage torch:FloatStorage 'key 'cpu 24 N t Q 0 ( 12 2 t ( 1 12 t x89 } t "
                     "R s . ] 'key a .");
    add_number(&good[2], 24, 8), add(&good[2], numbers, sizeof(numbers));
    int good_count = 0, bad_count = 0;
    volatile unsigned sum = 0;
    for (int round = 0; round < 9000; round++) {
        const text *from = &good[round % 3];
        bad.size = from->size;
        memcpy(bad.bytes, from->bytes, from->size);
        if (round % 5 == 0) bad.size = oracle_below(&r, (uint32_t)from->size + 1);
        for (uint32_t flips = 1 + oracle_below(&r, 3); round % 5 && flips; flips--) {
            const uint32_t at = oracle_below(&r, (uint32_t)bad.size);
            bad.bytes[at] = round % 5 == 1 ? bad.bytes[oracle_below(&r, (uint32_t)bad.size)] : (unsigned char)oracle_next(&r);
        }
        tsr_tensors *file = NULL;
        tsr_tensor_view v;
        const tsr_status s = tsr_tensors_open(save(&bad, "bad"), &file);
        if (s == TSR_OK)
            good_count++;
        else
            assert_int_equal(s, TSR_ERROR_FILE), assert_null(file), bad_count++;
        for (size_t i = 0; i < tsr_tensors_count(file); i++) {
            assert_int_equal(tsr_tensors_at(file, i, &v), TSR_OK);
            for (uint64_t b = 0; b < v.size; b++) sum += ((const unsigned char *)v.data)[b];
        }
        tsr_tensors_close(file);
    }
    assert_true(good_count > 0 && bad_count > 1000);
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
    const struct CMUnitTest tests[] = {cmocka_unit_test(good_torch),      cmocka_unit_test(wide_zip),    cmocka_unit_test(old_torch),
                                       cmocka_unit_test(hostile_pickles), cmocka_unit_test(many_visits), cmocka_unit_test(numpy),
                                       cmocka_unit_test(damage)};
    return cmocka_run_group_tests_name("tensor_files", tests, make_folder, remove_folder);
}
