/* Expressions that people write, against the same in fp64. */
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "expression.h"

enum { BATCH = 2, HEADS = 4, KV_HEADS = 2, NQ = 131, NK = 149, DIM = 32, CHANNELS = 24, VALUES = 512 };

/* Random numbers of the user's: slope [HEADS], doc [NK] in runs, weight [16], table [HEADS, 17]. */
typedef struct numbers {
    float slope[HEADS], doc[NK], weight[16], table[HEADS * 17], cap;
} numbers;

/* Grid of the case with one: 5 x 6 x 4 tokens between 9 and 20 of text. */
static const tsr_set_desc grid = {.grid = {5, 6, 4}, .text_before = 9, .text_after = NK - 9 - 120, .query_first = 7};

static int64_t coordinate(int64_t token, int axis)
{
    const int64_t at = token - grid.text_before, place[] = {at / 24, at / 4 % 6, at % 4};
    return at < 0 || at >= 120 ? -1 : place[axis];
}

static double floor_div(double a, double b) { return floor(a / b); }
static double floor_mod(int64_t a, int64_t b) { return (double)(((a % b) + b) % b); }

static double alibi(const void *user, double s, int64_t b, int64_t h, int64_t i, int64_t j)
{
    (void)b;
    return s - ((const numbers *)user)->slope[h] * fabs((double)(i + NK - NQ - j));
}

static double relative(const void *user, double s, int64_t b, int64_t h, int64_t i, int64_t j)
{
    (void)b;
    const int64_t d = j - i < -8 ? -8 : j - i > 8 ? 8 : j - i;
    return s + ((const numbers *)user)->table[h * 17 + d + 8];
}

static double cap(const void *user, double s, int64_t b, int64_t h, int64_t i, int64_t j)
{
    (void)b, (void)h, (void)i, (void)j;
    const double c = ((const numbers *)user)->cap;
    return c * tanh(s / c);
}

static double document(const void *user, double s, int64_t b, int64_t h, int64_t i, int64_t j)
{
    (void)b, (void)h;
    const float *doc = ((const numbers *)user)->doc;
    return doc[i] == doc[j] ? s : -INFINITY;
}

static double regions(const void *user, double s, int64_t b, int64_t h, int64_t i, int64_t j)
{
    (void)h, (void)i;
    const int64_t region = j / 16 + b;
    return region < 16 ? s + log((double)((const numbers *)user)->weight[region]) : s;
}

static double remainders(const void *user, double s, int64_t b, int64_t h, int64_t i, int64_t j)
{
    (void)user, (void)b;
    return s + 0.25 * floor_mod(i - j, 7) - 0.125 * floor_div((double)(j - i), 5) + 0.5 * (floor_mod(i - j, 3 + h) == 2);
}

static double on_grid(const void *user, double s, int64_t b, int64_t h, int64_t i, int64_t j)
{
    (void)user, (void)b, (void)h;
    static const double rate[] = {0.1, 0.2, 0.3};
    for (int a = 0; a < 3; a++) s -= rate[a] * fabs((double)(coordinate(i + 7, a) - coordinate(j, a)));
    return s;
}

static double wide(const void *user, double s, int64_t b, int64_t h, int64_t i, int64_t j)
{
    (void)user, (void)b;
    const int64_t x = (i * 100003 - j * 300007) * 1000003 * (h + 1);
    return s + floor_mod(x, 1009) / 1009 + 1e-3 * floor_mod((int64_t)floor((double)x / 4096), 5);
}

static double functions(const void *user, double s, int64_t b, int64_t h, int64_t i, int64_t j)
{
    (void)user;
    return s * exp(-0.01 * (double)i) + pow(0.5, (double)h) * sqrt((double)j) - log(1.0 + (double)b) + fmin(2, fabs(s)) +
           tanh(0.01 * (double)(i - j));
}

static double when(bool seen, double s) { return seen ? s : -INFINITY; }

static double near_by_head(const void *user, double s, int64_t b, int64_t h, int64_t i, int64_t j)
{
    (void)user, (void)b;
    return when(llabs(i + NK - NQ - j) <= 4 * (h + 1), s);
}

static double past_documents(const void *user, double s, int64_t b, int64_t h, int64_t i, int64_t j)
{
    (void)b, (void)h;
    const float *doc = ((const numbers *)user)->doc;
    return when(doc[i] == doc[j] && j <= i + NK - NQ, s);
}

