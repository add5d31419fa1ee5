/* Cuts dispatches by measured rates. A kernel that was never measured gets a first piece of `least`, and each piece at most GROWTH times
 * as many workgroups as any that was measured: workgroups of one dispatch may differ. */
#include "pace.h"

#include <math.h>
#include <stdint.h>

enum { PROBES = 4, GROWTH = 2 };

static uint32_t hash(const tsr_pace_key *key)
{
    uint64_t h = (uint64_t)(uintptr_t)key->kernel * UINT64_C(0x9e3779b97f4a7c15) ^ (uint64_t)(uintptr_t)key->params;
    h = (h ^ (key->offset << 20)) * UINT64_C(0xff51afd7ed558ccd);
    return (uint32_t)(h >> 40);
}

static bool same(const tsr_pace_key *a, const tsr_pace_key *b) { return a->kernel == b->kernel && a->params == b->params && a->offset == b->offset; }

static tsr_rate *find(const tsr_pace *pace, const tsr_pace_key *key)
{
    for (uint32_t i = 0, at = hash(key); i < PROBES; i++) {
        tsr_rate *rate = &pace->rates[(at + i) % TSR_RATES];
        if (rate->seconds > 0 && same(&rate->key, key)) return rate;
    }
    return NULL;
}

/* A free place, or one whose kernel will have to be measured again. */
static tsr_rate *place(const tsr_pace *pace, const tsr_pace_key *key)
{
    const uint32_t at = hash(key);
    for (uint32_t i = 0; i < PROBES; i++)
        if (!(pace->rates[(at + i) % TSR_RATES].seconds > 0)) return &pace->rates[(at + i) % TSR_RATES];
    return &pace->rates[at % TSR_RATES];
}

/* Seconds of a workgroup; what is not known is taken to fill a submission with its first piece. */
static double seconds_of(const tsr_pace *pace, const tsr_rate *rate) { return rate ? rate->seconds : pace->limit / pace->least; }

uint32_t tsr_pace_fit(const tsr_pace *pace, const tsr_submission *now, const tsr_pace_key *key, uint32_t count)
{
    if (tsr_pace_full(pace, now)) return 0;
    if (!pace->rates) return count;
    const tsr_rate *rate = find(pace, key);
    const double group = seconds_of(pace, rate), room = (pace->limit - now->expected) / group;
    const double grown = rate ? (double)GROWTH * rate->most : (double)pace->least;
    const double most = grown > pace->least ? grown : pace->least, fit = room < most ? room : most;
    if (fit >= count) return count;
    if (now->count > 0 && (fit < pace->least || fit * group < pace->limit / 4)) return 0; /* a submission of its own has larger pieces */
    const double pieces = ceil(count / (fit > pace->least ? fit : pace->least));          /* alike in size: no crumb is left at the end */
    return (uint32_t)ceil(count / pieces);
}

void tsr_pace_add(const tsr_pace *pace, tsr_submission *now, const tsr_pace_key *key, uint32_t groups)
{
    tsr_piece *piece = &now->pieces[now->count++];
    if (!pace->rates) return;
    const tsr_rate *rate = find(pace, key);
    *piece = (tsr_piece){.key = *key, .groups = groups, .known = rate != NULL, .expected = groups * seconds_of(pace, rate)};
    now->expected += piece->expected;
}

bool tsr_pace_full(const tsr_pace *pace, const tsr_submission *now)
{
    return now->count == TSR_BATCH || (pace->rates && now->expected >= pace->limit * 0.99);
}

/* Up at once, down by half: a piece that takes too long is seen by the user, one that is too short is not. */
static void set_rate(tsr_pace *pace, const tsr_piece *piece, double seconds)
{
    enum { LEAST_NS = 1 };
    double each = seconds / piece->groups;
    if (each < LEAST_NS * 1e-9) each = LEAST_NS * 1e-9;
    tsr_rate *rate = find(pace, &piece->key);
    if (!rate) {
        rate = place(pace, &piece->key);
        *rate = (tsr_rate){.key = piece->key, .seconds = each};
    }
    rate->seconds = each > rate->seconds ? each : (each + rate->seconds) / 2;
    if (piece->groups > rate->most) rate->most = piece->groups;
}

void tsr_pace_learn(tsr_pace *pace, const tsr_submission *done, double seconds)
{
    double known = 0, unknown = 0;
    for (uint32_t i = 0; i < done->count; i++) *(done->pieces[i].known ? &known : &unknown) += done->pieces[i].expected;
    /* What had no rate yet takes the time that the others leave; else all are off by the same factor. */
    const double left = seconds - known > seconds / 16 ? seconds - known : seconds / 16;
    for (uint32_t i = 0; i < done->count; i++) {
        const tsr_piece *piece = &done->pieces[i];
        if (!piece->known)
            set_rate(pace, piece, piece->expected * left / unknown);
        else if (unknown == 0)
            set_rate(pace, piece, piece->expected * seconds / known);
    }
}

void tsr_pace_forget(tsr_pace *pace, const bk_buffer *params)
{
    for (uint32_t i = 0; pace->rates && i < TSR_RATES; i++)
        if (pace->rates[i].key.params == params) pace->rates[i] = (tsr_rate){0};
}
