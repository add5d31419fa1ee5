/* Members of an operation's object: tensors, numbers, tiles; and what names stand for. */
#include <inttypes.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "flow.h"

enum { NAME_MAX_ = 64 };

static flow_value tensor_value(flow_tensor t) { return (flow_value){.kind = t.buffer >= 0 ? FLOW_TENSOR : FLOW_NOTHING, .tensor = t}; }

/* The way from one step to the next that led here, for the error. */
static void fail_circle(tsr_flow *f, const char *name)
{
    char list[512] = "";
    size_t used = 0;
    for (int32_t i = 0; i < f->depth && used + NAME_MAX_ + 8 < sizeof(list); i++)
        used += (size_t)snprintf(list + used, sizeof(list) - used, "'%.48s' needs ", f->building[i]);
    tsr_reader_fail(f->r, "closes a circle: %s'%.48s'", list, name);
}

static void build_step(tsr_flow *f, flow_step *step)
{
    if (f->depth >= FLOW_DEPTH) {
        tsr_reader_fail(f->r, "needs steps %d deep; expected fewer", FLOW_DEPTH);
        return;
    }
    char path[sizeof(f->r->path)];
    const size_t length = f->r->length;
    const flow_surroundings around = f->around;
    memcpy(path, f->r->path, length + 1);
    f->around.there = false;
    f->building[f->depth++] = step->name;
    step->state = 1;
    tsr_reader_leave(f->r, 0);
    tsr_reader_enter(f->r, "steps");
    tsr_reader_enter(f->r, step->name);
    step->value = flow_item(f, step->item);
    step->state = 2;
    step->memory = f->memory;
    f->depth--;
    f->around = around;
    memcpy(f->r->path, path, length + 1);
    f->r->length = length;
}

/* Which part of a value a name with a point means; false: it has none of that name. */
static bool part_of(const flow_value *v, const char *part, flow_value *out)
{
    const flow_tiles *t = &v->tiles;
    if (strcmp(part, "lse") == 0 && v->kind == FLOW_STATE && flow_given(&v->lse))
        *out = tensor_value(v->lse);
    else if (strcmp(part, "select") == 0 && v->kind == FLOW_STATE && v->select.shape[0] > 0)
        *out = tensor_value(v->select);
    else if (strcmp(part, "labels") == 0 && v->kind == FLOW_TILES && t->ordered)
        *out = tensor_value(t->labels);
    else if (strcmp(part, "order") == 0 && v->kind == FLOW_TILES && t->ordered)
        *out = tensor_value(t->order);
    else if (strcmp(part, "centroids") == 0 && v->kind == FLOW_TILES && t->clustered)
        *out = tensor_value(t->centroids);
    else
        return false;
    return true;
}

bool flow_find(tsr_flow *f, const char *name, flow_value *out)
{
    static const char *const call[] = {"q", "k", "v"};
    const char *point = strchr(name, '.');
    const size_t length = point ? (size_t)(point - name) : strlen(name);
    const flow_value *found = NULL;
    for (int32_t i = 0; i < f->step_count && !found; i++) {
        flow_step *step = &f->steps[i];
        if (strlen(step->name) != length || memcmp(step->name, name, length) != 0) continue;
        if (step->state == 1) {
            fail_circle(f, step->name);
            return false;
        }
        /* What a memory alone computes is not there in other runs: then it is computed once more. */
        if (f->build && (step->state == 0 || (step->memory != 0 && step->memory != f->memory))) build_step(f, step);
        if (f->r->status != TSR_OK) return false;
        found = &step->value;
    }
    for (int32_t i = 0; i < f->input_count && !found; i++)
        if (strlen(f->input_names[i]) == length && memcmp(f->input_names[i], name, length) == 0) found = &f->inputs[i];
    for (int32_t i = 0; i < 3 && !found; i++)
        if (strlen(call[i]) == length && memcmp(call[i], name, length) == 0) found = &f->call[i];
    if (!found && (f->build || f->run >= 0) && strcmp(name, "run") == 0) {
        *out = tensor_value(flow_run_number(f));
        return f->r->status == TSR_OK;
    }
    if (!found) return false;
    if (!point) {
        *out = *found;
        return true;
    }
    if (found->kind == FLOW_TILES && f->build && strcmp(point + 1, "sizes") == 0) { /* computed where they are asked for */
        *out = tensor_value(flow_tile_sizes(f, &found->tiles));
        return out->kind != FLOW_NOTHING;
    }
    return part_of(found, point + 1, out);
}

