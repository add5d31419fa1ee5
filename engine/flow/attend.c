/* The operation attend: softmax attention over everything, over a set, or over what maps select. */
#include <string.h>

#include "lists.h"

typedef struct attend_args {
    flow_tensor q, k, v, bias, mask, sinks;
    tsr_band band;
    double scale, softcap, skip;
    tsr_codes codes;
} attend_args;

/* t with so many batches and heads, a copy where a view cannot say it. */
static flow_tensor with_heads(tsr_flow *f, flow_tensor t, int64_t batches, int64_t heads)
{
    if (!flow_given(&t)) return t;
    if (t.shape[FLOW_BATCH] == 1 && batches != 1) t.shape[FLOW_BATCH] = batches, t.stride[FLOW_BATCH] = 0;
    if (t.shape[FLOW_HEADS] == 1 && heads != 1) t.shape[FLOW_HEADS] = heads, t.stride[FLOW_HEADS] = 0;
    const bool still = !t.stride[0] && !t.stride[1] && !t.stride[2] && !t.stride[3]; /* which a layout would take for packed */
    if (t.shape[FLOW_HEADS] == heads && !still) return t;
    const flow_tensor copy = flow_new(f, t.shape[0], heads, t.shape[2], t.shape[3]);
    flow_copy(f, t, copy);
    return copy;
}

static void read_band(tsr_flow *f, tsr_fields *p, tsr_band *band)
{
    static const char *const aligns[] = {"bottom-right", "top-left", NULL};
    const bool causal = tsr_fields_flag(p, "causal", false);
    const cJSON *window = tsr_fields_get(p, "window"), *item;
    int64_t reach[2] = {-1, -1};
    size_t count = 0;
    band->align = (tsr_align)tsr_fields_choice(p, "align", aligns, 0);
    const size_t up = tsr_reader_enter(f->r, "window");
    if (window && (!cJSON_IsArray(window) || cJSON_GetArraySize(window) != 2)) tsr_reader_fail(f->r, "is no list of two numbers: left and right");
    cJSON_ArrayForEach(item, window)
    {
        if (f->r->status != TSR_OK) break;
        const size_t deeper = tsr_reader_enter_index(f->r, count);
        const double value = flow_number(f, item);
        if (f->r->status == TSR_OK && !(value >= -1 && value <= (double)TSR_RECIPE_MAX && value == (double)(int64_t)value))
            tsr_reader_fail(f->r, "is %g; expected a whole number, -1 for all", value);
        tsr_reader_leave(f->r, deeper);
        if (f->r->status == TSR_OK) reach[count++] = (int64_t)value;
    }
    tsr_reader_leave(f->r, up);
    band->left = reach[0] < 0 ? TSR_UNBOUNDED : reach[0];
    band->right = causal ? 0 : reach[1] < 0 ? TSR_UNBOUNDED : reach[1];
    band->bounded = band->left != TSR_UNBOUNDED || band->right != TSR_UNBOUNDED;
}

static void read_tiles(tsr_flow *f, tsr_fields *p, flow_source *s)
{
    const bool both = tsr_fields_has(p, "tiles");
    if (both && (tsr_fields_has(p, "query_tiles") || tsr_fields_has(p, "key_tiles")))
        tsr_reader_fail(f->r, "has 'tiles' and tiles of queries or keys; expected one of them");
    s->queries = flow_tiles_of(f, p, both ? "tiles" : "query_tiles", false);
    s->keys = both ? s->queries : flow_tiles_of(f, p, "key_tiles", false);
    if (both) { /* known members all the same */
        tsr_fields_get(p, "query_tiles");
        tsr_fields_get(p, "key_tiles");
    } else
        tsr_fields_get(p, "tiles");
    if (s->queries.size == 0 && !s->queries.ordered) s->queries.size = 1;
    if (s->keys.size == 0 && !s->keys.ordered) s->keys.size = 1;
}

/* Places in a map's expression are tiles. */
static void around_tiles(tsr_flow *f, const flow_source *s, const attend_args *a)
{
    flow_around(
        f, (const int64_t[4]){a->q.shape[0], a->q.shape[1], flow_tile_count(&s->queries, a->q.shape[2]), flow_tile_count(&s->keys, a->k.shape[2])});
}

