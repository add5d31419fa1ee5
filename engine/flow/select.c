/* Selection: the largest elements of rows, of maps, of all heads. */
#include <inttypes.h>
#include <math.h>

#include "flow/choice_args.h"
#include "flow/choice_keys_args.h"
#include "lines.h"
#include "select.h"

#define CHOICE_ID(id, NAME, value) CHOICE_SPEC_##NAME = id,
enum { CHOICE_SPECS(CHOICE_ID) };
typedef struct keys_params {
    CHOICE_KEYS_PARAMS(TSR_PARAM_FIELD)
} keys_params;
typedef struct choice_params {
    CHOICE_PARAMS(TSR_PARAM_FIELD)
} choice_params;

/* Elements of a workgroup: of more, and where the driver ends loops of one that long, scopes are cut into parts. */
enum { WHOLE_MAX = 1 << 16, PART = 1 << 14, PARTS = 256 };

static const flow_tensor absent = {.buffer = -1, .shape = {1, 1, 1, 1}};

/* The scores as numbers that are compared as whole ones; plain: without pins. */
static void make_keys(tsr_flow *f, flow_tensor of, const flow_choice *c, const int64_t shape[4], const flow_tensor *plain, const flow_tensor *keys)
{
    const flow_lines x = flow_lines_of(f, of, shape, false), w = flow_lines_of(f, c->where, shape, true), pin = flow_lines_of(f, c->pin, shape, true);
    const int64_t block = 1024 * (int64_t)f->lanes, blocks = tsr_ceil_div(shape[3], block);
    const keys_params p = {.x_sb = x.stride[0],
                           .x_sh = x.stride[1],
                           .x_sr = x.stride[2],
                           .w_sb = w.stride[0],
                           .w_sh = w.stride[1],
                           .w_sr = w.stride[2],
                           .p_sb = pin.stride[0],
                           .p_sh = pin.stride[1],
                           .p_sr = pin.stride[2],
                           .w_sc = (int32_t)w.stride[3],
                           .p_sc = (int32_t)pin.stride[3],
                           .x_group = (int32_t)x.group,
                           .w_group = (int32_t)w.group,
                           .p_group = (int32_t)pin.group,
                           .has_where = flow_given(&c->where),
                           .has_pin = flow_given(&c->pin),
                           .has_flag = c->flag != NULL,
                           .heads = (int32_t)shape[1],
                           .rows = (int32_t)shape[2],
                           .columns = (int32_t)shape[3],
                           .block = (int32_t)block,
                           .blocks = (int32_t)blocks};
    const flow_tensor *const bindings[] = {&x.tensor, &w.tensor, &pin.tensor, c->flag, plain, keys};
    flow_add(f, "choice_keys", NULL, &p, sizeof(p), bindings, 6, shape[0] * shape[1] * shape[2] * blocks);
}

/* A share in units of 2^-32: no number of elements times it is past a whole one that the share itself meets. */
static void bracket(double share, int64_t *low, int64_t *high)
{
    *low = (int64_t)floor(share * 0x1p32);
    *high = (int64_t)ceil(share * 0x1p32);
}

static bool extents(tsr_flow *f, flow_tensor of, const flow_choice *c, int64_t shape[4])
{
    return f->r->status == TSR_OK && flow_join(f, "of and where", of.shape, c->where.shape, shape) &&
           flow_join(f, "of and pin", shape, c->pin.shape, shape);
}

