/* tools/recipe.schema.json names the operations and patterns that the library has: those of its own errors. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cjson/cJSON.h>
#include <cmocka.h>

#include "tessera/tessera_flow.h"

static cJSON *read_schema(void)
{
    FILE *file = fopen(TEST_SCHEMA, "rb");
    assert_non_null(file);
    static char text[1 << 18];
    const size_t size = fread(text, 1, sizeof(text) - 1, file);
    fclose(file);
    text[size] = '\0';
    cJSON *root = cJSON_Parse(text);
    assert_non_null(root);
    return root;
}

/* What the library says to a recipe; a copy. */
static const char *error_of(tsr_device *dev, const char *text)
{
    static char said[4096];
    const tsr_layout t = {.dtype = TSR_F32, .shape = {1, 1, 8, 8}};
    tsr_flow *flow = NULL;
    assert_int_not_equal(tsr_flow_prepare(dev, &(tsr_flow_desc){.text = text, .q = t, .k = t, .v = t, .o = t}, &flow), TSR_OK);
    assert_null(flow);
    snprintf(said, sizeof(said), "%s", tsr_last_error());
    return said;
}

/* The names behind "expected" are the members of a part of the schema, each once. */
static void same_names(const char *said, const cJSON *properties)
{
    const char *at = strstr(said, "expected ");
    assert_non_null(at);
    at += strlen("expected ");
    int count = 0;
    while (*at) {
        char name[64];
        int used = 0;
        at += strspn(at, ", ");
        if (strncmp(at, "or ", 3) == 0) at += 3;
        if (sscanf(at, "%63[a-z_]%n", name, &used) != 1) break;
        at += used;
        if (!cJSON_GetObjectItemCaseSensitive(properties, name)) fail_msg("the schema has no '%s'", name);
        count++;
    }
    assert_int_equal(count, cJSON_GetArraySize(properties));
}

static void test_names(void **state)
{
    (void)state;
    tsr_context *ctx = NULL;
    tsr_device *dev = NULL;
    assert_int_equal(tsr_context_create(NULL, &ctx), TSR_OK);
    assert_int_equal(tsr_device_open(ctx, "host", NULL, &dev), TSR_OK);
    cJSON *schema = read_schema();
    const cJSON *defs = cJSON_GetObjectItemCaseSensitive(schema, "$defs");
    const cJSON *operations = cJSON_GetObjectItemCaseSensitive(cJSON_GetObjectItemCaseSensitive(defs, "operation"), "properties");
    same_names(error_of(dev, "{\"steps\": {\"o\": {\"nothing\": {}}}}"), operations);
    const cJSON *sets = cJSON_GetObjectItemCaseSensitive(cJSON_GetObjectItemCaseSensitive(defs, "set"), "properties");
    same_names(error_of(dev, "{\"set\": {\"nothing\": {}}}"), sets);
    cJSON_Delete(schema);
    tsr_device_destroy(dev);
    tsr_context_destroy(ctx);
}

int main(void)
{
    const struct CMUnitTest tests[] = {cmocka_unit_test(test_names)};
    return cmocka_run_group_tests(tests, NULL, NULL);
}
