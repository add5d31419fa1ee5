/* YUV4MPEG2, 4:4:4, 8 bits, BT.601 in the limited range (what players assume at small sizes). */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "sink.h"

static uint8_t clip(float x) { return (uint8_t)(x < 0.0f ? 0 : x > 255.0f ? 255 : (int)(x + 0.5f)); }

static bool y4m_write(sink *s, const float *frame)
{
    FILE *file = s->state;
    const size_t n = (size_t)s->desc.width * s->desc.height;
    uint8_t *planes = malloc(3 * n);
    if (!planes) return snprintf(s->error, sizeof(s->error), "no memory for a frame"), false;
    for (size_t i = 0; i < n; i++) {
        const float r = frame[i], g = frame[n + i], b = frame[2 * n + i], y = 0.299f * r + 0.587f * g + 0.114f * b;
        planes[i] = clip(16.0f + 219.0f * y);
        planes[n + i] = clip(128.0f + 224.0f * (b - y) / 1.772f);
        planes[2 * n + i] = clip(128.0f + 224.0f * (r - y) / 1.402f);
    }
    const bool ok = fputs("FRAME\n", file) >= 0 && fwrite(planes, 1, 3 * n, file) == 3 * n;
    free(planes);
    if (!ok) snprintf(s->error, sizeof(s->error), "%s", strerror(errno));
    return ok;
}

static bool y4m_close(sink *s, bool whole)
{
    bool ok = fclose(s->state) == 0;
    if (whole && ok) ok = rename(s->temporary, s->desc.path) == 0;
    if (!ok) snprintf(s->error, sizeof(s->error), "%s", strerror(errno));
    if (!whole || !ok) unlink(s->temporary);
    return ok;
}

bool sink_open_y4m(sink *s)
{
    FILE *file = fopen(s->temporary, "wb");
    if (!file || fprintf(file, "YUV4MPEG2 W%u H%u F%d:1 Ip A1:1 C444 XCOLORRANGE=LIMITED\n", s->desc.width, s->desc.height, s->desc.fps) < 0) {
        snprintf(s->error, sizeof(s->error), "%s", strerror(errno));
        if (file) fclose(file);
        return false;
    }
    s->state = file;
    s->write = y4m_write;
    s->close = y4m_close;
    return true;
}
