/* Formats that a pipe can carry: YUV4MPEG2, 8 bits in the limited range, 4:4:4 or 4:2:0; and bare bytes of RGB. Each frame leaves at once. */
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "decode/colour.h"
#include "decode/sink.h"

static bool finish(sink *s, sink_end end)
{
    (void)end;
    free(s->state);
    return sink_close_file(s);
}

/* Where the disk fills within a frame, the part before it is what plays. */
static bool put_frame(sink *s, const char *head, size_t head_size, const uint8_t *bytes, size_t size)
{
    const long start = s->direct ? -1 : ftell(s->file);
    if (sink_put(s, head, head_size) && sink_put(s, bytes, size)) return true;
    if (start >= 0 && ftruncate(fileno(s->file), start) != 0 && !s->error[0]) snprintf(s->error, sizeof(s->error), "%s", strerror(errno));
    return false;
}

static size_t plane_sizes(const sink_desc *d, size_t sizes[3])
{
    const size_t half = d->chroma == 420;
    sizes[0] = (size_t)d->width * d->height;
    sizes[1] = sizes[2] = (d->width + half) / (1 + half) * ((d->height + half) / (1 + half));
    return sizes[0] + sizes[1] + sizes[2];
}

static bool y4m_write(sink *s, const float *frame)
{
    size_t sizes[3];
    const size_t size = plane_sizes(&s->desc, sizes);
    uint8_t *bytes = s->state, *const planes[3] = {bytes, bytes + sizes[0], bytes + sizes[0] + sizes[1]};
    const int pitch = (int)s->desc.width, half = s->desc.chroma == 420 ? (pitch + 1) / 2 : pitch, pitches[3] = {pitch, half, half};
    colour_planes(frame, s->desc.width, s->desc.height, s->desc.chroma, planes, pitches);
    return put_frame(s, "FRAME\n", 6, bytes, size);
}

static bool rgb24_write(sink *s, const float *frame)
{
    sink_to_rgb8(&s->desc, frame, s->state);
    return put_frame(s, "", 0, s->state, (size_t)s->desc.width * s->desc.height * 3);
}

static bool open_frames(sink *s, size_t size, const char *head)
{
    s->state = malloc(size);
    s->finish = finish;
    if (s->state && sink_open_file(s)) {
        if (sink_put(s, head, strlen(head))) return true;
        fclose(s->file);
    }
    free(s->state);
    return false;
}

bool sink_open_y4m(sink *s)
{
    size_t sizes[3];
    char head[128];
    if (!s->desc.chroma) s->desc.chroma = 444;
    snprintf(head, sizeof(head), "YUV4MPEG2 W%u H%u F%d:1 Ip A1:1 %s XCOLORRANGE=LIMITED\n", s->desc.width, s->desc.height, s->desc.fps,
             s->desc.chroma == 420 ? "C420mpeg2 XYSCSS=420MPEG2" : "C444");
    s->write = y4m_write;
    return open_frames(s, plane_sizes(&s->desc, sizes), head);
}

bool sink_open_rgb24(sink *s)
{
    s->write = rgb24_write;
    return open_frames(s, (size_t)s->desc.width * s->desc.height * 3, "");
}
