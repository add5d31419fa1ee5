/* Steps that merge states, keep what earlier runs computed, and make maps of sets; and what bad steps are told. */
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "flow_case.h"

static int64_t ceil_div(int64_t a, int64_t b) { return (a + b - 1) / b; }

/* o [.., Dv] and behind it the log-sum-exp, of q against the keys [first, last). */
static flow_array *attention(flow_case *f, int64_t first, int64_t last)
{
    const flow_sizes *n = &f->n;
    flow_array *out = flow_case_array(f, n->b, n->h, n->nq, n->dv + 1);
    double *s = malloc((size_t)(n->nk + 1) * sizeof(*s)), *o = out ? out->x : NULL;
    for (int64_t row = 0; s && o && row < n->b * n->h * n->nq; row++, o += n->dv + 1) {
        const int64_t i = row % n->nq, h = row / n->nq % n->h, b = row / n->nq / n->h;
        double top = -INFINITY, sum = 0;
        for (int64_t j = first; j < last; j++) {
            s[j] = 0;
            for (int64_t c = 0; c < n->d; c++) s[j] += flow_at(f->q, b, h, i, c) * flow_at_head(f->k, b, h, n->h, j, c) / sqrt((double)n->d);
            top = fmax(top, s[j]);
        }
        for (int64_t j = first; j < last; j++) sum += exp(s[j] - top);
        for (int64_t j = first; j < last; j++)
            for (int64_t c = 0; c < n->dv; c++) o[c] += exp(s[j] - top) / sum * flow_at_head(f->v, b, h, n->h, j, c);
        o[n->dv] = last > first ? top + log(sum) : -INFINITY;
    }
    free(s);
    return out;
}

typedef struct part {
    const flow_array *x;
    int64_t column;
} part;

static double of_part(const void *user, int64_t b, int64_t h, int64_t r, int64_t c)
{
    const part *p = user;
    return flow_at(p->x, b, h, r, p->column + c);
}

static void expect_state(flow_case *f, const char *name, const flow_array *want)
{
    const part o = {want, 0}, lse = {want, f->n.dv};
    char lse_name[48];
    snprintf(lse_name, sizeof(lse_name), "%s.lse", name);
    flow_case_expect(f, name, (const int64_t[4]){f->n.b, f->n.h, f->n.nq, f->n.dv}, of_part, &o, 1e-5);
    flow_case_expect(f, lse_name, (const int64_t[4]){f->n.b, f->n.h, f->n.nq, 1}, of_part, &lse, 1e-5);
}

/* Attention to parts of the keys, merged, is attention to all; to none adds nothing, and none twice is none. */
static void test_merge(flow_case *f, int number)
{
    const int64_t nk = f->n.nk, cut = flow_case_draw(f, 1, nk - 1), end = number == 0 ? nk : flow_case_draw(f, cut, nk);
    f->wants_lse = true;
    flow_array *none = flow_case_input(f, "none", TSR_F32, 1, 1, 1, 1);
    if (none) none->x[0] = 0;
    flow_case_start(
        f,
        "{'inputs': {'none': {'shape': [1, 1, 1, 1]}}, 'parameters': {'cut': %lld, 'end': %lld}, 'steps': {"
        "'k1': {'slice': {'of': 'k', 'axis': 'rows', 'last': 'cut'}}, 'v1': {'slice': {'of': 'v', 'axis': 'rows', 'last': 'cut'}}, "
        "'k2': {'slice': {'of': 'k', 'axis': 'rows', 'first': 'cut', 'last': 'end'}}, 'v2': {'slice': {'of': 'v', 'axis': 'rows', 'first': 'cut', "
        "'last': 'end'}}, "
        "'k3': {'slice': {'of': 'k', 'axis': 'rows', 'first': 'end'}}, 'v3': {'slice': {'of': 'v', 'axis': 'rows', 'first': 'end'}}, "
        "'one': {'attend': {'q': 'q', 'k': 'k1', 'v': 'v1'}}, 'nobody': {'attend': {'select': 'none', 'query_tiles': 'Nq', 'key_tiles': 'Nk'}}, "
        "'void': {'merge': {'of': ['nobody', 'nobody']}}, 'same': {'merge': {'of': ['nobody', 'one', 'void']}}, "
        "'o': {'merge': {'of': ['one', {'attend': {'q': 'q', 'k': 'k2', 'v': 'v2'}}%s]}}}}",
        (long long)cut, (long long)end, end < nk ? ", {'merge': {'of': [{'attend': {'q': 'q', 'k': 'k3', 'v': 'v3'}}]}}" : "");
    expect_state(f, "void", attention(f, 0, 0));
    expect_state(f, "same", attention(f, 0, cut));
    expect_state(f, "o", attention(f, 0, nk));
    const part o = {attention(f, 0, nk), 0}, lse = {o.x, f->n.dv};
    flow_case_expect_output(f, "o", of_part, &o, 1e-5);
    flow_case_expect_output(f, "lse", of_part, &lse, 1e-5);
}