bool flow_name_taken(const tsr_flow *f, const char *name)
{
    static const char *const own[] = {"", "q", "k", "v", "run", "batch", "head", "row", "column", "rows", "columns"};
    double value;
    for (size_t i = 0; i < sizeof(own) / sizeof(own[0]); i++)
        if (strcmp(name, own[i]) == 0) return true;
    for (int32_t i = 0; i < f->input_count; i++)
        if (strcmp(name, f->input_names[i]) == 0) return true;
    return flow_scalar_find(f, name, &value);
}

bool flow_scalar_find(const tsr_flow *f, const char *name, double *out)
{
    for (int32_t i = 0; i < f->scalar_count; i++) {
        if (strcmp(f->scalars[i].name, name) != 0) continue;
        *out = f->scalars[i].value;
        return true;
    }
    return false;
}

static flow_value operation(tsr_flow *f, const cJSON *item)
{
    flow_value value = {.kind = FLOW_NOTHING};
    const cJSON *member = item->child;
    if (!member || member->next) {
        tsr_reader_fail(f->r, "has %s; expected one operation", member ? "several members" : "no member");
        return value;
    }
    const flow_operation *op = flow_operations;
    while (op->name && strcmp(op->name, member->string) != 0) op++;
    const size_t up = tsr_reader_enter(f->r, member->string);
    if (!op->name) {
        char list[512] = "";
        size_t used = 0;
        for (op = flow_operations; op->name && used + 32 < sizeof(list); op++)
            used += (size_t)snprintf(list + used, sizeof(list) - used, "%s%s", op == flow_operations ? "" : op[1].name ? ", " : " or ", op->name);
        tsr_reader_fail(f->r, "is no operation; expected %s", list);
    } else if (++f->nesting > FLOW_NESTING) {
        tsr_reader_fail(f->r, "is nested %d deep; expected fewer", FLOW_NESTING);
    } else {
        const flow_surroundings around = f->around;
        tsr_fields p = tsr_fields_open(f->r, member);
        f->around.there = false;
        if (f->r->status == TSR_OK) value = op->make(f, &p);
        tsr_fields_close(&p);
        f->around = around;
        f->nesting--;
    }
    tsr_reader_leave(f->r, up);
    return value;
}

flow_value flow_item(tsr_flow *f, const cJSON *item)
{
    flow_value value = {.kind = FLOW_NOTHING};
    if (f->r->status != TSR_OK) return value;
    if (cJSON_IsObject(item)) return operation(f, item);
    if (cJSON_IsNumber(item)) {
        if (!(fabs(item->valuedouble) <= 3.4e38)) tsr_reader_fail(f->r, "is %g; expected a number within fp32's range", item->valuedouble);
        return tensor_value(flow_number_tensor(f, item->valuedouble));
    }
    if (!cJSON_IsString(item)) {
        tsr_reader_fail(f->r, "is %s; expected a tensor: an expression, a number or an operation", tsr_reader_kind(item));
        return value;
    }
    if (flow_find(f, item->valuestring, &value) || f->r->status != TSR_OK) return value;
    return tensor_value(flow_expression(f, item->valuestring));
}

flow_tensor flow_number_tensor(tsr_flow *f, double value)
{
    static const int64_t one[4] = {1, 1, 1, 1};
    float *data = malloc(sizeof(*data));
    if (data) *data = (float)value;
    return flow_constant(f, TSR_F32, one, data);
}

flow_tensor flow_tensor_of(tsr_flow *f, tsr_fields *p, const char *name, bool required)
{
    const flow_tensor none = {.buffer = -1, .shape = {1, 1, 1, 1}};
    const cJSON *item = tsr_fields_get(p, name);
    if (!item) {
        if (required) tsr_reader_fail(f->r, "has no '%s'", name);
        return none;
    }
    const size_t up = tsr_reader_enter(f->r, name);
    const flow_value value = flow_item(f, item);
    if (f->r->status == TSR_OK && value.kind != FLOW_TENSOR && value.kind != FLOW_STATE) tsr_reader_fail(f->r, "names tiles; expected a tensor");
    tsr_reader_leave(f->r, up);
    if (f->r->status == TSR_OK && strcmp(name, "of") == 0) flow_around(f, value.tensor.shape);
    return f->r->status == TSR_OK ? value.tensor : none;
}

double flow_number(tsr_flow *f, const cJSON *item)
{
    if (cJSON_IsString(item)) return flow_formula(f, item->valuestring);
    if (cJSON_IsNumber(item)) return item->valuedouble;
    tsr_reader_fail(f->r, "is %s; expected a number or a formula", tsr_reader_kind(item));
    return 0;
}

