/* Runs a recipe's steps on tensors of a file, on the host, and draws a map that one of them gives. */
#include "mask_flow.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "cli.h"
#include "file_tensors.h"
#include "map_picture.h"
#include "named_numbers.h"
#include "png_file.h"
#include "recipe_file.h"

static const char *const name = "mask";

typedef struct map {
    float *data; /* [heads][rows][columns] of the first batch */
    int64_t shape[4];
} map;

/* What the first attend within item selects by. */
static const cJSON *selection_in(const cJSON *item)
{
    const cJSON *select = cJSON_GetObjectItemCaseSensitive(item->string && strcmp(item->string, "attend") == 0 ? item : NULL, "select");
    if (cJSON_IsArray(select)) select = cJSON_GetObjectItemCaseSensitive(select->child, "map");
    for (const cJSON *child = item->child; child && !select; child = child->next) select = selection_in(child);
    return select;
}

/* Is it a step that attends by maps, and nothing around it? */
static bool attends(const cJSON *step)
{
    return step && cJSON_GetObjectItemCaseSensitive(cJSON_GetObjectItemCaseSensitive(step, "attend"), "select");
}

/* The step that is shown: the one that was asked for, or what the result is attended by, made a step if it is part of another. NULL:
 * there is none. part [of 128]: room for a name. */
static const char *shown_step(const mask_flow *f, cJSON *recipe, char *part, bool *changed)
{
    static const char *const made = "selected_here";
    cJSON *steps = cJSON_GetObjectItemCaseSensitive(recipe, "steps");
    const char *output = cJSON_GetStringValue(cJSON_GetObjectItemCaseSensitive(recipe, "output"));
    const cJSON *last = cJSON_GetObjectItemCaseSensitive(steps, output ? output : "o");
    if (f->step) return f->step;
    for (const cJSON *step = steps ? steps->child : NULL; step && !(last && selection_in(last)); step = step->next)
        if (attends(step)) last = step;
    const cJSON *select = last ? selection_in(last) : NULL;
    if (!select && !(select = selection_in(steps))) return NULL;
    const char *text = cJSON_GetStringValue(select);
    if (text && cJSON_GetObjectItemCaseSensitive(steps, text)) return text;
    if (attends(last)) {
        snprintf(part, 128, "%.100s.select", last->string);
        return part;
    }
    *changed = true;
    return cJSON_AddItemToObject(steps, made, cJSON_Duplicate(select, true)) ? made : NULL;
}

static int read_map(tsr_flow *flow, const char *step, map *m)
{
    tsr_status s = tsr_flow_read(flow, step, m->shape, NULL, 0);
    if (s != TSR_OK) return cli_fail(name, s);
    const uint64_t count = (uint64_t)(m->shape[0] * m->shape[1] * m->shape[2] * m->shape[3]);
    if (count == 0) return cli_error(name, EXIT_INPUT, "step '%s' is empty", step);
    if (!(m->data = malloc(count * sizeof(float)))) return cli_error(name, EXIT_INPUT, "no memory for step '%s'", step);
    s = tsr_flow_read(flow, step, m->shape, m->data, count);
    return s == TSR_OK ? -1 : cli_fail(name, s);
}

static double share_of(const map *m, int64_t head)
{
    const int64_t count = m->shape[2] * m->shape[3];
    int64_t set = 0;
    for (int64_t i = 0; i < count; i++) set += m->data[head * count + i] != 0;
    return (double)set / (double)count;
}

