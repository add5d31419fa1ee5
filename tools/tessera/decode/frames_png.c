/* Frames from PNG files: one, or a series numbered from 0 or 1. */
#include <png.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "decode/frames.h"

static bool frame_path(const frames *f, uint64_t index, char *out, size_t size)
{
    const char *percent = strchr(f->path, '%');
    if (!percent) return snprintf(out, size, "%s", f->path) < (int)size;
    int digits = 0, used = 0;
    if (sscanf(percent, "%%%d%n", &digits, &used) < 1) used = 1;
    return snprintf(out, size, "%.*s%0*llu%s", (int)(percent - f->path), f->path, digits, (unsigned long long)index, percent + used + 1) < (int)size;
}

static bool is_pattern(const char *path)
{
    const char *percent = strchr(path, '%'), *at = percent ? percent + 1 : NULL;
    while (at && *at >= '0' && *at <= '9' && at - percent < 4) at++;
    return at && *at == 'd' && !strchr(at, '%');
}

static int read_png(const char *command, frames *f, float *out, int *got)
{
    char path[4096];
    const size_t n = (size_t)f->width * f->height;
    *got = f->next < f->count;
    if (!*got) return -1;
    if (!frame_path(f, (uint64_t)f->first + f->next, path, sizeof(path))) return cli_error(command, EXIT_INPUT, "%s: the name is too long", f->path);
    png_image image = {.version = PNG_IMAGE_VERSION};
    bool ok = png_image_begin_read_from_file(&image, path) != 0;
    if (ok && (image.width != f->width || image.height != f->height)) {
        png_image_free(&image);
        return cli_error(command, EXIT_INPUT, "%s is %ux%u; the first frame was %ux%u", path, image.width, image.height, f->width, f->height);
    }
    image.format = PNG_FORMAT_RGB;
    memset(f->bytes, 0, 3 * n); /* what shows through */
    ok = ok && png_image_finish_read(&image, NULL, f->bytes, 0, NULL) != 0;
    if (!ok) {
        png_image_free(&image);
        return cli_error(command, EXIT_INPUT, "%s: %s", path, image.message);
    }
    for (size_t i = 0; i < n; i++)
        for (size_t c = 0; c < 3; c++) out[c * n + i] = (float)f->bytes[3 * i + c] / 255.0f;
    f->next++;
    return -1;
}

int frames_open_png(const char *command, frames *f)
{
    char path[4096];
    f->numbered = strchr(f->path, '%') != NULL;
    if (f->numbered && !is_pattern(f->path)) return cli_error(command, EXIT_INPUT, "%s: expected one %%d or %%04d in the name", f->path);
    if (f->numbered && frame_path(f, 0, path, sizeof(path)) && access(path, F_OK) != 0) f->first = 1;
    f->count = f->numbered ? 0 : 1;
    while (f->numbered && frame_path(f, (uint64_t)f->first + f->count, path, sizeof(path)) && access(path, F_OK) == 0) f->count++;
    if (f->count == 0) return cli_error(command, EXIT_INPUT, "%s: no frame 0 or 1 is there", f->path);
    png_image image = {.version = PNG_IMAGE_VERSION};
    if (!frame_path(f, (uint64_t)f->first, path, sizeof(path)) || !png_image_begin_read_from_file(&image, path))
        return cli_error(command, EXIT_INPUT, "%s: %s", f->path, image.message);
    f->width = image.width;
    f->height = image.height;
    png_image_free(&image);
    f->bytes = malloc((size_t)f->width * f->height * 3);
    f->read = read_png;
    return f->bytes ? -1 : cli_error(command, EXIT_INPUT, "%s: not enough memory for a frame of %ux%u", f->path, f->width, f->height);
}
