/* A video latent from a file, frame by frame. */
#include "latent.h"

#include "number.h"

int latent_open(const char *command, const char *path, bool tchw, latent *out)
{
    *out = (latent){0};
    tsr_status s = tsr_tensors_open(path, &out->file);
    if (s != TSR_OK) return cli_fail(command, s);
    tsr_tensor_view *v = &out->view;
    if (tsr_tensors_find(out->file, "latent", v) != TSR_OK && tsr_tensors_find(out->file, "latent_tensor", v) != TSR_OK) {
        if (tsr_tensors_count(out->file) != 1)
            return cli_error(command, EXIT_INPUT, "%s has %zu tensors and none named latent or latent_tensor", path, tsr_tensors_count(out->file));
        tsr_tensors_at(out->file, 0, v);
    }
    const bool batch = v->rank == 5 && v->shape[0] == 1;
    if (v->rank != 4 && !batch)
        return cli_error(command, EXIT_INPUT, "tensor '%s' of %s has rank %u; expected %s or that with a leading 1", v->name, path, v->rank,
                         tchw ? "[T,C,h,w]" : "[C,T,h,w]");
    if (v->dtype != TSR_F32 && v->dtype != TSR_F16 && v->dtype != TSR_BF16)
        return cli_error(command, EXIT_INPUT, "tensor '%s' of %s is of type %s; expected f32, f16 or bf16", v->name, path, tsr_dtype_name(v->dtype));
    const int64_t *shape = v->shape + batch;
    for (int i = 0; i < 4; i++)
        if (shape[i] < 1 || shape[i] > 1 << 20)
            return cli_error(command, EXIT_INPUT, "tensor '%s' of %s has an axis of %lld; expected 1 to %d", v->name, path, (long long)shape[i],
                             1 << 20);
    out->channels = (uint32_t)shape[tchw];
    out->frames = (uint32_t)shape[!tchw];
    out->height = (uint32_t)shape[2];
    out->width = (uint32_t)shape[3];
    const int64_t plane = shape[2] * shape[3];
    out->stride_c = tchw ? plane : shape[1] * plane;
    out->stride_t = tchw ? shape[1] * plane : plane;
    return -1;
}

void latent_close(latent *l) { tsr_tensors_close(l->file); }

void latent_frame(const latent *l, uint32_t t, float *out)
{
    const size_t plane = (size_t)l->height * l->width, size = tsr_dtype_size(l->view.dtype);
    for (uint32_t c = 0; c < l->channels; c++) {
        const unsigned char *from = (const unsigned char *)l->view.data + ((size_t)c * (size_t)l->stride_c + (size_t)t * (size_t)l->stride_t) * size;
        for (size_t i = 0; i < plane; i++, from += size) *out++ = (float)number_load(l->view.dtype, from);
    }
}