flow_tensor flow_select(tsr_flow *f, flow_tensor of, const flow_choice *c)
{
    int64_t shape[4];
    if (!extents(f, of, c, shape)) return absent;
    const bool mass = c->measure == FLOW_BY_MASS, pins = flow_given(&c->pin);
    const int64_t heads = c->scope == FLOW_SCOPE_HEADS ? 1 : shape[1], rows = c->scope == FLOW_SCOPE_ROW ? shape[2] : 1;
    const int64_t all = flow_elements(f, shape), scopes = shape[0] * heads * rows;
    const flow_tensor y = flow_new(f, shape[0], shape[1], shape[2], shape[3]);
    if (f->r->status != TSR_OK || all == 0) return y;
    const int64_t elements = all / scopes, limit = tsr_loop_limit(f->dev);
    int32_t rounds = 1;
    while (rounds < 16 && INT64_C(1) << (2 * rounds) < elements) rounds++;

    const flow_tensor keys = flow_new_typed(f, TSR_I32, shape[0], shape[1], shape[2], shape[3]);
    const flow_tensor plain = pins ? flow_new_typed(f, TSR_I32, shape[0], shape[1], shape[2], shape[3]) : keys;
    make_keys(f, of, c, shape, &plain, &keys);

    const int64_t iterations = (CHOICE_INDICES + rounds + 1) * (tsr_ceil_div(elements, f->lanes) + f->lanes + 4);
    const bool whole = elements <= WHOLE_MAX && (limit == 0 || iterations <= limit / 2);
    int64_t part = tsr_ceil_div(elements, PARTS) > PART ? tsr_ceil_div(elements, PARTS) : PART;
    if (limit && part > PART * (int64_t)f->lanes) part = PART * (int64_t)f->lanes;
    if (whole) part = elements;
    const int64_t parts = tsr_ceil_div(elements, part);
    int64_t low, high, count_stride[4] = {0}, count_group = 1;
    bracket(c->share, &low, &high);
    flow_tensor counts = c->counts, partial = absent, state = absent;
    if (flow_given(&counts)) {
        if (counts.dtype != TSR_F32) counts = flow_pack(f, counts);
        flow_strides(&counts, (const int64_t[4]){shape[0], heads, rows, 1}, count_stride, &count_group);
    }
    choice_params p = {.share = c->rounding == 1 ? low : high,
                       .mass_low = low,
                       .mass_high = high,
                       .count_sb = count_stride[0],
                       .count_sh = count_stride[1],
                       .count_sr = count_stride[2],
                       .count_group = (int32_t)count_group,
                       .heads = (int32_t)heads,
                       .rows = (int32_t)rows,
                       .elements = (int32_t)elements,
                       .parts = (int32_t)parts,
                       .part = (int32_t)part,
                       .scopes = (int32_t)scopes,
                       .first = CHOICE_STATS,
                       .last = CHOICE_INDICES + rounds,
                       .before = -1,
                       .index_rounds = rounds,
                       .count = flow_given(&counts) ? -1 : (int32_t)c->count,
                       .by_share = c->measure == FLOW_BY_SHARE,
                       .rounding = c->rounding,
                       .least = (int32_t)c->least,
                       .most = (int32_t)c->most,
                       .extra = c->extra,
                       .crossing = c->crossing};
    const int32_t specs[BK_MAX_SPECS] = {[CHOICE_SPEC_MASS] = mass};
    if (parts > 1) {
        partial = flow_new_typed(f, TSR_I32, 2, scopes, parts, CHOICE_PARTIAL);
        state = flow_new_typed(f, TSR_I32, 2, scopes, 1, CHOICE_STATE);
    }
    const flow_tensor *const bindings[] = {&plain, &keys, &counts, &partial, &state, &y};
    const int32_t writing = p.last;
    for (int32_t phase = CHOICE_STATS; phase <= writing; phase = phase == CHOICE_STATS && !mass ? CHOICE_VALUES : phase + 1) {
        if (parts > 1) p.first = p.last = phase;
        flow_add(f, "choice", specs, &p, sizeof(p), bindings, 6, scopes * parts);
        if (parts == 1) break;
        p.before = phase;
        p.step++;
    }
    return y;
}

