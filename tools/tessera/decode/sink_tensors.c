/* safetensors: `frames`, fp32 [T,3,H,W] in [0,1], as the decoder made them. The header has a fixed size, and is written when T is known. */
#include <errno.h>
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "decode/sink.h"

enum { HEADER = 256 };

static size_t frame_size(const sink *s) { return (size_t)s->desc.width * s->desc.height * 3 * sizeof(float); }

static bool put_header(sink *s, uint64_t frames)
{
    char header[HEADER + 1];
    memset(header, ' ', sizeof(header));
    for (int i = 0; i < 8; i++) header[i] = (char)((uint64_t)(HEADER - 8) >> (8 * i) & 255);
    const int n =
        snprintf(header + 8, HEADER - 8, "{\"frames\":{\"dtype\":\"F32\",\"shape\":[%" PRIu64 ",3,%u,%u],\"data_offsets\":[0,%" PRIu64 "]}}", frames,
                 s->desc.height, s->desc.width, frames * frame_size(s));
    header[8 + n] = ' ';
    return fseek(s->file, 0, SEEK_SET) == 0 && sink_put(s, header, HEADER);
}

static bool tensors_write(sink *s, const float *frame)
{
    uint64_t *frames = s->state;
    if (!sink_put(s, frame, frame_size(s))) return false;
    ++*frames;
    return true;
}

static bool tensors_finish(sink *s, sink_end end)
{
    const uint64_t frames = *(uint64_t *)s->state;
    bool ok = end == SINK_NOTHING || (put_header(s, frames) && ftruncate(fileno(s->file), (off_t)(HEADER + frames * frame_size(s))) == 0);
    if (!ok && !s->error[0]) snprintf(s->error, sizeof(s->error), "%s", strerror(errno));
    free(s->state);
    return sink_close_file(s) && ok;
}

bool sink_open_tensors(sink *s)
{
    s->state = calloc(1, sizeof(uint64_t));
    s->write = tensors_write;
    s->finish = tensors_finish;
    if (s->state && sink_open_file(s)) {
        if (put_header(s, 0)) return true;
        fclose(s->file);
    }
    free(s->state);
    return false;
}