/* "select": a map, beside whose tiles it stands, or a list of maps with tiles of their own. */
static void read_select(tsr_flow *f, tsr_fields *p, const attend_args *a, flow_selection *s)
{
    const cJSON *select = tsr_fields_get(p, "select"), *item;
    flow_source single = {.map = {.buffer = -1}};
    read_tiles(f, p, &single);
    if (!select || f->r->status != TSR_OK) return;
    if (!cJSON_IsArray(select)) {
        around_tiles(f, &single, a);
        single.map = flow_tensor_of(f, p, "select", true);
        s->sources[s->count++] = single;
        return;
    }
    const size_t up = tsr_reader_enter(f->r, "select");
    if (cJSON_GetArraySize(select) < 1 || cJSON_GetArraySize(select) > FLOW_SOURCES)
        tsr_reader_fail(f->r, "has %d maps; expected 1 to %d", cJSON_GetArraySize(select), FLOW_SOURCES);
    cJSON_ArrayForEach(item, select)
    {
        if (f->r->status != TSR_OK) break;
        const size_t deeper = tsr_reader_enter_index(f->r, (size_t)s->count);
        tsr_fields one = tsr_fields_open(f->r, item);
        flow_source *source = &s->sources[s->count++];
        read_tiles(f, &one, source);
        around_tiles(f, source, a);
        source->map = flow_tensor_of(f, &one, "map", true);
        tsr_fields_close(&one);
        tsr_reader_leave(f->r, deeper);
    }
    tsr_reader_leave(f->r, up);
}

/* Batches and heads of the result. */
static void join_heads(tsr_flow *f, const attend_args *a, const flow_selection *s, int64_t shape[4])
{
    const int64_t one[4] = {1, 1, 1, 1};
    memcpy(shape, one, sizeof(one));
    const flow_tensor *const all[] = {&a->q, &a->k, &a->v, &a->bias, &a->sinks};
    for (size_t i = 0; i < sizeof(all) / sizeof(all[0]); i++) {
        const int64_t other[4] = {all[i]->shape[0], all[i]->shape[1], 1, 1};
        if (flow_given(all[i]) && !flow_join(f, "attend", shape, other, shape)) return;
    }
    for (int i = 0; i < s->count; i++) {
        const int64_t other[4] = {s->sources[i].map.shape[0], s->sources[i].map.shape[1], 1, 1};
        if (!flow_join(f, "select", shape, other, shape)) return;
    }
    shape[2] = a->q.shape[2], shape[3] = a->v.shape[3];
}

static void check_extents(tsr_flow *f, const attend_args *a)
{
    if (a->q.shape[3] != a->k.shape[3])
        tsr_reader_fail(f->r, "has queries of %lld channels and keys of %lld; expected as many", (long long)a->q.shape[3], (long long)a->k.shape[3]);
    if (a->k.shape[2] != a->v.shape[2])
        tsr_reader_fail(f->r, "has %lld keys and %lld values; expected as many", (long long)a->k.shape[2], (long long)a->v.shape[2]);
}

/* The result: o of the call, or a new tensor. */
static flow_tensor result(tsr_flow *f, bool output, const tsr_layout *call, int32_t which, const int64_t shape[4])
{
    if (!output || !tsr_layout_wanted(call) || memcmp(call->shape, shape, sizeof(call->shape)) != 0)
        return flow_new(f, shape[0], shape[1], shape[2], shape[3]);
    return flow_laid_out(call, which);
}

/* The sequence's set, of the recipe's tokens. */
static tsr_set *read_set(tsr_flow *f, const cJSON *item, const attend_args *a)
{
    const size_t up = tsr_reader_enter(f->r, "set");
    tsr_set *set = tsr_build_make_set(f->build, item, NULL, NULL, 0);
    if (set) tsr_reader_pass(f->r, tsr_set_check(set, a->q.shape[2], a->k.shape[2]));
    tsr_reader_leave(f->r, up);
    return set;
}

/* "codes": queries and keys in few bits. */
static tsr_codes read_codes(tsr_flow *f, tsr_fields *p)
{
    static const char *const values[] = {"f32", "f16", "i8", NULL};
    static const tsr_dtype dtypes[] = {TSR_F32, TSR_F16, TSR_I8};
    const cJSON *item = tsr_fields_get(p, "codes");
    if (!item) return (tsr_codes){0};
    const size_t up = tsr_reader_enter(f->r, "codes");
    tsr_fields c = tsr_fields_open(f->r, item);
    const tsr_codes codes = {.bits = (uint32_t)flow_whole_of(f, &c, "bits", 2, 8, 8),
                             .query_rows = (int32_t)flow_whole_of(f, &c, "query_rows", 1, 1024, 128),
                             .key_rows = (int32_t)flow_whole_of(f, &c, "key_rows", 1, 1024, 64),
                             .smooth = tsr_fields_flag(&c, "smooth", true),
                             .values = dtypes[tsr_fields_choice(&c, "values", values, 1)]};
    tsr_fields_close(&c);
    tsr_reader_leave(f->r, up);
    return codes;
}

