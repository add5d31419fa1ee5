/* The density of a recipe at a shape: of sets by their schedules, of steps by a run on tensors with structure. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "oracle/oracle.h"
#include "oracle/realistic.h"
#include "recipes.h"

enum { TOKENS = 2048, HEADS = 4, CHANNELS = 64, TENSORS = 4 };

static int64_t own_number(const cJSON *recipe, const char *name)
{
    const cJSON *item = cJSON_GetObjectItemCaseSensitive(recipe, name);
    return cJSON_IsNumber(item) && item->valuedouble >= 0 && item->valuedouble < 1 << 24 ? (int64_t)item->valuedouble : 0;
}

static bool gridded(const cJSON *recipe) { return cJSON_GetObjectItemCaseSensitive(recipe, "grid") != NULL; }

static void of_sets(const char *text, const cJSON *recipe, const recipe_shape *shape, recipe_row *row)
{
    tsr_recipe_desc desc = {.text = text};
    tsr_recipe *parsed = NULL;
    tsr_recipe_info info = {0};
    if (gridded(recipe))
        memcpy(desc.grid, shape->grid, sizeof(desc.grid));
    else
        desc.nq = desc.nk = shape->tokens ? shape->tokens : own_number(recipe, "tokens") ? 0 : TOKENS;
    tsr_status s = tsr_recipe_parse(&desc, &parsed);
    if (s == TSR_OK) s = tsr_recipe_get_info(parsed, &info);
    double sum = 0;
    for (uint32_t h = 0; h < info.heads && s == TSR_OK; h++) {
        const tsr_schedule_desc one = {.set = info.set_count ? info.sets[info.set_of_head[h]] : NULL, .nq = info.nq, .nk = info.nk, .h = (int32_t)h};
        tsr_schedule *schedule = NULL;
        tsr_schedule_info tiles = {0};
        s = tsr_schedule_create(&one, &schedule);
        if (s == TSR_OK) s = tsr_schedule_get_info(schedule, &tiles);
        tsr_schedule_destroy(schedule);
        sum += tiles.density;
    }
    if (s == TSR_OK) {
        row->density = sum / info.heads;
        if (info.grid[0])
            snprintf(row->shape, sizeof(row->shape), "%lldx%lldx%lld", (long long)info.grid[0], (long long)info.grid[1], (long long)info.grid[2]);
        else
            snprintf(row->shape, sizeof(row->shape), "%lld", (long long)info.nk);
    } else
        snprintf(row->why, sizeof(row->why), "%s", tsr_last_error());
    tsr_recipe_destroy(parsed);
}

/* q, k and v of the first head kinds, in host memory; false: no memory. */
static bool make_tensors(const realistic_desc *d, float *const data[3])
{
    const int64_t n = realistic_tokens(d), group = d->heads / d->heads_kv;
    bool ok = true;
    for (int64_t h = 0; h < d->heads_kv && ok; h++) {
        realistic_head head;
        ok = realistic_make(d, 0, h, data[0] + h * group * n * d->d, data[1] + h * n * d->d, data[2] + h * n * d->dv, &head);
    }
    return ok;
}

/* Normal numbers for the inputs that have no default. */
static tsr_status draw_inputs(flow_call *c)
{
    oracle_rng rng = oracle_seed(1);
    for (size_t i = 0; i < c->input_count; i++) {
        const int64_t *shape = c->inputs[i].layout.shape, count = shape[0] * shape[1] * shape[2] * shape[3];
        float *data = malloc((size_t)(count + 1) * sizeof(*data));
        if (!data) return TSR_ERROR_HOST_MEMORY;
        for (int64_t e = 0; e < count; e++) data[e] = (float)oracle_normal(&rng);
        c->inputs[i].data = data;
        c->inputs[i].size = (uint64_t)count * sizeof(*data);
    }
    return TSR_OK;
}

