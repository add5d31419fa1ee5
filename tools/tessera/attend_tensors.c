/* The tensors of the input file as the attention's description. */
#include <string.h>

#include "attend.h"

/* The last four axes of a tensor of rank 2 to 4, as [B,H,N,D] whatever lies in the file. */
static bool to_layout(const tsr_tensor_view *t, bool bnhd, tsr_layout *out)
{
    if (t->rank < 2 || t->rank > 4) {
        cli_error(ATTEND_NAME, EXIT_INPUT, "tensor '%s' has rank %u; expected 2 to 4", t->name, t->rank);
        return false;
    }
    int64_t shape[4] = {1, 1, 1, 1}, stride[4], step = 1;
    for (uint32_t i = 0; i < t->rank; i++) shape[4 - t->rank + i] = t->shape[i];
    if (bnhd && t->rank == 2) shape[1] = shape[2], shape[2] = 1;
    for (int i = 3; i >= 0; i--) {
        stride[i] = step;
        step *= shape[i] > 0 ? shape[i] : 1;
    }
    *out = (tsr_layout){.dtype = t->dtype};
    static const int as_is[4] = {0, 1, 2, 3}, swapped[4] = {0, 2, 1, 3};
    for (int i = 0; i < 4; i++) {
        out->shape[i] = shape[(bnhd ? swapped : as_is)[i]];
        out->stride[i] = stride[(bnhd ? swapped : as_is)[i]];
    }
    return true;
}

/* The optional tensor of that name, as four axes. */
static bool optional(attend *a, const char *tensor, tsr_tensor_view *view, bool *there, tsr_layout *layout)
{
    *there = tsr_tensors_find(a->file, tensor, view) == TSR_OK;
    return !*there || to_layout(view, false, layout);
}

int attend_describe(attend *a)
{
    tsr_status s = tsr_tensors_find(a->file, "q", &a->q);
    if (s == TSR_OK) s = tsr_tensors_find(a->file, "k", &a->k);
    if (s == TSR_OK) s = tsr_tensors_find(a->file, "v", &a->v);
    if (s != TSR_OK) return cli_fail(ATTEND_NAME, s);
    tsr_attention_desc *d = &a->desc;
    if (!to_layout(&a->q, a->bnhd, &d->q) || !to_layout(&a->k, a->bnhd, &d->k) || !to_layout(&a->v, a->bnhd, &d->v)) return EXIT_INPUT;
    if (!optional(a, "bias", &a->bias, &a->has_bias, &d->bias) || !optional(a, "mask", &a->mask, &a->has_mask, &d->mask)) return EXIT_INPUT;
    a->has_sink = tsr_tensors_find(a->file, "sinks", &a->sink) == TSR_OK;
    if (a->has_sink) {
        if (a->sink.rank != 1)
            return cli_error(ATTEND_NAME, EXIT_INPUT, "tensor 'sinks' has rank %u; expected 1, a logit for each query head", a->sink.rank);
        d->sink = (tsr_layout){.dtype = a->sink.dtype, .shape = {1, a->sink.shape[0], 1, 1}};
    }
    d->o = d->q;
    d->o.shape[3] = d->v.shape[3];
    for (uint32_t i = 0; a->out_dtype && i < TSR_DTYPE_COUNT; i++)
        if (strcmp(a->out_dtype, tsr_dtype_name((tsr_dtype)i)) == 0) {
            d->o.dtype = (tsr_dtype)i;
            break;
        } else if (i + 1 == TSR_DTYPE_COUNT)
            return cli_error(ATTEND_NAME, EXIT_INPUT, "argument --out-dtype is '%s'; expected f32, f16 or bf16", a->out_dtype);
    /* o lies packed, in the order of axes of q. */
    const int64_t h = d->o.shape[1] > 0 ? d->o.shape[1] : 1, n = d->o.shape[2] > 0 ? d->o.shape[2] : 1, dv = d->o.shape[3] > 0 ? d->o.shape[3] : 1;
    d->o.stride[3] = 1;
    d->o.stride[2] = a->bnhd ? h * dv : dv;
    d->o.stride[1] = a->bnhd ? dv : n * dv;
    d->o.stride[0] = h * n * dv;
    if (a->lse || attend_looks(a)) d->lse = (tsr_layout){.dtype = TSR_F32, .shape = {d->q.shape[0], d->q.shape[1], d->q.shape[2], 1}};
    return -1;
}
