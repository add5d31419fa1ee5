/* A look inside an attention whose scores are a user's: the sums of its probabilities by key. */
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "expression.h"
#include "tessera/tessera_probe.h"

enum { HEADS = 3, NQ = 67, NK = 93, DIM = 16 };

static const char text[] = "score - abs(q - kv) / (8.0 * (h + 1)) + (kv % 3 == 0 ? 0.5 : 0)";

/* What the sums are, from the formula. */
static void reference(const expression_problem *p, double *sums)
{
    double s[NK];
    memset(sums, 0, HEADS * NK * sizeof(*sums));
    for (int row = 0; row < HEADS * NQ; row++) {
        const int h = row / NQ, i = row % NQ;
        double top = -INFINITY, sum = 0;
        for (int j = 0; j < NK; j++) {
            double dot = 0;
            for (int c = 0; c < DIM; c++) dot += (double)p->q[row * DIM + c] * (double)p->k[(h * NK + j) * DIM + c];
            s[j] = dot / sqrt(DIM) - abs(i - j) / (8.0 * (h + 1)) + (j % 3 == 0 ? 0.5 : 0);
            top = fmax(top, s[j]);
        }
        for (int j = 0; j < NK; j++) sum += exp(s[j] - top);
        for (int j = 0; j < NK; j++) sums[h * NK + j] += exp(s[j] - top) / sum;
    }
}

/* q, k, log-sum-exp and the sums one after the other in one buffer. */
static tsr_status look(const expression_problem *p, const tsr_expression *score, tsr_device *dev, float *sums)
{
    const size_t sizes[] = {HEADS * NQ * DIM * 4, HEADS * NK * DIM * 4, HEADS * NQ * 4, HEADS * NK * 4};
    const void *const data[] = {p->q, p->k, p->lse, sums};
    tsr_probe_desc desc = {.attention = p->desc, .key_sums = 1};
    desc.attention.score = score;
    uint64_t at[5] = {0};
    for (int i = 0; i < 4; i++) at[i + 1] = at[i] + (sizes[i] + 255) / 256 * 256;
    tsr_probe *probe = NULL;
    tsr_buffer *buf = NULL;
    tsr_status s = tsr_probe_prepare(dev, &desc, &probe);
    if (s == TSR_OK) s = tsr_buffer_create(dev, at[4], &buf);
    for (int i = 0; i < 4 && s == TSR_OK; i++) s = tsr_buffer_write(buf, at[i], data[i], sizes[i]);
    const tsr_probe_args args = {.q = {buf, at[0]}, .k = {buf, at[1]}, .lse = {buf, at[2]}, .key_sums = {buf, at[3]}};
    if (s == TSR_OK) s = tsr_probe_run(probe, &args);
    if (s == TSR_OK) s = tsr_buffer_read(buf, at[3], sums, sizes[3]);
    tsr_buffer_destroy(buf);
    tsr_probe_destroy(probe);
    return s;
}

suite_verdict expression_probe(const suite_case *c, suite_run_context *run)
{
    oracle_rng r = oracle_seed(run->seed * 1000003 + (uint64_t)c->number);
    const tsr_layout q = {.shape = {1, HEADS, NQ, DIM}}, k = {.shape = {1, HEADS, NK, DIM}};
    const tsr_attention_desc desc = {.q = q, .k = k, .v = k, .o = q, .lse = {.shape = {1, HEADS, NQ, 1}}};
    float sums[HEADS * NK];
    double want[HEADS * NK];
    expression_problem p;
    tsr_expression *score = NULL;
    suite_verdict v = SUITE_PASS;
    memset(sums, 0xff, sizeof(sums));
    if (!expression_make(&p, &desc, &r)) {
        v = suite_say(run, SUITE_FAIL, "no memory for the inputs");
    } else {
        p.expression = (tsr_expression_desc){.text = text, .kind = TSR_EXPRESSION_SCORE};
        tsr_status s = expression_run(&p, run->dev);
        if (s == TSR_OK) s = tsr_expression_create(&p.expression, &score);
        if (s == TSR_OK) s = look(&p, score, run->dev, sums);
        if (s != TSR_OK) v = suite_error(run, s, "looking");
        reference(&p, want);
    }
    for (int i = 0; v == SUITE_PASS && i < HEADS * NK; i++)
        if (!(fabs((double)sums[i] - want[i]) <= 1e-5 * want[i]))
            v = suite_say(run, SUITE_FAIL, "the sum of head %d, key %d is %.9g; expected %.9g", i / NK, i % NK, (double)sums[i], want[i]);
    tsr_expression_destroy(score);
    expression_free(&p);
    return v;
}
