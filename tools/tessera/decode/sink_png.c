/* PNG: a file for each frame where the name has a %d, else one contact sheet of frames spread evenly. */
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "decode/sink.h"
#include "png_file.h"

/* Frames above the limit of PNG readers are refused, as by libpng itself. */
enum { SHEET_CELLS = 12, SHEET_COLUMNS = 4, SHEET_WIDTH = 2048, LARGEST = 1000000 };

typedef struct png_state {
    uint8_t *rgb; /* one frame */
    uint8_t *sheet;
    uint64_t index;
    uint32_t cells, columns, rows, placed, shrink;
    bool numbered;
    const char *percent; /* where the number goes in the name */
    int digits;
    size_t number_length; /* of "%04d" */
} png_state;

static bool write_png(sink *s, const char *path, const uint8_t *rgb, uint32_t width, uint32_t height)
{
    return png_file_write(path, rgb, width, height, s->error, sizeof(s->error));
}

static bool named(sink *s, const char *path, const char *target)
{
    const bool ok = png_file_finish(path, target);
    if (!ok) snprintf(s->error, sizeof(s->error), "cannot be written");
    return ok;
}

static char *frame_path(const sink *s, const png_state *p, uint64_t index)
{
    const size_t size = strlen(s->desc.path) + 32;
    char *path = malloc(size);
    if (path)
        snprintf(path, size, "%.*s%0*" PRIu64 "%s", (int)(p->percent - s->desc.path), s->desc.path, p->digits, index, p->percent + p->number_length);
    return path;
}

/* Averages shrink x shrink pixels, so that a sheet of large frames stays small. */
static void place(const sink *s, png_state *p)
{
    const uint32_t w = s->desc.width / p->shrink, h = s->desc.height / p->shrink, pitch = w * p->columns * 3;
    uint8_t *at = p->sheet + (size_t)(p->placed / p->columns) * h * pitch + (size_t)(p->placed % p->columns) * w * 3;
    for (uint32_t y = 0; y < h; y++) {
        for (uint32_t i = 0; i < w * 3; i++) {
            uint32_t sum = 0;
            for (uint32_t v = 0; v < p->shrink; v++)
                for (uint32_t u = 0; u < p->shrink; u++)
                    sum += p->rgb[((size_t)(y * p->shrink + v) * s->desc.width + i / 3 * p->shrink + u) * 3 + i % 3];
            at[(size_t)y * pitch + i] = (uint8_t)((sum + p->shrink * p->shrink / 2) / (p->shrink * p->shrink));
        }
    }
    p->placed++;
}

static bool png_write_frame(sink *s, const float *frame)
{
    png_state *p = s->state;
    sink_to_rgb8(&s->desc, frame, p->rgb);
    bool ok = true;
    if (p->numbered) {
        char *path = frame_path(s, p, p->index);
        ok = path && write_png(s, path, p->rgb, s->desc.width, s->desc.height);
        if (ok && s->desc.frames == 0) ok = named(s, path, path); /* an endless series is never whole */
        free(path);
        if (!ok) return false;
    } else if (p->placed < p->cells && p->index == (p->cells > 1 ? p->placed * (s->desc.frames - 1) / (p->cells - 1) : 0)) {
        place(s, p);
    }
    p->index++;
    return ok;
}

static bool png_finish(sink *s, sink_end end)
{
    png_state *p = s->state;
    const bool sheet = !p->numbered && p->placed > 0 && end != SINK_NOTHING;
    return !sheet || write_png(s, s->desc.path, p->sheet, s->desc.width / p->shrink * p->columns, s->desc.height / p->shrink * p->rows);
}

/* A half series is no series, and leaves an older one as it was. */
static bool png_name(sink *s, sink_end end)
{
    png_state *p = s->state;
    bool ok = true;
    const uint64_t files = p->numbered ? (s->desc.frames ? p->index : 0) : p->placed > 0 && end != SINK_NOTHING;
    for (uint64_t i = 0; i < files; i++) {
        char *path = p->numbered ? frame_path(s, p, i) : strdup(s->desc.path), *part = path ? sink_part_name(path) : NULL;
        ok = named(s, path, end == SINK_WHOLE ? path : end == SINK_PART ? part : NULL) && ok;
        free(path);
        free(part);
    }
    if (end == SINK_PART && files > 0) s->kept = sink_part_name(s->desc.path);
    free(p->rgb);
    free(p->sheet);
    free(p);
    return ok;
}

/* "%d" or "%04d", once. */
static bool find_number(const char *path, png_state *p)
{
    p->percent = strchr(path, '%');
    if (!p->percent) return true;
    const char *end = p->percent + 1;
    while (*end >= '0' && *end <= '9' && end - p->percent < 4) p->digits = p->digits * 10 + (*end++ - '0');
    p->number_length = (size_t)(end + 1 - p->percent);
    p->numbered = true;
    return *end == 'd' && p->digits < 10 && !strchr(end, '%');
}

bool sink_open_png(sink *s)
{
    png_state *p = calloc(1, sizeof(*p));
    if (!p) return false;
    const sink_desc *d = &s->desc;
    if (!find_number(d->path, p)) {
        snprintf(s->error, sizeof(s->error), "expected one %%d or %%04d in the name");
        free(p);
        return false;
    }
    if ((!p->numbered && d->frames == 0) || d->width > LARGEST || d->height > LARGEST) {
        snprintf(s->error, sizeof(s->error),
                 d->frames ? "%ux%u is too large for PNG; at most %d either way"
                           : "a contact sheet needs to know the number of frames; expected one %%%%d in the name",
                 d->width, d->height, LARGEST);
        free(p);
        return false;
    }
    p->cells = d->frames < SHEET_CELLS ? (uint32_t)d->frames : SHEET_CELLS;
    p->columns = p->cells < SHEET_COLUMNS ? p->cells : SHEET_COLUMNS;
    p->rows = p->columns ? (p->cells + p->columns - 1) / p->columns : 0;
    p->shrink = (d->width * p->columns + SHEET_WIDTH - 1) / SHEET_WIDTH;
    if (p->shrink < 1) p->shrink = 1;
    if (p->shrink > d->height) p->shrink = d->height;
    p->rgb = malloc((size_t)d->width * d->height * 3);
    p->sheet = p->numbered ? calloc(1, 1) : calloc((size_t)(d->width / p->shrink) * p->columns * (d->height / p->shrink) * p->rows + 1, 3);
    s->state = p;
    s->write = png_write_frame;
    s->finish = png_finish;
    s->name = png_name;
    if (p->rgb && p->sheet) return true;
    free(p->rgb);
    free(p->sheet);
    free(p);
    return false;
}
