/* Streaming caches: positions, blended sinks, scores. */
#include "tessera/tessera_stream.h"
#include "variants.h"

static void stream(lab *l, bool quick, tsr_dtype dtype)
{
    if (!lab_begin(l, quick, "stream %s d128", tsr_dtype_name(dtype))) return;
    const tsr_stream_desc desc = {.batch = 1,
                                  .heads_q = 8,
                                  .heads_kv = 8,
                                  .d = 128,
                                  .dv = 128,
                                  .k_dtype = dtype,
                                  .v_dtype = dtype,
                                  .kinds = {{.frame = 256, .sink = 1, .window = 8, .keep = 6, .recent = 2, .rule = TSR_STREAM_LOWEST_SCORE}},
                                  .kind_count = 1,
                                  .rope = {.axes = 3, .channels = {44, 42, 42}, .grid = {16, 16}},
                                  .time = TSR_STREAM_TIME_CLOSED,
                                  .ema = 0.9,
                                  .causal = 1,
                                  .queries = {256},
                                  .lse = 1,
                                  .probabilities = 1};
    tsr_stream *stream = NULL;
    const tsr_status status = tsr_stream_create(l->dev, &desc, &stream);
    tsr_stream_destroy(stream);
    lab_end(l, status);
}

void lab_streams(lab *l)
{
    stream(l, true, TSR_F16);
    stream(l, false, TSR_F32);
}