static void read_args(tsr_flow *f, tsr_fields *p, attend_args *a)
{
    static const char *const names[] = {"q", "k", "v"};
    flow_tensor *const of_call[] = {&a->q, &a->k, &a->v};
    for (int i = 0; i < 3; i++) {
        *of_call[i] = flow_tensor_of(f, p, names[i], false);
        if (!flow_given(of_call[i])) *of_call[i] = f->call[i].tensor;
    }
    flow_around(f, (const int64_t[4]){a->q.shape[0], a->q.shape[1], a->q.shape[2], a->k.shape[2]});
    a->bias = flow_tensor_of(f, p, "bias", false);
    a->mask = flow_tensor_of(f, p, "mask", false);
    a->sinks = flow_tensor_of(f, p, "sinks", false);
    a->scale = flow_number_of(f, p, "scale", 0);
    if (tsr_fields_has(p, "scale") && a->scale == 0) tsr_reader_fail(f->r, "has a scale of 0; expected another number");
    a->softcap = flow_number_of(f, p, "softcap", 0);
    a->skip = flow_number_of(f, p, "skip", 0);
    a->codes = read_codes(f, p);
    read_band(f, p, &a->band);
    check_extents(f, a);
    if (f->r->status != TSR_OK || !flow_given(&a->mask)) return;
    const flow_named named[] = {{"m", a->mask}, {"b", a->bias}}; /* ln of a truth is 0 or -inf */
    a->bias = flow_compute(f, flow_given(&a->bias) ? "b + ln(m != 0)" : "ln(m != 0)", named, flow_given(&a->bias) ? 2 : 1);
}

flow_value flow_op_attend(tsr_flow *f, tsr_fields *p)
{
    const bool output = f->output;
    attend_args a = {0};
    flow_selection s = {.count = 0};
    flow_value value = {.kind = FLOW_NOTHING};
    int64_t shape[4];
    f->output = false;
    read_args(f, p, &a);
    read_select(f, p, &a, &s);
    const cJSON *set = tsr_fields_get(p, "set");
    if (set && s.count) tsr_reader_fail(f->r, "has 'set' and 'select'; expected one of them: blocks makes a map of a set");
    join_heads(f, &a, &s, shape);
    if (f->r->status != TSR_OK) return value;
    const int64_t kv_heads = max64(a.k.shape[FLOW_HEADS], a.v.shape[FLOW_HEADS]);
    const flow_tensor q = with_heads(f, a.q, shape[0], shape[1]), k = with_heads(f, a.k, shape[0], kv_heads),
                      v = with_heads(f, a.v, shape[0], kv_heads);
    const flow_tensor bias = a.bias.shape[FLOW_HEADS] == 1 ? a.bias : with_heads(f, a.bias, a.bias.shape[0], shape[1]);
    const flow_tensor sinks = flow_given(&a.sinks) ? flow_pack(f, with_heads(f, a.sinks, 1, shape[1])) : a.sinks, none = {.buffer = -1};
    const int64_t lse_shape[4] = {shape[0], shape[1], shape[2], 1};
    value = (flow_value){
        .kind = FLOW_STATE, .tensor = result(f, output, &f->desc.o, FLOW_O, shape), .lse = result(f, output, &f->desc.lse, FLOW_LSE, lse_shape)};
    s.band = a.band;
    tsr_set *whole = set && f->r->status == TSR_OK ? read_set(f, set, &a) : NULL;
    const tsr_set *const sets[] = {whole};
    const tsr_attention_desc desc = {.q = flow_layout(&q),
                                     .k = flow_layout(&k),
                                     .v = flow_layout(&v),
                                     .o = flow_layout(&value.tensor),
                                     .lse = flow_layout(&value.lse),
                                     .bias = flow_layout(&bias),
                                     .sink = flow_layout(&sinks),
                                     .scale = (float)a.scale,
                                     .softcap = (float)a.softcap,
                                     .skip = (float)a.skip,
                                     .codes = a.codes,
                                     .band = s.count ? (tsr_band){0} : a.band,
                                     .sets = whole ? sets : NULL,
                                     .set_count = whole != NULL,
                                     .splits = s.count ? 1 : 0};
    const flow_tensor *const bindings[] = {&q, &k, &v, &value.tensor, &value.lse, &bias, &none, &sinks};
    if (s.count) value.select = s.sources[0].map;
    if (s.count)
        flow_attend_selected(f, &desc, &s, bindings);
    else
        flow_plan(f, &desc, bindings, 8);
    tsr_set_destroy(whole);
    return value;
}
