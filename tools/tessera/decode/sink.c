/* Chooses the format of an output by its name; opens, closes and names files. */
#include "decode/sink.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "cli.h"
#include "decode/colour.h"

static const struct {
    const char *ending;
    bool (*open)(sink *s);
} formats[] = {{".y4m", sink_open_y4m},   {".png", sink_open_png},   {".mp4", sink_open_video},          {".webm", sink_open_video},
               {".mkv", sink_open_video}, {".rgb", sink_open_rgb24}, {".safetensors", sink_open_tensors}};

enum { FORMATS = sizeof(formats) / sizeof(formats[0]) };

static int find_format(const char *path)
{
    for (int i = 0; i < FORMATS; i++) {
        const size_t a = strlen(path), b = strlen(formats[i].ending);
        if (a > b && strcmp(path + a - b, formats[i].ending) == 0) return i;
    }
    return -1;
}

bool sink_direct(const char *path)
{
    struct stat st;
    return strcmp(path, "-") == 0 || (stat(path, &st) == 0 && (S_ISFIFO(st.st_mode) || S_ISCHR(st.st_mode)));
}

bool sink_known(const char *path) { return find_format(path) >= 0 || sink_direct(path); }

sink *sink_open(const sink_desc *desc, char *error, size_t error_size)
{
    sink *s = calloc(1, sizeof(*s));
    const int format = find_format(desc->path);
    bool (*open)(sink * s) = format >= 0 ? formats[format].open : NULL;
    if (s) {
        s->desc = *desc;
        s->direct = sink_direct(desc->path);
        s->temporary = cli_temporary(desc->path);
        if (s->direct && (!open || (open != sink_open_y4m && open != sink_open_rgb24))) open = desc->rgb24 ? sink_open_rgb24 : sink_open_y4m;
        errno = 0;
    }
    if (s && s->temporary && open && open(s)) return s;
    snprintf(error, error_size, "%s", !open ? "unknown format" : s && s->error[0] ? s->error : errno ? strerror(errno) : "no memory");
    sink_free(s);
    return NULL;
}

bool sink_open_file(sink *s)
{
    const char *path = s->direct ? s->desc.path : s->temporary;
    if (strcmp(s->desc.path, "-") == 0) {
        const int fd = dup(1);
        s->file = fd >= 0 ? fdopen(fd, "wb") : NULL;
    } else
        s->file = fopen(path, s->direct ? "wbe" : "wb+e");
    if (!s->file) return snprintf(s->error, sizeof(s->error), "%s", strerror(errno)), false;
    setvbuf(s->file, NULL, _IONBF, 0); /* frames leave at once, and it is known what is on the disk */
    return true;
}

bool sink_close_file(sink *s)
{
    const bool ok = fclose(s->file) == 0 || s->closed;
    if (!ok && !s->error[0]) snprintf(s->error, sizeof(s->error), "%s", strerror(errno));
    s->file = NULL;
    return ok;
}

bool sink_put(sink *s, const void *bytes, size_t size)
{
    errno = 0;
    if (fwrite(bytes, 1, size, s->file) == size) return true;
    s->closed = errno == EPIPE;
    snprintf(s->error, sizeof(s->error), "%s", s->closed ? "its reader went away" : strerror(errno));
    return false;
}

char *sink_part_name(const char *path)
{
    const char *slash = strrchr(path, '/'), *dot = strrchr(slash ? slash : path, '.');
    const size_t size = strlen(path) + 8, stem = dot ? (size_t)(dot - path) : strlen(path);
    char *part = malloc(size);
    if (part) snprintf(part, size, "%.*s.part%s", (int)stem, path, path + stem);
    return part;
}

static bool name_file(sink *s, sink_end end)
{
    if (end == SINK_NOTHING) return unlink(s->temporary), true;
    if (end == SINK_PART) s->kept = sink_part_name(s->desc.path);
    const char *target = end == SINK_PART ? s->kept : s->desc.path;
    if (target && rename(s->temporary, target) == 0) return true;
    if (!s->error[0]) snprintf(s->error, sizeof(s->error), "%s", target ? strerror(errno) : "no memory");
    unlink(s->temporary);
    return false;
}

bool sink_close(sink *s, sink_end end)
{
    const bool finished = s->finish(s, end);
    if (s->direct) return finished;
    if (!finished && end == SINK_WHOLE) end = SINK_PART;
    return (s->name ? s->name : name_file)(s, end) && finished;
}

void sink_free(sink *s)
{
    if (!s) return;
    free(s->temporary);
    free(s->kept);
    free(s);
}

void sink_to_rgb8(const sink_desc *desc, const float *frame, uint8_t *rgb)
{
    const size_t n = (size_t)desc->width * desc->height;
    for (size_t i = 0; i < n; i++)
        for (size_t c = 0; c < 3; c++) rgb[3 * i + c] = colour_byte(frame[c * n + i] * 255.0f);
}
