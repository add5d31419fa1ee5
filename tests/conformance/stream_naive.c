/* See stream_naive.h. Written from the papers' definitions, apart from the engine. */
#include "conformance/stream_naive.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

static int64_t sinks(const naive *n, int kind) { return n->desc.kinds[kind].sink * n->desc.kinds[kind].frame; }
static int64_t window(const naive *n, int kind) { return n->desc.kinds[kind].window * n->desc.kinds[kind].frame; }

void naive_destroy(naive *n)
{
    for (int64_t i = 0; i < n->count; i++) free(n->tokens[i].k);
    free(n->tokens);
    n->tokens = NULL;
}

bool naive_append(naive *n, int kind, const int64_t *position, const double *k, const double *v)
{
    if (n->count == n->room) {
        const int64_t room = n->room ? 2 * n->room : 256;
        naive_token *tokens = realloc(n->tokens, (size_t)room * sizeof(*tokens));
        if (!tokens) return false;
        n->tokens = tokens;
        n->room = room;
    }
    const size_t heads = (size_t)(n->desc.batch * n->desc.heads_kv), dk = heads * (size_t)n->desc.d, dv = heads * (size_t)n->desc.dv;
    double *data = malloc((dk + dv) * sizeof(*data));
    if (!data) return false;
    memcpy(data, k, dk * sizeof(*k));
    memcpy(data + dk, v, dv * sizeof(*v));
    naive_token *t = &n->tokens[n->count++];
    *t = (naive_token){.kind = kind, .ordinal = n->total[kind]++, .k = data, .v = data + dk};
    memcpy(t->position, position, sizeof(t->position));
    return true;
}

bool naive_kept(const naive *n, int64_t id)
{
    const naive_token *t = &n->tokens[id];
    if (n->policy == NAIVE_DEEP_FORCING || n->policy == NAIVE_H2O || n->policy == NAIVE_BY_LIST) return !t->gone;
    return t->ordinal < sinks(n, t->kind) || t->ordinal >= n->total[t->kind] - window(n, t->kind);
}

/* S <- ema S + (1 - ema) K, element by element. */
static void average(const naive *n, naive_token *sink, const naive_token *token)
{
    const int64_t values = n->desc.batch * n->desc.heads_kv * (n->desc.d + n->desc.dv);
    for (int64_t i = 0; i < values; i++) sink->k[i] = n->desc.ema * sink->k[i] + (1 - n->desc.ema) * token->k[i];
}

/* Deep Forcing, algorithm 1: where the cache would overflow, the candidates between sinks and recent tokens are cut to the best. */
static void compress(naive *n, int64_t fresh)
{
    const tsr_stream_kind *kind = &n->desc.kinds[0];
    int64_t kept = 0, recent = kind->recent * kind->frame, stay = kind->keep * kind->frame;
    for (int64_t i = 0; i < n->count; i++) kept += !n->tokens[i].gone && n->tokens[i].ordinal >= sinks(n, 0);
    const int64_t beyond = n->count < sinks(n, 0) ? sinks(n, 0) - n->count : 0;
    fresh = fresh > beyond ? fresh - beyond : 0;
    if (kept + fresh <= window(n, 0)) return;
    if (stay == 0 || stay > window(n, 0) - fresh) stay = window(n, 0) - fresh;
    for (; kept > stay; kept--) {
        int64_t worst = -1, passed = 0;
        for (int64_t i = n->count; i-- > 0;) {
            if (n->tokens[i].gone || n->tokens[i].ordinal < sinks(n, 0) || passed++ < recent) continue;
            if (worst < 0 || n->tokens[i].score < n->tokens[worst].score) worst = i; /* of equals the youngest, found first */
        }
        n->tokens[worst].gone = true;
    }
}

void naive_make_room(naive *n, const int64_t *fresh)
{
    if (n->policy == NAIVE_DEEP_FORCING || n->policy == NAIVE_H2O) compress(n, fresh[0]);
    if (n->policy != NAIVE_REWARD_FORCING) return;
    const int64_t first = sinks(n, 0), edge = n->total[0] + fresh[0] - window(n, 0);
    for (int64_t o = first > n->total[0] - window(n, 0) ? first : n->total[0] - window(n, 0); o < edge && o < n->total[0]; o++)
        average(n, &n->tokens[(o - first) % first], &n->tokens[o]);
}

/* A kept token as a read sees it. */
typedef struct seen {
    const naive_token *token;
    int64_t id;
    int64_t position[TSR_STREAM_AXES];
} seen;

static void set_positions(const naive *n, seen *list, int64_t count)
{
    for (int64_t i = 0; i < count; i++) {
        seen *s = &list[i];
        memcpy(s->position, s->token->position, sizeof(s->position));
        const seen *last = i > 0 ? &list[i - 1] : NULL;
        int64_t time = s->position[0];
        if (n->policy == NAIVE_STREAMING_LLM) time = i;
        if (n->policy == NAIVE_REWARD_FORCING || n->policy == NAIVE_MOTION_STREAM)
            time = last ? last->position[0] + (last->token->position[0] != time) : 0;
        if (n->policy >= NAIVE_DEEP_FORCING) {
            int64_t step = last ? time - last->token->position[0] : time;
            if (last && last->id + 1 != s->id && step > 0)
                step = n->policy == NAIVE_DEEP_FORCING && last->token->ordinal < sinks(n, 0) && s->token->ordinal >= sinks(n, 0) ? 0 : 1;
            time = last ? last->position[0] + step : time;
        }
        if (n->policy == NAIVE_STREAMING_VLM)
            for (int a = 1; a < TSR_STREAM_AXES; a++) s->position[a] += time - s->position[0];
        s->position[0] = time;
    }
}

