/* Recipes: from a JSON text to the sets of an attention's heads. */
#include "recipe.h"

#include <stdlib.h>
#include <string.h>

#include "files/json.h"

/* Bytes, JSON values and nesting of a recipe, heads that one may be for, and sets that these may have. */
enum { TEXT_MAX = 1 << 26, VALUES_MAX = 1 << 20, DEPTH_MAX = 64, HEADS_MAX = 65536, SETS_MAX = 1024 };

static tsr_status check(const tsr_recipe_desc *desc, tsr_recipe **out)
{
    if (!desc || !out) return tsr_fail(TSR_ERROR_ARGUMENT, "argument %s is NULL", desc ? "out" : "desc");
    *out = NULL;
    if (!desc->text) return tsr_fail(TSR_ERROR_ARGUMENT, "argument text is NULL");
    if (desc->heads > HEADS_MAX) return tsr_fail(TSR_ERROR_ARGUMENT, "argument heads is %u; expected at most %d", desc->heads, HEADS_MAX);
    for (size_t i = 0; i < sizeof(desc->reserved) / sizeof(desc->reserved[0]); i++)
        if (desc->reserved[i]) return tsr_fail(TSR_ERROR_ARGUMENT, "argument reserved[%zu] is %u; expected 0", i, desc->reserved[i]);
    const int64_t lengths[2] = {desc->nq, desc->nk};
    for (int i = 0; i < 2; i++)
        if (lengths[i] < 0 || lengths[i] > TSR_RECIPE_MAX)
            return tsr_fail(TSR_ERROR_ARGUMENT, "argument %s is %lld; expected 0 to %lld", i ? "nk" : "nq", (long long)lengths[i],
                            (long long)TSR_RECIPE_MAX);
    if (desc->scalar_count && !desc->scalars) return tsr_fail(TSR_ERROR_ARGUMENT, "argument scalars is NULL; expected %zu", desc->scalar_count);
    if (desc->tensor_count && !desc->tensors) return tsr_fail(TSR_ERROR_ARGUMENT, "argument tensors is NULL; expected %zu", desc->tensor_count);
    return TSR_OK;
}

tsr_status tsr_recipe_json(const tsr_recipe_desc *desc, cJSON **root)
{
    const char *text = desc->text;
    const size_t size = desc->length ? desc->length : strlen(text);
    if (size > TEXT_MAX) return tsr_fail(TSR_ERROR_FILE, "the recipe has %zu bytes; expected at most %d", size, TEXT_MAX);
    return tsr_json_parse("the recipe", "its text", text, size, (tsr_json_limits){DEPTH_MAX, VALUES_MAX, true}, root);
}

/* Lowers a SET and makes the next set of it; NULL: everyone, within the segment. */
static void add_set(tsr_recipe *recipe, tsr_build *b, const cJSON *item, const tsr_packing *s)
{
    tsr_set *set = tsr_build_make_set(b, item, s->cu_queries, s->cu_keys, s->segments);
    if (!set) return;
    recipe->sets[recipe->set_count++] = set;
    if (b->nk) tsr_reader_pass(&b->r, tsr_set_check(set, b->nq, b->nk));
}

static void read_heads(tsr_recipe *recipe, tsr_build *b, const cJSON *list, const tsr_packing *s)
{
    const size_t up = tsr_reader_enter(&b->r, "heads");
    uint32_t index = 0;
    const cJSON *item;
    cJSON_ArrayForEach(item, list)
    {
        if (b->r.status != TSR_OK) break;
        const size_t deeper = tsr_reader_enter_index(&b->r, index);
        tsr_fields f = tsr_fields_open(&b->r, item);
        const cJSON *heads = tsr_fields_get(&f, "heads"), *set = tsr_fields_get(&f, "set");
        if (!heads || !set) tsr_reader_fail(&b->r, "has no '%s'", heads ? "set" : "heads");
        tsr_fields_close(&f);
        size_t deepest = tsr_reader_enter(&b->r, "heads");
        if (b->r.status == TSR_OK) tsr_recipe_select(&b->r, heads, index, recipe->set_of_head, recipe->heads);
        tsr_reader_leave(&b->r, deepest);
        deepest = tsr_reader_enter(&b->r, "set");
        if (b->r.status == TSR_OK) add_set(recipe, b, set, s);
        tsr_reader_leave(&b->r, deepest);
        tsr_reader_leave(&b->r, deeper);
        index++;
    }
    for (uint32_t h = 0; h < recipe->heads && b->r.status == TSR_OK; h++)
        if (recipe->set_of_head[h] == UINT32_MAX) tsr_reader_fail(&b->r, "has no set for head %u; expected one for each of %u", h, recipe->heads);
    tsr_reader_leave(&b->r, up);
}