static double mean_of_rows(const void *user, int64_t b, int64_t h, int64_t r, int64_t c)
{
    const flow_array *x = user;
    double sum = 0;
    for (int64_t i = 0; i < x->shape[2]; i++) sum += flow_at(x, b, h, i + r, c) / (double)x->shape[2];
    return sum;
}

/* What the keys are now. */
static const flow_array *snapshot(flow_case *f)
{
    const int64_t *n = f->k->shape;
    flow_array *copy = flow_case_array(f, n[0], n[1], n[2], n[3]);
    for (int64_t i = 0; copy && i < n[0] * n[1] * n[2] * n[3]; i++) copy->x[i] = f->k->x[i];
    return copy;
}

static void renew(flow_case *f)
{
    const int64_t *n = f->k->shape;
    for (int64_t i = 0; i < n[0] * n[1] * n[2] * n[3]; i++) f->k->x[i] = oracle_normal(&f->rng);
    flow_case_change(f, "k");
}

static double twice(const void *user, int64_t b, int64_t h, int64_t r, int64_t c) { return 2 * flow_at(user, b, h, r, c); }

/* 'third' is of runs 0, 3, .., 'once' of run 0. 'shared' stands beside a memory of it: in one recipe the memory meets it first. */
static void test_remember(flow_case *f, int number)
{
    enum { EVERY = 3, RUNS = 5 };
    static const char shared[] = "'shared': {'pool': {'of': 'k'}}, ";
    const int64_t one[4] = {f->n.b, f->n.hkv, 1, f->n.d};
    flow_case_start(f,
                    "{'steps': {%s'third': {'remember': {'of': {'pool': {'of': 'k'}}, 'every': %d}}, 'once': {'remember': {'of': 'shared'}}, "
                    "%s'keys': {'remember': {'of': 'k'}}, 'double': '2 * keys', 'sum': 'third + once + shared', "
                    "'nested': {'remember': {'of': {'pool': {'of': 'third'}}, 'every': 2}}, 'o': 'q'}}",
                    number ? "" : shared, EVERY, number ? shared : "");
    const flow_array *at[RUNS] = {NULL};
    for (int run = 0; run < RUNS && flow_case_ok(f); run++) {
        if (run) {
            renew(f);
            flow_case_run(f, (uint64_t)run);
        }
        at[run] = snapshot(f);
        const flow_array *third = at[run / EVERY * EVERY];
        flow_case_expect(f, "shared", one, mean_of_rows, at[run], 2e-6);
        flow_case_expect(f, "once", one, mean_of_rows, at[0], 2e-6);
        flow_case_expect(f, "third", one, mean_of_rows, third, 2e-6);
        flow_case_expect(f, "double", f->k->shape, twice, at[0], 0);
        flow_case_expect(f, "nested", one, mean_of_rows, at[run / 2 * 2 / EVERY * EVERY], 2e-6);
    }
}

