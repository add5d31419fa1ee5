/* Tells a file of frames by its name and first bytes; reads tensors of frames. */
#include "decode/frames.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "number.h"

enum { EXTENT_MAX = 1 << 20 };

static int read_tensor(const char *command, frames *f, float *out, int *got)
{
    (void)command;
    const uint64_t n = (uint64_t)3 * f->height * f->width, size = tsr_dtype_size(f->view.dtype);
    *got = f->next < f->count;
    const unsigned char *from = (const unsigned char *)f->view.data + f->next * n * size;
    for (uint64_t i = 0; *got && i < n; i++, from += size) {
        const double x = number_load(f->view.dtype, from);
        out[i] = (float)(f->view.dtype == TSR_U8 ? x / 255 : x);
    }
    f->next += (uint64_t)*got;
    return -1;
}

static int open_tensor(const char *command, frames *f)
{
    tsr_tensor_view *v = &f->view;
    if (tsr_tensors_open(f->path, &f->tensors) != TSR_OK) return cli_fail(command, TSR_ERROR_FILE);
    if (tsr_tensors_find(f->tensors, "frames", v) != TSR_OK) {
        if (tsr_tensors_count(f->tensors) != 1)
            return cli_error(command, EXIT_INPUT, "%s has %zu tensors and none named frames", f->path, tsr_tensors_count(f->tensors));
        tsr_tensors_at(f->tensors, 0, v);
    }
    const int64_t *axes = v->shape + (v->rank == 4);
    const bool typed = v->dtype == TSR_F32 || v->dtype == TSR_F16 || v->dtype == TSR_BF16 || v->dtype == TSR_U8;
    if ((v->rank != 3 && v->rank != 4) || axes[0] != 3 || !typed || v->size == 0 || axes[1] > EXTENT_MAX || axes[2] > EXTENT_MAX)
        return cli_error(command, EXIT_INPUT, "tensor '%s' of %s is no [T,3,H,W] or [3,H,W] of f32, f16 or bf16 in [0,1], or u8", v->name, f->path);
    f->count = v->rank == 4 ? (uint64_t)v->shape[0] : 1;
    f->height = (uint32_t)axes[1];
    f->width = (uint32_t)axes[2];
    f->read = read_tensor;
    return -1;
}

int frames_open(const char *command, const char *path, frames *out)
{
    *out = (frames){.path = path};
    const size_t n = strlen(path);
    int code = -1;
    if (n > 4 && strcmp(path + n - 4, ".png") == 0)
        code = frames_open_png(command, out);
    else if (strcmp(path, "-") == 0 || (n > 4 && strcmp(path + n - 4, ".y4m") == 0))
        code = frames_open_y4m(command, out);
    else
        code = open_tensor(command, out);
    if (code >= 0) frames_close(out);
    return code;
}

void frames_close(frames *f)
{
    if (f->file && f->file != stdin) fclose(f->file);
    tsr_tensors_close(f->tensors);
    free(f->bytes);
    *f = (frames){.path = NULL};
}