static void read_sets(tsr_recipe *recipe, tsr_build *b, tsr_fields *f, const tsr_packing *s)
{
    const cJSON *set = tsr_fields_get(f, "set"), *heads = tsr_fields_get(f, "heads");
    if (set && heads) tsr_reader_fail(&b->r, "has 'set' and 'heads'; expected one of them");
    if (heads && (!cJSON_IsArray(heads) || !heads->child)) {
        tsr_reader_enter(&b->r, "heads");
        tsr_reader_fail(&b->r, "is %s; expected a list of {\"heads\": ..., \"set\": ...}",
                        cJSON_IsArray(heads) ? "an empty list" : tsr_reader_kind(heads));
    }
    const int count = heads ? cJSON_GetArraySize(heads) : 1;
    if (count > SETS_MAX) tsr_reader_fail(&b->r, "has %d sets for heads; expected at most %d", count, SETS_MAX);
    if (b->r.status != TSR_OK || (!set && !heads && !b->segmented && !b->gridded)) return; /* none: everyone, or a score alone */
    recipe->sets = calloc((size_t)count, sizeof(*recipe->sets));
    recipe->set_of_head = malloc(recipe->heads * sizeof(*recipe->set_of_head));
    if (!recipe->sets || !recipe->set_of_head) {
        b->r.status = tsr_fail(TSR_ERROR_HOST_MEMORY, "no memory for %d sets of %u heads", count, recipe->heads);
        return;
    }
    memset(recipe->set_of_head, heads ? 0xff : 0, recipe->heads * sizeof(*recipe->set_of_head));
    if (heads) {
        read_heads(recipe, b, heads, s);
        return;
    }
    const size_t up = tsr_reader_enter(&b->r, "set");
    add_set(recipe, b, set, s);
    tsr_reader_leave(&b->r, up);
}

static void read_score(tsr_recipe *recipe, tsr_build *b, tsr_fields *f)
{
    static const char *const names[2] = {"scale", "softcap"};
    float *const out[2] = {&recipe->scale, &recipe->softcap};
    const cJSON *score = tsr_fields_get(f, "score");
    const size_t up = tsr_reader_enter(&b->r, "score");
    if (score) tsr_build_expression(b, score, TSR_EXPRESSION_SCORE, &recipe->score);
    tsr_reader_leave(&b->r, up);
    for (int i = 0; i < 2; i++) {
        *out[i] = (float)tsr_fields_number(f, names[i], 0);
        if (tsr_fields_has(f, names[i]) && !(*out[i] > 0 || (i == 0 && *out[i] < 0)))
            tsr_reader_fail(&b->r, "has a %s of %g; expected %s", names[i], (double)*out[i], i ? "more than 0" : "another number");
    }
}

void tsr_recipe_words(tsr_reader *r, tsr_fields *f, char **name)
{
    static const char *const words[] = {"name",    "system", "paper",     "source",
                                        "comment", "exact",  "simplified"}; /* all but the first are for readers of the file */
    for (int i = 0; i < (int)(sizeof(words) / sizeof(words[0])); i++) {
        const cJSON *item = tsr_fields_get(f, words[i]);
        if (!item) continue;
        const size_t up = tsr_reader_enter(r, words[i]);
        char *text = tsr_reader_text(r, item);
        tsr_reader_leave(r, up);
        if (i == 0)
            *name = text;
        else
            free(text);
    }
    if (!*name && r->status == TSR_OK && !(*name = strdup(""))) r->status = tsr_fail(TSR_ERROR_HOST_MEMORY, "no memory for a name");
}