static double box(const void *user, double s, int64_t b, int64_t h, int64_t i, int64_t j)
{
    (void)user, (void)b, (void)h;
    const bool inside = llabs(coordinate(i + 7, 0) - coordinate(j, 0)) <= 1 && llabs(coordinate(i + 7, 2) - coordinate(j, 2)) <= 1;
    return when(inside || coordinate(j, 1) < 0, s);
}

static double thirds(const void *user, double s, int64_t b, int64_t h, int64_t i, int64_t j)
{
    (void)user, (void)h;
    return when((i - 2 * j + 3 * NK + b) % 3 != 0, s);
}

enum { ON_GRID = 1, WITH_ALL = 2 /* once more with all else that is done to scores: a kernel of its own */, OWN_TILE = 4 };

#define SCORE TSR_EXPRESSION_SCORE
#define MASK TSR_EXPRESSION_MASK
static const struct {
    const char *name, *text;
    double (*score)(const void *user, double s, int64_t b, int64_t h, int64_t i, int64_t j);
    tsr_expression_kind kind;
    int flags;
} table[] = {
    {"alibi", "score - slope[h] * abs(q + nk - nq - kv)", alibi, SCORE, WITH_ALL | OWN_TILE},
    {"relative-bias", "score + table[h, clamp(kv - q, -8, 8) + 8]", relative, SCORE, 0},
    {"soft-cap", "cap * tanh(score / cap)", cap, SCORE, 0},
    {"document", "doc[q] == doc[kv] ? score : log(0)", document, SCORE, 0},
    {"regions", "# by batch\nregion = floor(kv / 16) + b;\nregion < 16 ? score + log(weight[region]) : score", regions, SCORE, 0},
    {"remainders", "score + 0.25 * ((q - kv) % 7) - 0.125 * floor((kv - q) / 5) + ((q - kv) % (3 + h) == 2 ? 0.5 : 0)", remainders, SCORE, WITH_ALL},
    {"grid", "score - 0.1 * abs(qt - kt) - 0.2 * abs(qh - kh) - 0.3 * abs(qw - kw)", on_grid, SCORE, ON_GRID | WITH_ALL},
    {"wide", "x = (q * 100003 - kv * 300007) * 1000003 * (h + 1);\nscore + x % 1009 / 1009 + 1e-3 * (floor(x / 4096) % 5)", wide, SCORE, 0},
    {"functions", "score * exp(-0.01 * q) + pow(0.5, h) * sqrt(kv) - log(1 + b) + min(2, abs(score)) + tanh(0.01 * (q - kv))", functions, SCORE, 0},
    {"mask-by-head", "abs(q + nk - nq - kv) <= 4 * (h + 1)", near_by_head, MASK, WITH_ALL},
    {"mask-document", "doc[q] == doc[kv] && kv <= q + nk - nq", past_documents, MASK, 0},
    {"mask-grid", "abs(qt - kt) <= 1 && abs(qw - kw) <= 1 || kh < 0", box, MASK, ON_GRID | WITH_ALL},
    {"mask-by-batch", "(q - 2 * kv + b) % 3", thirds, MASK, 0},
};

static tsr_attention_desc describe(oracle_rng *r, bool plain)
{
    const tsr_layout q = {.shape = {BATCH, HEADS, NQ, DIM}}, k = {.shape = {BATCH, KV_HEADS, NK, DIM}};
    tsr_attention_desc d = {.q = q,
                            .k = k,
                            .v = {.shape = {BATCH, KV_HEADS, NK, CHANNELS}},
                            .o = {.shape = {BATCH, HEADS, NQ, CHANNELS}},
                            .lse = {.shape = {BATCH, HEADS, NQ, 1}}};
    if (plain) return d;
    d.bias = (tsr_layout){.shape = {BATCH, HEADS, NQ, NK}}; /* all that stands before and behind the expression */
    d.mask = (tsr_layout){.dtype = TSR_U8, .shape = {BATCH, HEADS, NQ, NK}};
    d.softcap = 3;
    d.splits = 1 + oracle_below(r, 3);
    d.band = (tsr_band){1, TSR_ALIGN_BOTTOM_RIGHT, 20 + oracle_below(r, 60), 30};
    return d;
}

