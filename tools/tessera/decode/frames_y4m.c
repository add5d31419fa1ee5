/* Frames from YUV4MPEG2, 8 bits, 4:4:4 or 4:2:0, in the limited or the full range. */
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "decode/colour.h"
#include "decode/frames.h"

enum { LINE = 1024, EXTENT_MAX = 1 << 16 };

static size_t half(const frames *f, uint32_t n) { return f->chroma == 420 ? (n + 1) / 2 : n; }

static size_t frame_size(const frames *f) { return (size_t)f->width * f->height + 2 * half(f, f->width) * half(f, f->height); }

static int read_y4m(const char *command, frames *f, float *out, int *got)
{
    char line[LINE];
    const size_t size = frame_size(f);
    *got = 0;
    if (!fgets(line, sizeof(line), f->file)) return -1;
    if (strncmp(line, "FRAME", 5) != 0 || !strchr(line, '\n'))
        return cli_error(command, EXIT_INPUT, "%s: frame %llu does not begin with FRAME", f->path, (unsigned long long)f->next);
    const size_t n = fread(f->bytes, 1, size, f->file);
    if (n != size) {
        if (cli_interrupted()) return -1;
        return cli_error(command, EXIT_INPUT, "%s ends within frame %llu: %zu of %zu bytes", f->path, (unsigned long long)f->next, n, size);
    }
    const size_t luma = (size_t)f->width * f->height, chroma = (size - luma) / 2;
    const uint8_t *const planes[3] = {f->bytes, f->bytes + luma, f->bytes + luma + chroma};
    colour_frame(planes, f->width, f->height, f->chroma, f->full, f->centred, out);
    f->next++;
    *got = 1;
    return -1;
}

static bool read_field(frames *f, const char *field)
{
    char *end;
    const unsigned long x = strtoul(field + 1, &end, 10);
    switch (field[0]) {
    case 'W':
    case 'H':
        if (*end || x < 1 || x > EXTENT_MAX) return false;
        *(field[0] == 'W' ? &f->width : &f->height) = (uint32_t)x;
        return true;
    case 'C':
        f->chroma = strcmp(field, "C444") == 0 ? 444 : 420;
        f->centred = strcmp(field, "C420jpeg") == 0 || strcmp(field, "C420") == 0;
        return f->chroma == 444 || f->centred || strcmp(field, "C420mpeg2") == 0 || strcmp(field, "C420paldv") == 0;
    case 'X':
        if (strcmp(field, "XCOLORRANGE=FULL") == 0) f->full = true;
        return true;
    default:
        return true;
    }
}

int frames_open_y4m(const char *command, frames *f)
{
    char line[LINE] = "";
    f->file = strcmp(f->path, "-") == 0 ? stdin : fopen(f->path, "rbe");
    if (!f->file) return cli_error(command, EXIT_INPUT, "%s: cannot be read: %s", f->path, strerror(errno));
    if (!fgets(line, sizeof(line), f->file) || strncmp(line, "YUV4MPEG2 ", 10) != 0 || !strchr(line, '\n'))
        return cli_error(command, EXIT_INPUT, "%s is no YUV4MPEG2 stream", f->path);
    *strchr(line, '\n') = '\0';
    f->chroma = 420;
    f->centred = true;
    for (char *rest = NULL, *field = strtok_r(line + 10, " ", &rest); field; field = strtok_r(NULL, " ", &rest))
        if (!read_field(f, field))
            return cli_error(command, EXIT_INPUT, "%s has '%s'; expected sizes to %d, C444 or C420 of 8 bits", f->path, field, EXTENT_MAX);
    if (!f->width || !f->height) return cli_error(command, EXIT_INPUT, "%s tells no size", f->path);
    f->bytes = malloc(frame_size(f));
    f->read = read_y4m;
    return f->bytes ? -1 : cli_error(command, EXIT_INPUT, "%s: not enough memory for a frame of %ux%u", f->path, f->width, f->height);
}
