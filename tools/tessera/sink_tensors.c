/* safetensors: `frames`, fp32 [T,3,H,W] in [0,1], as the decoder made them. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "sink.h"
#include "tessera/tessera.h"

typedef struct tensors_state {
    float *frames;
    uint32_t count;
} tensors_state;

static bool tensors_write(sink *s, const float *frame)
{
    tensors_state *t = s->state;
    const size_t n = (size_t)s->desc.width * s->desc.height * 3;
    memcpy(t->frames + t->count++ * n, frame, n * sizeof(float));
    return true;
}

static bool tensors_close(sink *s, bool whole)
{
    tensors_state *t = s->state;
    const tsr_tensor_view view = {.name = "frames",
                                  .dtype = TSR_F32,
                                  .rank = 4,
                                  .shape = {t->count, 3, s->desc.height, s->desc.width},
                                  .data = t->frames,
                                  .size = (uint64_t)t->count * 3 * s->desc.height * s->desc.width * sizeof(float)};
    const bool ok = !whole || tsr_tensors_save(s->desc.path, &view, 1) == TSR_OK;
    if (!ok) snprintf(s->error, sizeof(s->error), "%.255s", tsr_last_error());
    free(t->frames);
    free(t);
    return ok;
}

bool sink_open_tensors(sink *s)
{
    tensors_state *t = calloc(1, sizeof(*t));
    if (!t) return false;
    t->frames = malloc((size_t)s->desc.frames * 3 * s->desc.width * s->desc.height * sizeof(float) + 1);
    if (!t->frames) {
        snprintf(s->error, sizeof(s->error), "no memory for %u frames of %ux%u; a .y4m output streams", s->desc.frames, s->desc.width,
                 s->desc.height);
        free(t);
        return false;
    }
    s->state = t;
    s->write = tensors_write;
    s->close = tensors_close;
    return true;
}