static suite_verdict compare(const expression_problem *p, const double *o, const double *lse, suite_run_context *run)
{
    double *is = malloc(BATCH * HEADS * NQ * CHANNELS * sizeof(*is)), error = 0;
    if (!is) return suite_say(run, SUITE_FAIL, "no memory to compare");
    for (int i = 0; i < BATCH * HEADS * NQ * CHANNELS; i++) is[i] = p->o[i];
    error = oracle_error(is, o, BATCH * HEADS * NQ * CHANNELS);
    free(is);
    if (!(error <= 4e-6)) return suite_say(run, SUITE_FAIL, "error %.2e; expected at most 4e-6", error);
    for (int row = 0; row < BATCH * HEADS * NQ; row++)
        if (!(isinf(lse[row]) ? (double)p->lse[row] == lse[row] : fabs((double)p->lse[row] - lse[row]) <= 1e-5 * fmax(1, fabs(lse[row]))))
            return suite_say(run, SUITE_FAIL, "log-sum-exp of row %d is %.9g; expected %.9g", row, (double)p->lse[row], lse[row]);
    return suite_say(run, SUITE_PASS, "error %.1e", error);
}

static suite_verdict run_case(const suite_case *c, suite_run_context *run)
{
    const int which = c->number / 2;
    oracle_rng r = oracle_seed(run->seed * 1000003 + (uint64_t)c->number);
    const tsr_attention_desc desc = describe(&r, c->number % 2 == 0);
    numbers n = {.cap = 2.5f};
    for (int i = 0; i < HEADS; i++) n.slope[i] = 0.5f / (float)(1 + oracle_below(&r, 8));
    for (int i = 0; i < NK; i++) n.doc[i] = i == 0 ? 0 : n.doc[i - 1] + (oracle_below(&r, 20) == 0 ? 1.0f : 0.0f);
    for (int i = 0; i < 16; i++) n.weight[i] = 0.25f + (float)oracle_below(&r, 64) / 16.0f;
    for (int i = 0; i < HEADS * 17; i++) n.table[i] = (float)oracle_normal(&r);
    const tsr_named_scalar scalars[] = {{"cap", n.cap}};
    const tsr_named_tensor tensors[] = {
        {"slope", 1, {HEADS}, n.slope}, {"doc", 1, {NK}, n.doc}, {"weight", 1, {16}, n.weight}, {"table", 2, {HEADS, 17}, n.table}};
    expression_problem p;
    double *o = malloc(BATCH * HEADS * NQ * CHANNELS * sizeof(*o)), *lse = malloc(BATCH * HEADS * NQ * sizeof(*lse));
    suite_verdict v;
    if (!expression_make(&p, &desc, &r) || !o || !lse) {
        v = suite_say(run, SUITE_FAIL, "no memory for the inputs");
    } else {
        p.expression = (tsr_expression_desc){
            .text = table[which].text, .kind = table[which].kind, .scalars = scalars, .scalar_count = 1, .tensors = tensors, .tensor_count = 4};
        if (table[which].flags & ON_GRID) p.set = grid;
        /* GPUs' tile, also where a software driver has one of its own, which takes it long to compile. */
        if (!(table[which].flags & OWN_TILE) && strcmp(tsr_device_info_of(run->dev)->backend, "vulkan") == 0) p.desc.tile = TSR_TILE_SIMT;
        const tsr_status s = expression_run(&p, run->dev);
        if (s != TSR_OK)
            v = suite_error(run, s, "running");
        else if (!expression_reference(&p, table[which].score, &n, o, lse))
            v = suite_say(run, SUITE_FAIL, "no memory for the reference");
        else
            v = compare(&p, o, lse, run);
    }
    expression_free(&p);
    free(o);
    free(lse);
    return v;
}

int suite_add_expressions(suite *s)
{
    char name[112];
    for (int i = 0; i < 2 * (int)(sizeof(table) / sizeof(table[0])); i++) {
        snprintf(name, sizeof(name), "expression/%s%s", table[i / 2].name, i % 2 ? "/with-all" : "");
        if ((i % 2 == 0 || table[i / 2].flags & WITH_ALL) && !suite_add(s, name, run_case, NULL, i)) return 0;
    }
    return suite_add(s, "expression/probe", expression_probe, NULL, 0) && suite_add(s, "expression/random/0", expression_random, NULL, 0) &&
           suite_add(s, "expression/random/1", expression_random, NULL, 1);
}
