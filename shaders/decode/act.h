/* Activations, by tsr_act. NaN stays NaN. */
#ifndef TSR_ACT_H
#define TSR_ACT_H

#define ACT_RELU 1
#define ACT_LEAKY 2
#define ACT_SILU 3

HELPER fv act_of(i32 kind, fv x)
{
    if (kind == ACT_RELU) return FV_SEL(x < FV(0.0f), FV(0.0f), x);
    if (kind == ACT_LEAKY) return FV_SEL(x < FV(0.0f), x * FV(0.2f), x);
    if (kind == ACT_SILU) return x / (FV(1.0f) + fv_exp2(fv_min(x * FV(-LOG2E), FV(126.0f))));
    return x;
}

#endif
