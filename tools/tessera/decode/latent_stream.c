/* Latents from a pipe: frames one after another, each [C,h,w], bare or behind one line that describes them:
 *   TESSERA-LATENTS C16 H60 W104 Df16 Snormalized
 * (S may be left out). The stream ends with a whole frame. */
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "decode/latent.h"
#include "number.h"

static const char magic[] = "TESSERA-LATENTS ";
enum { LINE_MAX_BYTES = 128, AXIS_MAX = 1 << 20 };

int latent_numbers(const char *text, int64_t *out, int most)
{
    int n = 0;
    for (const char *at = text;; at++) {
        char *end;
        errno = 0;
        const long long x = strtoll(at, &end, 10);
        if (end == at || errno || x < 1 || n == most) return 0;
        out[n++] = x;
        if (*end == '\0') return n;
        if (*end != ',') return 0;
        at = end;
    }
}

static bool float_type(const char *name, tsr_dtype *out)
{
    static const tsr_dtype types[] = {TSR_F32, TSR_F16, TSR_BF16, TSR_F64};
    for (int i = 0; i < 4; i++)
        if (strcmp(name, tsr_dtype_name(types[i])) == 0) return *out = types[i], true;
    return false;
}

int latent_raw_dtype(const char *command, const latent_options *o, tsr_dtype *out)
{
    if (float_type(o->raw_dtype ? o->raw_dtype : "f32", out)) return -1;
    return cli_error(command, EXIT_INPUT, "argument --raw-dtype is '%s'; expected f32, f16, bf16 or f64", o->raw_dtype);
}

/* Reads until size bytes are there; fewer where the stream ends or Ctrl-C comes. */
static size_t read_bytes(int fd, unsigned char *out, size_t size, int *error)
{
    size_t at = 0;
    *error = 0;
    while (at < size && !cli_interrupted()) {
        const ssize_t n = read(fd, out + at, size - at);
        if (n > 0)
            at += (size_t)n;
        else if (n == 0)
            break;
        else if (errno != EINTR)
            return *error = errno, at;
    }
    return at;
}

static bool read_field(latent *l, const char *field)
{
    int64_t x = 0;
    if (strcmp(field, "Snormalized") == 0 || strcmp(field, "Sraw") == 0)
        return l->space = field[1] == 'r' ? TSR_LATENTS_RAW : TSR_LATENTS_NORMALIZED, true;
    if (field[0] == 'D') return float_type(field + 1, &l->view.dtype);
    uint32_t *axis = field[0] == 'C' ? &l->channels : field[0] == 'H' ? &l->height : field[0] == 'W' ? &l->width : NULL;
    if (!axis || latent_numbers(field + 1, &x, 1) != 1 || x > AXIS_MAX) return false;
    return *axis = (uint32_t)x, true;
}

static int read_header(const char *command, latent *l)
{
    char line[LINE_MAX_BYTES + 1] = "";
    int error = 0;
    size_t n = read_bytes(l->stream, (unsigned char *)line, sizeof(magic) - 1, &error);
    if (cli_interrupted()) return cli_error(command, EXIT_INTERRUPTED, "interrupted; no file was written");
    if (n != sizeof(magic) - 1 || memcmp(line, magic, n) != 0)
        return cli_error(command, EXIT_INPUT, "%s does not begin with '%s'; expected that, or --raw-shape C,h,w", l->path, magic);
    while (n < LINE_MAX_BYTES && line[n - 1] != '\n' && read_bytes(l->stream, (unsigned char *)line + n, 1, &error) == 1) n++;
    bool good = line[n - 1] == '\n';
    l->view.dtype = TSR_DTYPE_COUNT;
    line[n - 1] = '\0';
    for (char *rest = NULL, *field = strtok_r(line + sizeof(magic) - 1, " ", &rest); good && field; field = strtok_r(NULL, " ", &rest))
        good = read_field(l, field);
    if (good && l->channels && l->height && l->width && l->view.dtype != TSR_DTYPE_COUNT) return -1;
    return cli_error(command, EXIT_INPUT, "%s has a first line that is not as '%sC16 H60 W104 Df16 Snormalized'", l->path, magic);
}

static bool begins_with_magic(int fd)
{
    char head[sizeof(magic) - 1];
    return pread(fd, head, sizeof(head), 0) == (ssize_t)sizeof(head) && memcmp(head, magic, sizeof(head)) == 0;
}

/* A file is a stream if it has no end (a pipe), if it says so, or if --raw-shape has the axes of one frame. */
int latent_stream_open(const char *command, const char *path, const latent_options *o, latent *l, bool *is)
{
    int64_t shape[8] = {0};
    const bool standard = strcmp(path, "-") == 0;
    const int axes = o->raw_shape ? latent_numbers(o->raw_shape, shape, 8) : 0, fd = standard ? 0 : open(path, O_RDONLY | O_CLOEXEC);
    struct stat st;
    *is = false;
    if (fd < 0 || fstat(fd, &st) != 0) {
        if (fd > 0) close(fd);
        if (cli_interrupted()) return cli_error(command, EXIT_INTERRUPTED, "interrupted; no file was written");
        return cli_error(command, EXIT_INPUT, "%s: cannot be read: %s", path, strerror(errno));
    }
    const bool pipe = !S_ISREG(st.st_mode) && !S_ISDIR(st.st_mode);
    if (!pipe && axes != 3 && (o->raw_shape || !begins_with_magic(fd))) {
        if (fd > 0) close(fd);
        return -1;
    }
    *is = true;
    l->stream = fd;
    snprintf(l->kind, sizeof(l->kind), "a stream");
    snprintf(l->layout, sizeof(l->layout), "tchw");
    if (o->raw_shape) {
        if (axes != 3 || shape[0] > AXIS_MAX || shape[1] > AXIS_MAX || shape[2] > AXIS_MAX)
            return cli_error(command, EXIT_INPUT, "argument --raw-shape is '%s'; expected C,h,w of a stream's frames", o->raw_shape);
        l->channels = (uint32_t)shape[0];
        l->height = (uint32_t)shape[1];
        l->width = (uint32_t)shape[2];
    }
    const int code = o->raw_shape ? latent_raw_dtype(command, o, &l->view.dtype) : read_header(command, l);
    if (code >= 0) return code;
    const uint64_t plane = (uint64_t)l->height * l->width;
    uint64_t size;
    if (__builtin_mul_overflow(plane * tsr_dtype_size(l->view.dtype), l->channels, &size) || size > SIZE_MAX / 4 || !(l->row = malloc((size_t)size)))
        return cli_error(command, EXIT_INPUT, "%s: not enough memory for a frame of %ux%ux%u", l->path, l->channels, l->height, l->width);
    l->view.size = size;
    return -1;
}

int latent_stream_next(const char *command, latent *l, float *out, int *got)
{
    int error = 0;
    const size_t size = tsr_dtype_size(l->view.dtype), n = read_bytes(l->stream, l->row, (size_t)l->view.size, &error);
    *got = n == l->view.size;
    if (error) return cli_error(command, EXIT_INPUT, "%s: cannot be read: %s", l->path, strerror(error));
    if (n > 0 && !*got && !cli_interrupted())
        return cli_error(command, EXIT_INPUT, "%s ends within latent frame %llu: %zu of %llu bytes", l->path, (unsigned long long)l->read, n,
                         (unsigned long long)l->view.size);
    l->read += (uint64_t)*got;
    for (size_t i = 0; *got && i < n / size; i++) out[i] = (float)number_load(l->view.dtype, l->row + i * size);
    return -1;
}