static tsr_status run(flow_call *c, const realistic_desc *d, tsr_buffer **buffers)
{
    const int64_t n = realistic_tokens(d);
    const uint64_t query = (uint64_t)(d->heads * n * d->d) * 4, key = (uint64_t)(d->heads_kv * n * d->d) * 4,
                   sizes[TENSORS] = {query, key, key, query};
    float *data[3] = {malloc(query), malloc(key), malloc(key)};
    tsr_status s = data[0] && data[1] && data[2] && make_tensors(d, data) ? TSR_OK : TSR_ERROR_HOST_MEMORY;
    for (int i = 0; i < TENSORS && s == TSR_OK; i++) {
        s = tsr_buffer_create(c->dev, sizes[i], &buffers[i]);
        if (s == TSR_OK && i < 3) s = tsr_buffer_write(buffers[i], 0, data[i], sizes[i]);
    }
    for (int i = 0; i < 3; i++) free(data[i]);
    c->q = (tsr_span){buffers[0], 0}, c->k = (tsr_span){buffers[1], 0}, c->v = (tsr_span){buffers[2], 0}, c->o = (tsr_span){buffers[3], 0};
    if (s == TSR_OK) s = flow_call_prepare(c);
    return s == TSR_OK ? flow_call_run(c) : s;
}

/* false: the shape does not suit the recipe, or something else is wrong with it: row says what. */
static bool of_steps(tsr_device *dev, const char *text, const cJSON *recipe, const recipe_shape *shape, recipe_row *row)
{
    realistic_desc d = {.batch = 1,
                        .heads = HEADS,
                        .heads_kv = HEADS,
                        .d = CHANNELS,
                        .dv = CHANNELS,
                        .grid = {1, 1, shape->tokens},
                        .mass = 0.8,
                        .noise = 0.3,
                        .seed = 1};
    const bool grid = gridded(recipe);
    if (grid) {
        memcpy(d.grid, shape->grid, sizeof(d.grid));
        d.text = own_number(recipe, "text_before") + own_number(recipe, "text_after");
    }
    const int64_t n = realistic_tokens(&d);
    const tsr_layout queries = {TSR_F32, {1, HEADS, n, CHANNELS}, {0}}, keys = {TSR_F32, {1, HEADS, n, CHANNELS}, {0}};
    flow_call c = {.dev = dev, .desc = {.text = text, .q = queries, .k = keys, .v = keys, .o = queries}};
    tsr_buffer *buffers[TENSORS] = {NULL};
    if (grid) memcpy(c.desc.grid, d.grid, sizeof(c.desc.grid));
    tsr_status s = recipe_input_shapes(&c, recipe, true);
    if (s == TSR_OK) s = draw_inputs(&c);
    if (s == TSR_OK) s = run(&c, &d, buffers);
    if (s == TSR_OK && c.report.tiles_dense) row->density = c.report.density;
    snprintf(row->why, sizeof(row->why), "%s",
             s == TSR_ERROR_HOST_MEMORY ? "no memory"
             : s != TSR_OK              ? tsr_last_error()
             : row->density < 0         ? "no step attends to the queries and keys themselves"
                                        : "");
    if (grid)
        snprintf(row->shape, sizeof(row->shape), "%lldx%lldx%lld", (long long)d.grid[0], (long long)d.grid[1], (long long)d.grid[2]);
    else
        snprintf(row->shape, sizeof(row->shape), "%lld", (long long)n);
    flow_call_close(&c);
    for (size_t i = 0; i < c.input_count; i++) free((void *)c.inputs[i].data);
    for (int i = 0; i < TENSORS; i++) tsr_buffer_destroy(buffers[i]);
    return s == TSR_OK;
}

void recipe_density(tsr_device *dev, const char *text, const cJSON *recipe, const recipe_shape *shape, recipe_row *row)
{
    static const recipe_shape small = {2048, {8, 16, 16}}, large = {8192, {8, 32, 32}};
    const bool told = gridded(recipe) ? shape->grid[0] != 0 : shape->tokens != 0;
    if (!recipe_has_steps(recipe))
        of_sets(text, recipe, shape, row);
    else if (!of_steps(dev, text, recipe, told ? shape : &small, row) && !told) /* it chooses more than there is */
        of_steps(dev, text, recipe, &large, row);
}
