/* Chooses the format of an output by its name. */
#include "sink.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "cli.h"

static const struct {
    const char *ending;
    bool (*open)(sink *s);
} formats[] = {{".y4m", sink_open_y4m}, {".png", sink_open_png}, {".mp4", sink_open_mp4}, {".safetensors", sink_open_tensors}};

static int find_format(const char *path)
{
    for (int i = 0; i < 4; i++) {
        const size_t a = strlen(path), b = strlen(formats[i].ending);
        if (a > b && strcmp(path + a - b, formats[i].ending) == 0) return i;
    }
    return -1;
}

bool sink_known(const char *path) { return find_format(path) >= 0; }

sink *sink_open(const sink_desc *desc, char *error, unsigned error_size)
{
    sink *s = calloc(1, sizeof(*s));
    const int format = find_format(desc->path);
    if (s) {
        s->desc = *desc;
        s->temporary = cli_temporary(desc->path);
    }
    if (s && s->temporary && format >= 0 && formats[format].open(s)) return s;
    snprintf(error, error_size, "%s",
             format < 0         ? "unknown format; expected .y4m, .png, .mp4 or .safetensors"
             : s && s->error[0] ? s->error
                                : "no memory");
    if (s) free(s->temporary);
    free(s);
    return NULL;
}

void sink_to_rgb8(const sink_desc *desc, const float *frame, uint8_t *rgb)
{
    const size_t n = (size_t)desc->width * desc->height;
    for (size_t i = 0; i < n; i++) {
        for (size_t c = 0; c < 3; c++) {
            const float x = frame[c * n + i] * 255.0f + 0.5f;
            rgb[3 * i + c] = (uint8_t)(x < 0.0f ? 0 : x > 255.0f ? 255 : (int)x);
        }
    }
}
