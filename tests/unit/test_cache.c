/* The cache on disk: damaged, foreign, missing and unwritable, through the library's own interface. */
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

#include "internal.h"

static char folder[64];

static tsr_context *open_with(const char *dir)
{
    tsr_context *ctx = NULL;
    const tsr_context_desc desc = {.cache_dir = dir};
    assert_int_equal(tsr_context_create(&desc, &ctx), TSR_OK);
    return ctx;
}

static bool holds(tsr_context *ctx, const char *identity, const char *want)
{
    size_t size = 0;
    char *data = tsr_cache_load(ctx, "entry", identity, strlen(identity), &size);
    const bool ok = data && size == strlen(want) && memcmp(data, want, size) == 0;
    free(data);
    return ok;
}

static void shell(const char *format, const char *argument)
{
    char line[256];
    snprintf(line, sizeof(line), format, argument);
    assert_int_equal(system(line), 0);
}

static void test_entries(void **state)
{
    (void)state;
    char deep[96];
    snprintf(deep, sizeof(deep), "%s/a/b", folder);
    tsr_context *ctx = open_with(deep);
    assert_false(holds(ctx, "one", "first"));
    tsr_cache_store(ctx, "entry", "one", 3, "first", 5);
    assert_true(holds(ctx, "one", "first"));
    assert_false(holds(ctx, "two", "first"));
    tsr_cache_store(ctx, "entry", "one", 3, "second", 6);
    assert_true(holds(ctx, "one", "second"));
    shell("test $(ls %s/a/b | wc -l) = 1", folder); /* no temporary file stays */
    shell("for f in %s/a/b/*; do printf X | dd of=$f bs=1 seek=40 conv=notrunc 2>/dev/null; done", folder);
    assert_false(holds(ctx, "one", "second"));
    tsr_cache_store(ctx, "entry", "one", 3, "third", 5);
    assert_true(holds(ctx, "one", "third"));
    shell("for f in %s/a/b/*; do truncate -s 20 $f; done", folder);
    assert_false(holds(ctx, "one", "third"));
    shell("for f in %s/a/b/*; do echo somebody else > $f; done", folder);
    assert_false(holds(ctx, "one", "third"));
    tsr_context_destroy(ctx);
}

static void test_no_folder(void **state)
{
    (void)state;
    const char *const places[] = {"", "/proc/no/such/folder", "/dev/null/below"};
    for (int i = 0; i < 3; i++) {
        tsr_context *ctx = open_with(places[i]);
        tsr_cache_store(ctx, "entry", "one", 3, "first", 5);
        assert_false(holds(ctx, "one", "first"));
        tsr_context_destroy(ctx);
    }
}

int main(void)
{
    snprintf(folder, sizeof(folder), "/tmp/tessera-cache-XXXXXX");
    if (!mkdtemp(folder)) return 1;
    const struct CMUnitTest tests[] = {cmocka_unit_test(test_entries), cmocka_unit_test(test_no_folder)};
    const int failed = cmocka_run_group_tests(tests, NULL, NULL);
    shell("rm -rf %s", folder);
    return failed;
}