double flow_number_of(tsr_flow *f, tsr_fields *p, const char *name, double fallback)
{
    const cJSON *item = tsr_fields_get(p, name);
    if (!item && isnan(fallback)) tsr_reader_fail(f->r, "has no '%s'", name);
    if (!item || f->r->status != TSR_OK) return fallback;
    const size_t up = tsr_reader_enter(f->r, name);
    const double value = flow_number(f, item);
    if (f->r->status == TSR_OK && !(fabs(value) <= 3.4e38)) tsr_reader_fail(f->r, "is %g; expected a number within fp32's range", value);
    tsr_reader_leave(f->r, up);
    return f->r->status == TSR_OK ? value : fallback;
}

static int64_t whole(tsr_flow *f, double value, int64_t lo, int64_t hi)
{
    if (f->r->status != TSR_OK) return lo;
    if (floor(value) == value && value >= (double)lo && value <= (double)hi) return (int64_t)value;
    tsr_reader_fail(f->r, "is %.17g; expected a whole number, %" PRId64 " to %" PRId64, value, lo, hi);
    return lo;
}

int64_t flow_whole_of(tsr_flow *f, tsr_fields *p, const char *name, int64_t lo, int64_t hi, int64_t fallback)
{
    const cJSON *item = tsr_fields_get(p, name);
    if (!item && fallback == TSR_REQUIRED) tsr_reader_fail(f->r, "has no '%s'", name);
    if (!item || f->r->status != TSR_OK) return fallback == TSR_REQUIRED ? lo : fallback;
    const size_t up = tsr_reader_enter(f->r, name);
    const int64_t value = whole(f, flow_number(f, item), lo, hi);
    tsr_reader_leave(f->r, up);
    return value;
}

bool flow_shape_of(tsr_flow *f, tsr_fields *p, int64_t shape[4])
{
    const cJSON *list = tsr_fields_get(p, "shape"), *item;
    const size_t up = tsr_reader_enter(f->r, "shape");
    int count = 0;
    if (!cJSON_IsArray(list) || cJSON_GetArraySize(list) != 4)
        tsr_reader_fail(f->r, "is %s; expected a list of four numbers", list ? tsr_reader_kind(list) : "not there");
    cJSON_ArrayForEach(item, list)
    {
        if (f->r->status != TSR_OK) break;
        const size_t deeper = tsr_reader_enter_index(f->r, (size_t)count);
        const double value = flow_number(f, item);
        if (f->r->status == TSR_OK && !(value >= 0 && value <= (double)TSR_RECIPE_MAX && floor(value) == value))
            tsr_reader_fail(f->r, "is %g; expected a whole number, 0 or more", value);
        tsr_reader_leave(f->r, deeper);
        if (f->r->status == TSR_OK) shape[count++] = (int64_t)value;
    }
    tsr_reader_leave(f->r, up);
    return f->r->status == TSR_OK;
}

flow_tiles flow_tiles_of(tsr_flow *f, tsr_fields *p, const char *name, bool required)
{
    flow_value value = {.kind = FLOW_NOTHING};
    const cJSON *item = tsr_fields_get(p, name);
    if (!item) {
        if (required) tsr_reader_fail(f->r, "has no '%s'", name);
        return (flow_tiles){.size = 0};
    }
    const size_t up = tsr_reader_enter(f->r, name);
    if (cJSON_IsObject(item)) value = flow_item(f, item);
    if (cJSON_IsString(item) && f->r->status == TSR_OK && flow_find(f, item->valuestring, &value) && value.kind != FLOW_TILES)
        tsr_reader_fail(f->r, "names a tensor; expected tiles");
    if (value.kind == FLOW_NOTHING && f->r->status == TSR_OK)
        value.tiles = (flow_tiles){.size = whole(f, flow_number(f, item), 1, TSR_RECIPE_MAX)};
    else if (value.kind != FLOW_TILES && f->r->status == TSR_OK)
        tsr_reader_fail(f->r, "is a tensor; expected tiles");
    tsr_reader_leave(f->r, up);
    return value.tiles;
}

int flow_axis_of(tsr_flow *f, tsr_fields *p, const char *name, int fallback)
{
    static const char *const axes[] = {"batch", "heads", "rows", "columns", NULL};
    if (fallback < 0 && !tsr_fields_has(p, name)) tsr_reader_fail(f->r, "has no '%s'", name);
    return tsr_fields_choice(p, name, axes, fallback < 0 ? FLOW_ROWS : fallback);
}

int64_t flow_tile_count(const flow_tiles *t, int64_t tokens)
{
    if (t->count) return t->count;
    return t->size ? (tokens + t->size - 1) / t->size : 1;
}
