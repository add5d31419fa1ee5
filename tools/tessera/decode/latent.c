/* Finds the latent in a file, and what the file is by its names: ComfyUI's, musubi-tuner's, or any other. */
#include "decode/latent.h"

#include <errno.h>
#include <fcntl.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

#include "number.h"

/* musubi-tuner's cache: latents_21x60x104_bf16, [C,F,H,W]. */
static bool is_cache_name(const char *name)
{
    int used = 0;
    return sscanf(name, "latents_%*ux%*ux%*u_%n", &used) == 0 && used > 0;
}

static int find_tensor(const char *command, const latent_options *o, latent *l)
{
    static const char *const names[] = {"latent_tensor", "latent", "latents", "samples"};
    const size_t count = tsr_tensors_count(l->file);
    tsr_tensor_view *v = &l->view;
    if (o->tensor) return tsr_tensors_find(l->file, o->tensor, v) == TSR_OK ? -1 : cli_fail(command, TSR_ERROR_ARGUMENT);
    for (size_t i = 0; i < sizeof(names) / sizeof(names[0]); i++)
        if (tsr_tensors_find(l->file, names[i], v) == TSR_OK) return -1;
    size_t found = 0;
    for (size_t i = 0; i < count; i++) {
        tsr_tensor_view one;
        tsr_tensors_at(l->file, i, &one);
        if (is_cache_name(one.name) && found++ == 0) *v = one;
    }
    if (found == 1) return -1;
    if (count == 1) return tsr_tensors_at(l->file, 0, v), -1;
    return cli_error(command, EXIT_INPUT, "%s has %zu tensors and none named latent_tensor, latent, latents or samples; expected --tensor NAME",
                     l->path, count);
}

/* Bare numbers with all axes. */
static int map_raw(const char *command, const char *path, const latent_options *o, latent *l)
{
    tsr_tensor_view *v = &l->view;
    v->name = "(bare numbers)";
    const int code = latent_raw_dtype(command, o, &v->dtype);
    if (code >= 0) return code;
    v->rank = (uint32_t)latent_numbers(o->raw_shape, v->shape, 8);
    uint64_t size = tsr_dtype_size(v->dtype);
    bool fits = v->rank > 0;
    for (uint32_t i = 0; i < v->rank; i++) fits = !__builtin_mul_overflow(size, (uint64_t)v->shape[i], &size) && fits;
    if (!fits) return cli_error(command, EXIT_INPUT, "argument --raw-shape is '%s'; expected C,h,w or all axes, as 16,21,60,104", o->raw_shape);
    const int fd = open(path, O_RDONLY | O_CLOEXEC);
    struct stat st;
    if (fd < 0 || fstat(fd, &st) != 0) {
        if (fd >= 0) close(fd);
        return cli_error(command, EXIT_INPUT, "%s: cannot be read: %s", path, strerror(errno));
    }
    if (S_ISREG(st.st_mode) && (uint64_t)st.st_size == size) l->map = mmap(NULL, (size_t)size, PROT_READ, MAP_PRIVATE, fd, 0);
    close(fd);
    if (l->map == MAP_FAILED) l->map = NULL;
    if (!l->map)
        return cli_error(command, EXIT_INPUT, "%s has %lld bytes; --raw-shape %s in %s needs %llu", path, (long long)st.st_size, o->raw_shape,
                         tsr_dtype_name(v->dtype), (unsigned long long)size);
    l->map_size = (size_t)size;
    v->data = l->map;
    v->size = size;
    snprintf(l->kind, sizeof(l->kind), "bare numbers");
    return -1;
}

/* ComfyUI's files hold what the decoder's formula for latents has already been applied to; without the marker those of its first versions,
 * scaled as Stable Diffusion 1.5 does. */
static void tell_kind(latent *l)
{
    tsr_tensor_view marker;
    l->scale = 1.0f;
    if (strcmp(l->view.name, "latent_tensor") == 0) {
        const bool marked = tsr_tensors_find(l->file, "latent_format_version_0", &marker) == TSR_OK;
        snprintf(l->kind, sizeof(l->kind), "ComfyUI's%s", marked ? "" : " first format");
        l->space = TSR_LATENTS_RAW;
        l->known = l->view.rank == 4 ? "tchw" : "cthw"; /* of images: [B,C,h,w] */
        if (!marked) l->scale = 1.0f / 0.18215f;
    } else if (is_cache_name(l->view.name)) {
        snprintf(l->kind, sizeof(l->kind), "musubi-tuner's cache");
        l->known = "cthw";
    } else
        snprintf(l->kind, sizeof(l->kind), "tensor '%.40s'", l->view.name);
}

int latent_open(const char *command, const char *path, const latent_options *o, latent *out)
{
    bool stream = false;
    *out = (latent){.stream = -1, .scale = 1.0f};
    snprintf(out->path, sizeof(out->path), "%s", strcmp(path, "-") == 0 ? "standard input" : path);
    if (o->space && strcmp(o->space, "normalized") != 0 && strcmp(o->space, "raw") != 0)
        return cli_error(command, EXIT_INPUT, "argument --latents-space is '%s'; expected normalized or raw", o->space);
    if (o->raw_dtype && !o->raw_shape) return cli_error(command, EXIT_INPUT, "argument --raw-dtype is given without --raw-shape");
    int code = latent_stream_open(command, path, o, out, &stream);
    if (code < 0 && !stream) {
        if (o->raw_shape)
            code = map_raw(command, path, o, out);
        else if (tsr_tensors_open(strcmp(path, "-") == 0 ? "/dev/stdin" : path, &out->file) != TSR_OK)
            code = cli_fail(command, TSR_ERROR_FILE);
        else if ((code = find_tensor(command, o, out)) < 0)
            tell_kind(out);
    }
    if (o->space) out->space = strcmp(o->space, "raw") == 0 ? TSR_LATENTS_RAW : TSR_LATENTS_NORMALIZED;
    if (code >= 0) latent_close(out);
    return code;
}

void latent_close(latent *l)
{
    tsr_tensors_close(l->file);
    if (l->map) munmap(l->map, l->map_size);
    if (l->stream > 0) close(l->stream);
    free(l->row);
    *l = (latent){.stream = -1};
}

int latent_frame(const char *command, latent *l, uint64_t t, float *out, int *got)
{
    if (l->stream >= 0) return latent_stream_next(command, l, out, got);
    *got = t < l->frames;
    if (!*got) return -1;
    const int64_t size = (int64_t)tsr_dtype_size(l->view.dtype);
    for (int64_t c = 0; c < l->channels; c++)
        for (int64_t y = 0; y < l->height; y++) {
            const unsigned char *from =
                (const unsigned char *)l->view.data + (l->first + c * l->stride_c + (int64_t)t * l->stride_t + y * l->stride_h) * size;
            for (int64_t x = 0; x < l->width; x++, from += l->stride_w * size) *out++ = (float)number_load(l->view.dtype, from) * l->scale;
        }
    return -1;
}

int latent_check_finite(const char *command, latent *l, float *room)
{
    const size_t n = (size_t)l->channels * l->height * l->width;
    int got = 1;
    for (uint64_t t = 0; l->stream < 0 && t < l->frames; t++) {
        latent_frame(command, l, t, room, &got);
        for (size_t i = 0; i < n; i++)
            if (!isfinite(room[i]))
                return cli_error(command, EXIT_INPUT, "%s: latent frame %llu has %g; expected finite numbers (--allow-nan decodes it as it is)",
                                 l->path, (unsigned long long)t, (double)room[i]);
    }
    return -1;
}