/* The count: a number, or a tensor that has one for each scope. */
static void read_count(tsr_flow *f, const int64_t shape[4], flow_choice *c)
{
    const size_t up = tsr_reader_enter(f->r, "count");
    const flow_tensor t = c->counts;
    int64_t elements = shape[3], scopes[4] = {shape[0], shape[1], shape[2], 1}, joined[4];
    if (c->scope != FLOW_SCOPE_ROW) elements *= shape[2], scopes[2] = 1;
    if (c->scope == FLOW_SCOPE_HEADS) elements *= shape[1], scopes[1] = 1;
    const float *number = f->r->status == TSR_OK && flow_given(&t) && flow_packed(&t) ? f->buffers[t.buffer].data : NULL;
    if (number && t.shape[0] * t.shape[1] * t.shape[2] * t.shape[3] == 1) {
        const double x = (double)number[t.offset];
        if (floor(x) == x && x >= 0 && x <= (double)elements)
            c->count = (int64_t)x;
        else
            tsr_reader_fail(f->r, "is %g; expected a whole number, 0 to %" PRId64 ", the elements to choose among", x, elements);
        c->counts = absent;
    } else if (f->r->status == TSR_OK && flow_given(&t)) {
        for (int i = 0; i < 4; i++)
            if (scopes[i] == 1) c->counts.shape[i] = 1; /* at the first place of the scope */
        if (flow_join(f, "of and count", scopes, c->counts.shape, joined))
            for (int i = 0; i < 4 && f->r->status == TSR_OK; i++)
                if (joined[i] != scopes[i])
                    tsr_reader_fail(f->r, "has %" PRId64 " numbers for %" PRId64 " rows, heads or batches", joined[i], scopes[i]);
    }
    tsr_reader_leave(f->r, up);
}

static double read_share(tsr_flow *f, tsr_fields *p, const char *name)
{
    const double x = flow_number_of(f, p, name, 0);
    if (!(x >= 0 && x <= 1)) tsr_reader_fail(f->r, "has '%s' %g; expected 0 to 1", name, x);
    return x;
}

flow_value flow_op_select(tsr_flow *f, tsr_fields *p)
{
    static const char *const scopes[] = {"row", "map", "heads", NULL}, *const roundings[] = {"floor", "ceil", "nearest", NULL};
    flow_value value = {.kind = FLOW_NOTHING};
    const flow_tensor of = flow_tensor_of(f, p, "of", true);
    flow_choice c = {.where = flow_tensor_of(f, p, "where", false),
                     .pin = flow_tensor_of(f, p, "pin", false),
                     .counts = flow_tensor_of(f, p, "count", false),
                     .measure = tsr_fields_has(p, "mass")    ? FLOW_BY_MASS
                                : tsr_fields_has(p, "share") ? FLOW_BY_SHARE
                                                             : FLOW_BY_COUNT,
                     .scope = (flow_scope)tsr_fields_choice(p, "scope", scopes, 0),
                     .extra = tsr_fields_flag(p, "extra", false),
                     .crossing = tsr_fields_flag(p, "crossing", true),
                     .least = flow_whole_of(f, p, "least", 0, INT32_MAX, 0),
                     .most = flow_whole_of(f, p, "most", 0, INT32_MAX, INT32_MAX),
                     .rounding = tsr_fields_choice(p, "round", roundings, 0)};
    if (tsr_fields_has(p, "count") + tsr_fields_has(p, "share") + tsr_fields_has(p, "mass") != 1)
        tsr_reader_fail(f->r, "has %d of 'count', 'share' and 'mass'; expected exactly one",
                        tsr_fields_has(p, "count") + tsr_fields_has(p, "share") + tsr_fields_has(p, "mass"));
    if (c.least > c.most) tsr_reader_fail(f->r, "has 'least' %" PRId64 " above 'most' %" PRId64, c.least, c.most);
    if (c.measure == FLOW_BY_COUNT) {
        int64_t shape[4];
        if (extents(f, of, &c, shape)) read_count(f, shape, &c);
    } else {
        c.share = read_share(f, p, c.measure == FLOW_BY_MASS ? "mass" : "share");
    }
    const flow_tensor flag = flow_flag(f);
    c.flag = &flag;
    value.tensor = flow_select(f, of, &c);
    if (f->r->status == TSR_OK) value.kind = FLOW_TENSOR;
    return value;
}
