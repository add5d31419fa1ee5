/* What the sorting kernels share: keys, and which tokens an invocation sees to. */
#ifndef TSR_FLOW_SORT_H
#define TSR_FLOW_SORT_H

/* A label within its range. */
HELPER i32 sort_label(f32 x, i32 labels) { return x >= F32(labels) ? labels - 1 : x >= 1.0f ? I32(x) : 0; }

/* A number as a whole one of the same order. */
HELPER u32 sort_key(f32 x, i32 labels)
{
    const u32 bits = AS_U32(x), value = bits == 0x80000000u ? 0u : bits;
    if (labels > 0) return U32(sort_label(x, labels));
    return (value & 0x80000000u) != 0u ? ~value : value | 0x80000000u;
}

/* Of an invocation: its run, the head that this belongs to, and its tokens first to last - 1 in the order at hand. */
#define SORT_PLACE                                                                                 \
    const i32 run_of = invocation / PRM(chunks), chunk = invocation - run_of * PRM(chunks), head = run_of / PRM(runs); \
    const i32 run0 = (run_of - head * PRM(runs)) * PRM(run), b = head / PRM(heads), h = head - b * PRM(heads); \
    const i32 run_end = PRM(tokens) - run0 < PRM(run) ? PRM(tokens) : run0 + PRM(run), first = run0 + chunk * PRM(chunk); \
    const i32 last = run_end - first < PRM(chunk) ? run_end : first + PRM(chunk), has_order = PRM(has_order), labels = PRM(labels); \
    const i32 shift = PRM(shift), chunks = PRM(chunks);                                            \
    const i64 x_sc = PRM(x_sc) * I64(4);                                                           \
    const ptr keys = PADD(x, (I64(b) * PRM(x_sb) + I64(h) * PRM(x_sh)) * I64(4)), tokens = PADD(order, I64(head) * I64(PRM(tokens)) * I64(4)); \
    const ptr counts = PADD(found, (I64(run_of) * I64(1 << BITS) * I64(chunks) + I64(chunk)) * I64(4));
#define SORT_DIGIT(token) I32((sort_key(LDF(PADD(keys, I64(token) * x_sc), 0), labels) >> shift) & ((1u << BITS) - 1u))

#endif