typedef struct seen {
    int64_t nq, nk, query_size, key_size;
    int set, rule;
} seen;

enum { CAUSAL, WINDOW, BY_HEAD, SETS, LEFT = 7, RIGHT = 2 };
static const char *const sets[] = {"{'causal': {}}", "{'window': {'left': 7, 'right': 2}}", "{'expression': '(q + 2 * kv + h) % 5 == 0'}"};
static const char *const rules[] = {"any", "all", "share"};

static bool sees(const seen *s, int64_t h, int64_t i, int64_t j)
{
    const int64_t p = i + s->nk - s->nq;
    if (s->set == BY_HEAD) return (i + 2 * j + h) % 5 == 0;
    return s->set == CAUSAL ? j <= p : p - LEFT <= j && j <= p + RIGHT;
}

static double block(const void *user, int64_t b, int64_t h, int64_t r, int64_t c)
{
    const seen *s = user;
    int64_t pairs = 0, area = 0;
    for (int64_t i = r * s->query_size; i < (r + 1) * s->query_size && i < s->nq; i++)
        for (int64_t j = c * s->key_size; j < (c + 1) * s->key_size && j < s->nk; j++) {
            area++;
            pairs += sees(s, h, i, j);
        }
    const double results[] = {pairs > 0, pairs == area, (double)pairs / (double)area};
    return b < 0 ? NAN : results[s->rule];
}

static void test_blocks(flow_case *f, int number)
{
    seen s = {.nq = f->n.nq, .nk = f->n.nk, .query_size = flow_case_draw(f, 1, 90), .key_size = flow_case_draw(f, 1, 90), .set = number % SETS};
    const bool same = number >= SETS;
    if (same) s.key_size = s.query_size;
    char text[1024] = "", tiles[64];
    size_t used = 0;
    snprintf(tiles, sizeof(tiles), same ? "'tiles': %lld" : "'query_tiles': %lld, 'key_tiles': %lld", (long long)s.query_size, (long long)s.key_size);
    for (int i = 0; i < 3; i++)
        used += (size_t)snprintf(text + used, sizeof(text) - used, "'%s': {'blocks': {'set': %s, %s, 'rule': '%s'}}, ", rules[i], sets[s.set], tiles,
                                 rules[i]);
    flow_case_start(f, "{'steps': {%s'o': 'q'}}", text);
    const bool heads = s.set == BY_HEAD;
    const int64_t shape[4] = {heads ? f->n.b : 1, heads ? f->n.h : 1, ceil_div(s.nq, s.query_size), ceil_div(s.nk, s.key_size)};
    for (s.rule = 0; s.rule < 3; s.rule++) flow_case_expect(f, rules[s.rule], shape, block, &s, s.rule == 2 ? 1e-6 : 0);
}

typedef struct mistake {
    const char *steps, *said; /* words of the error */
} mistake;