static void report(const mask_flow *f, const char *step, const map *m)
{
    if (f->json) {
        cJSON *o = cJSON_CreateObject(), *shape = cJSON_CreateArray();
        cJSON_AddStringToObject(o, "step", step);
        for (int i = 0; i < 4; i++) cJSON_AddItemToArray(shape, cJSON_CreateNumber((double)m->shape[i]));
        cJSON_AddItemToObject(o, "shape", shape);
        cJSON *shares = cJSON_AddArrayToObject(o, "share_by_head");
        for (int64_t h = 0; h < m->shape[1]; h++) cJSON_AddItemToArray(shares, cJSON_CreateNumber(share_of(m, h)));
        char *text = cJSON_Print(o);
        puts(text ? text : "{}");
        cJSON_free(text);
        cJSON_Delete(o);
    } else if (!f->quiet) {
        printf("%s: %lld heads, %lld rows, %lld columns\n", step, (long long)m->shape[1], (long long)m->shape[2], (long long)m->shape[3]);
        for (int64_t h = 0; h < m->shape[1]; h++) printf("head %-3lld %.4f of the elements are not 0\n", (long long)h, share_of(m, h));
    }
}

static int draw(const mask_flow *f, const map *m)
{
    char error[256] = "cannot be written";
    mask_picture picture;
    if (f->head >= m->shape[1]) return cli_error(name, EXIT_INPUT, "argument --head is %d; expected 0 to %lld", f->head, (long long)m->shape[1] - 1);
    if (!f->out) return -1;
    const int64_t first = f->head < 0 ? 0 : f->head, heads = f->head < 0 ? m->shape[1] : 1;
    if (!map_picture_draw(m->data + first * m->shape[2] * m->shape[3], heads, m->shape[2], m->shape[3], &picture))
        return cli_error(name, EXIT_INPUT, "no memory for a picture of %lld heads", (long long)heads);
    const bool ok = png_file_write(f->out, picture.rgb, picture.width, picture.height, error, sizeof(error)) && png_file_finish(f->out, f->out);
    free(picture.rgb);
    return ok ? -1 : cli_error(name, EXIT_INPUT, "output '%s': %s", f->out, error);
}

static int run(const mask_flow *f, const char *step, flow_call *c, file_tensors *t)
{
    map m = {0};
    tsr_status s = flow_call_prepare(c);
    if (s == TSR_OK) s = file_tensors_upload(t, c);
    if (s == TSR_OK) s = flow_call_run(c);
    int code = s == TSR_OK ? read_map(c->flow, step, &m) : recipe_fail(name, s);
    if (code < 0) code = draw(f, &m);
    if (code < 0) report(f, step, &m);
    free(m.data);
    return code < 0 ? EXIT_DONE : code;
}

int mask_flow_run(const mask_flow *f, cJSON *recipe)
{
    if (!f->tensors) return cli_error(name, EXIT_INPUT, "recipe '%s' chooses from the data; expected --tensors IN.safetensors", f->recipe);
    if (f->out && (cli_same_file(f->tensors, f->out) || cli_same_file(f->recipe, f->out)))
        return cli_error(name, EXIT_INPUT, "output '%s' is an input; expected another file", f->out);
    if (f->out && !cli_can_write(name, f->out, ".png")) return EXIT_INPUT;
    char part[128];
    bool changed = false;
    const char *step = shown_step(f, recipe, part, &changed);
    if (!step) return cli_error(name, EXIT_INPUT, "recipe '%s' attends by no map; expected --step NAME", f->recipe);
    char *text = changed ? cJSON_Print(recipe) : strdup(f->text); /* as it is, errors name its lines */
    cli_device device = {.selector = strdup("host"), .quiet = 1};
    file_tensors tensors = {0};
    named_numbers parameters = {0};
    flow_call call = {.desc = {.text = text, .keep = 1}};
    int code = recipe_parse_axes(name, "--grid", f->grid_text, call.desc.grid) ? -1 : EXIT_INPUT;
    if (code < 0) code = named_numbers_read(name, "--parameter", f->parameter_texts, &parameters);
    if (code < 0) code = cli_open(name, &device);
    call.dev = device.dev;
    call.desc.parameters = parameters.numbers, call.desc.parameter_count = parameters.count;
    if (code < 0) code = file_tensors_open(name, f->tensors, recipe, &call, &tensors);
    if (code < 0) code = run(f, step, &call, &tensors);
    flow_call_close(&call);
    file_tensors_close(&tensors);
    named_numbers_free(&parameters);
    cli_close(&device);
    free(device.selector);
    free(text);
    return code;
}