static void turn(const tsr_stream_desc *d, const int64_t *position, const double *x, double *out)
{
    const tsr_stream_rope *r = &d->rope;
    memcpy(out, x, (size_t)d->d * sizeof(*out));
    int64_t all = 0, pair = 0;
    for (uint32_t a = 0; a < r->axes; a++) all += r->channels[a];
    for (uint32_t a = 0; a < r->axes; a++) {
        for (int64_t i = 0; i < r->channels[a] / 2; i++, pair++) {
            const double exponent = r->joint ? -2.0 * (double)pair / (double)all : -2.0 * (double)i / (double)r->channels[a];
            const double angle = (double)position[a] * pow(r->theta[a] == 0 ? 10000 : r->theta[a], exponent), c = cos(angle), s = sin(angle);
            const int64_t one = r->half ? pair : 2 * pair, two = r->half ? pair + all / 2 : 2 * pair + 1;
            out[one] = x[one] * c - x[two] * s;
            out[two] = x[one] * s + x[two] * c;
        }
    }
}

/* Leaves probabilities in scores. */
static void attend_row(const naive *n, const seen *list, int64_t count, const double *keys, int64_t last_id, int64_t bh, const double *q,
                       double *scores, double *o)
{
    const int64_t dim = n->desc.d, dv = n->desc.dv, heads = n->desc.batch * n->desc.heads_kv;
    double top = -INFINITY, sum = 0;
    for (int64_t j = 0; j < count; j++) {
        scores[j] = n->desc.causal && list[j].id > last_id ? -INFINITY : 0;
        for (int64_t i = 0; i < dim; i++) scores[j] += q[i] * keys[(j * heads + bh) * dim + i] / sqrt((double)dim);
        top = fmax(top, scores[j]);
    }
    for (int64_t i = 0; i < dv; i++) o[i] = 0;
    for (int64_t j = 0; j < count; j++) {
        const double p = scores[j] = exp(scores[j] - top);
        sum += p;
        for (int64_t i = 0; i < dv; i++) o[i] += p * list[j].token->v[bh * dv + i];
    }
    for (int64_t i = 0; i < dv; i++) o[i] /= sum;
    for (int64_t j = 0; j < count; j++) scores[j] /= sum;
}

/* The kept tokens as a read sees them, and their keys turned [kept, batch heads_kv, d]; freed with free_view. */
typedef struct view {
    seen *list;
    double *keys;
    int64_t kept;
} view;

static void free_view(view *v)
{
    free(v->list);
    free(v->keys);
}

static bool make_view(const naive *n, view *v)
{
    const int64_t heads = n->desc.batch * n->desc.heads_kv, dim = n->desc.d;
    *v = (view){.list = malloc((size_t)n->count * sizeof(*v->list))};
    for (int64_t i = 0; v->list && i < n->count; i++)
        if (naive_kept(n, i)) v->list[v->kept++] = (seen){.token = &n->tokens[i], .id = i};
    v->keys = malloc((size_t)(v->kept * heads * dim) * sizeof(*v->keys));
    if (!v->list || !v->keys) {
        free_view(v);
        return false;
    }
    set_positions(n, v->list, v->kept);
    for (int64_t j = 0; j < v->kept * heads; j++)
        turn(&n->desc, v->list[j / heads].position, v->list[j / heads].token->k + j % heads * dim, v->keys + j * dim);
    return true;
}

bool naive_attend(const naive *n, int64_t count, const double *q, double *o, double *sums)
{
    memset(sums, 0, (size_t)n->count * sizeof(*sums));
    const tsr_stream_desc *d = &n->desc;
    const int64_t group = d->heads_q / d->heads_kv;
    view v;
    if (!make_view(n, &v)) return false;
    double *scores = malloc((size_t)(v.kept + d->d) * sizeof(*scores));
    for (int64_t row = 0; scores && row < d->batch * d->heads_q * count; row++) {
        const seen *token = &v.list[v.kept - count + row % count];
        turn(d, token->position, q + row * d->d, scores + v.kept);
        attend_row(n, v.list, v.kept, v.keys, token->id, row / count / group, scores + v.kept, scores, o + row * d->dv);
        for (int64_t j = 0; j < v.kept; j++) sums[v.list[j].id] += scores[j];
    }
    const bool done = scores != NULL;
    free(scores);
    free_view(&v);
    return done;
}

bool naive_participate(const naive *n, int64_t count, const double *q, double *scores)
{
    const tsr_stream_desc *d = &n->desc;
    const int64_t group = d->heads_q / d->heads_kv, heads = d->batch * d->heads_kv;
    double turned[64];
    view v;
    if (!make_view(n, &v)) return false;
    memset(scores, 0, (size_t)n->count * sizeof(*scores));
    for (int64_t row = 0; row < d->batch * d->heads_q * count; row++) {
        turn(d, v.list[v.kept - count + row % count].position, q + row * d->d, turned);
        for (int64_t j = 0; j < v.kept; j++)
            for (int64_t i = 0; i < d->d; i++) scores[v.list[j].id] += turned[i] * v.keys[(j * heads + row / count / group) * d->d + i];
    }
    free_view(&v);
    return true;
}