static const mistake mistakes[] = {
    {"'m': {'pool': {'of': 'q', 'kind': 'median'}}",
     "steps.m.pool.kind is 'median'; expected 'mean', 'sum', 'max', 'min', 'first', 'last' or 'argmax'"},
    {"'m': {'pool': {'axis': 'rows'}}", "steps.m.pool has no 'of'"},
    {"'m': {'pool': {'of': 'q', 'tiles': 0}}", "steps.m.pool.tiles is 0; expected a whole number, 1 to"},
    {"'m': {'spread': {'of': 'q', 'tiles': 4}}", "steps.m.spread has no 'to'"},
    {"'m': {'spread': {'of': 'q', 'tiles': 4, 'to': 1000}}", "steps.m.spread has 37 elements along the axis; expected 250, one for each tile"},
    {"'m': {'slice': {'of': 'q', 'axis': 'rows', 'last': 38}}", "steps.m.slice.last is 38; expected a whole number, -37 to 37"},
    {"'m': {'slice': {'of': 'q'}}", "steps.m.slice has no 'axis'"},
    {"'m': {'concat': {'of': ['q', 'k'], 'axis': 'columns'}}", "of: 37 rows beside 41; expected as many, or 1"},
    {"'m': {'concat': {'of': [], 'axis': 'rows'}}", "steps.m.concat.of is a list; expected a list of 1 to"},
    {"'m': {'reshape': {'of': 'q', 'shape': [1, 1, 1, 7]}}", "steps.m.reshape makes 7 elements of"},
    {"'m': {'permute': {'of': 'q', 'axes': 'bhrr'}}", "steps.m.permute has axes 'bhrr'; expected the letters b, h, r and c, once each"},
    {"'m': {'pad': {'of': 'q', 'axis': 'rows', 'to': 36}}", "steps.m.pad.to is 36; expected a whole number, 37 to"},
    {"'m': {'pad': {'of': 'q', 'axis': 'rows'}}", "steps.m.pad has no 'to'"},
    {"'m': {'gather': {'of': 'q', 'rows': 'q'}}", "steps.m.gather has 'rows' of 37 rows; expected 1"},
    {"'m': {'scan': {'of': 'q', 'axis': 'rows', 'decay': 'k'}}", "decay: 37 rows beside 41; expected as many, or 1"},
    {"'m': {'scan': {'of': {'pool': {'of': 'q'}}, 'axis': 'rows', 'decay': 'q'}}", "steps.m.scan has a 'decay' that is larger than 'of'"},
    {"'m': {'slashes': {'of': 'q', 'rows': 5, 'tiles': 2}}", "steps.m.slashes has 'of' of 37 rows; expected 1"},
    {"'m': {'blocks': {'set': {'causal': {}}}}", "steps.m.blocks has no 'query_tiles'"},
    {"'m': {'blocks': {'tiles': 4}}", "steps.m.blocks has no 'set'"},
    {"'m': {'blocks': {'tiles': 4, 'key_tiles': 2, 'set': {'causal': {}}}}", "steps.m.blocks has 'tiles' beside others"},
    {"'m': {'blocks': {'tiles': 4, 'set': {'text': {}}}}", "steps.m.blocks.set.text is a pattern of a token grid"},
    {"'m': {'merge': {'of': ['q']}}", "steps.m.merge.of[0] is no attend and no merge"},
    {"'m': {'merge': {'of': []}}", "steps.m.merge.of is an empty list"},
    {"'m': {'remember': {'every': 2}}", "steps.m.remember has no 'of'"},
    {"'m': {'remember': {'of': 'm'}}", "circle"},
};

static void test_errors(flow_case *f, int number)
{
    (void)number;
    for (size_t i = 0; i < sizeof(mistakes) / sizeof(mistakes[0]) && flow_case_ok(f); i++) {
        const tsr_status status = flow_case_prepare(f, "{'steps': {%s, 'o': 'q'}}", mistakes[i].steps);
        f->compared = true;
        if (status != TSR_ERROR_FILE || f->flow || !strstr(tsr_last_error(), mistakes[i].said))
            flow_case_fail(f, "%s: %s, \"%s\"; expected a recipe's error with \"%s\"", mistakes[i].steps, tsr_status_name(status),
                           status == TSR_OK ? "" : tsr_last_error(), mistakes[i].said);
    }
}

static const flow_family families[] = {
    {"merge", test_merge, 3, {.h = 4, .hkv = 2, .nk = 97, .d = 24, .dv = 19}},
    {"remember", test_remember, 2, {.nk = 65}},
    {"blocks", test_blocks, 6, {.nq = 130, .nk = 257}},
    {"errors", test_errors, 1, {.h = 2, .nq = 37, .nk = 41, .d = 8}},
};

int suite_add_flow_joins(suite *s) { return flow_case_add(s, families, sizeof(families) / sizeof(families[0])); }