static void read_recipe(tsr_recipe *recipe, const tsr_recipe_desc *desc, tsr_build *b, const cJSON *root)
{
    tsr_names names = {0};
    tsr_packing sequence = {0};
    tsr_fields f = tsr_fields_open(&b->r, root);
    b->names = &names;
    if (tsr_fields_has(&f, "steps")) tsr_reader_fail(&b->r, "has 'steps': it computes its sets from data; expected a recipe with 'set' or 'heads'");
    tsr_recipe_words(&b->r, &f, &recipe->name);
    const int64_t own_heads = tsr_fields_whole(&f, "head_count", 1, HEADS_MAX, 1);
    recipe->heads = desc->heads ? desc->heads : (uint32_t)own_heads;
    tsr_recipe_sequence(b, &f, desc, &sequence);
    tsr_recipe_names(&b->r, &f, desc, &names);
    if (b->r.status == TSR_OK) read_sets(recipe, b, &f, &sequence);
    if (b->r.status == TSR_OK) read_score(recipe, b, &f);
    tsr_fields_close(&f);
    recipe->nq = b->nq;
    recipe->nk = b->nk;
    for (int i = 0; i < 3; i++) recipe->grid[i] = b->grid[i];
    recipe->expressions = b->expressions;
    recipe->expression_count = b->expression_count;
    tsr_recipe_names_free(&names);
    free(sequence.cu_queries);
    free(sequence.cu_keys);
}

tsr_status tsr_recipe_parse(const tsr_recipe_desc *desc, tsr_recipe **out)
{
    tsr_status status = check(desc, out);
    if (status != TSR_OK) return status;
    cJSON *root = NULL;
    if ((status = tsr_recipe_json(desc, &root)) != TSR_OK) return status;
    tsr_recipe *recipe = calloc(1, sizeof(*recipe));
    if (recipe) {
        tsr_build build = {.r = {.text = desc->text, .text_size = desc->length ? desc->length : strlen(desc->text)}};
        read_recipe(recipe, desc, &build, root);
        status = build.r.status;
    } else
        status = tsr_fail(TSR_ERROR_HOST_MEMORY, "no memory for a recipe");
    cJSON_Delete(root);
    if (status == TSR_OK)
        *out = recipe;
    else
        tsr_recipe_destroy(recipe);
    return status;
}

void tsr_recipe_destroy(tsr_recipe *recipe)
{
    if (!recipe) return;
    for (uint32_t i = 0; i < recipe->set_count; i++) tsr_set_destroy(recipe->sets[i]);
    for (size_t i = 0; i < recipe->expression_count; i++) tsr_expression_destroy(recipe->expressions[i]);
    tsr_expression_destroy(recipe->score);
    free(recipe->expressions);
    free(recipe->sets);
    free(recipe->set_of_head);
    free(recipe->name);
    free(recipe);
}

tsr_status tsr_recipe_get_info(const tsr_recipe *recipe, tsr_recipe_info *out)
{
    if (!recipe || !out) return tsr_fail(TSR_ERROR_ARGUMENT, "argument %s is NULL", recipe ? "out" : "recipe");
    *out = (tsr_recipe_info){.name = recipe->name,
                             .sets = (const tsr_set *const *)recipe->sets,
                             .set_count = recipe->set_count,
                             .set_of_head = recipe->set_of_head,
                             .heads = recipe->heads,
                             .nq = recipe->nq,
                             .nk = recipe->nk,
                             .grid = {recipe->grid[0], recipe->grid[1], recipe->grid[2]},
                             .score = recipe->score,
                             .scale = recipe->scale,
                             .softcap = recipe->softcap};
    return TSR_OK;
}
