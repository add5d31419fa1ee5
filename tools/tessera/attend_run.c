/* The run of tessera attend, and its output file. */
#include <stdio.h>
#include <stdlib.h>

#include "attend.h"

static uint64_t layout_bytes(const tsr_layout *l)
{
    return (uint64_t)l->shape[0] * (uint64_t)l->shape[1] * (uint64_t)l->shape[2] * (uint64_t)l->shape[3] * tsr_dtype_size(l->dtype);
}

tsr_status attend_upload(attend *a)
{
    const tsr_tensor_view *const inputs[6] = {
        &a->q, &a->k, &a->v, a->has_bias ? &a->bias : NULL, a->has_mask ? &a->mask : NULL, a->has_sink ? &a->sink : NULL};
    for (int i = 0; i < 6; i++) {
        if (!inputs[i]) continue;
        tsr_status s = tsr_buffer_create(a->device.dev, inputs[i]->size, &a->buffers[i]);
        if (s == TSR_OK) s = tsr_buffer_write(a->buffers[i], 0, inputs[i]->data, inputs[i]->size);
        if (s != TSR_OK) return s;
    }
    const tsr_status s = tsr_buffer_create(a->device.dev, layout_bytes(&a->desc.o), &a->buffers[6]);
    return s == TSR_OK && (a->lse || attend_looks(a)) ? tsr_buffer_create(a->device.dev, layout_bytes(&a->desc.lse), &a->buffers[7]) : s;
}

/* In parts of about a fifth of a second, so that progress shows and Ctrl-C is heard. */
int attend_run(attend *a)
{
    tsr_buffer **b = a->buffers;
    tsr_attention_args args = {
        .q = {b[0], 0}, .k = {b[1], 0}, .v = {b[2], 0}, .bias = {b[3], 0}, .mask = {b[4], 0}, .sink = {b[5], 0}, .o = {b[6], 0}, .lse = {b[7], 0}};
    tsr_attention_info info;
    tsr_attention_get_info(a->plan, &info);
    const double start = cli_now();
    uint64_t part = info.flops < 1000000000 ? info.tile_count : info.tile_count / 64 + 1;
    while (args.first_tile < info.tile_count) {
        if (cli_interrupted()) return cli_error(ATTEND_NAME, EXIT_INTERRUPTED, "interrupted; no file was written");
        args.tile_count = part < info.tile_count - args.first_tile ? part : info.tile_count - args.first_tile;
        const double before = cli_now();
        tsr_status s = tsr_attention_run(a->plan, &args);
        if (s == TSR_OK) s = tsr_device_wait(a->device.dev);
        if (s != TSR_OK) return cli_fail(ATTEND_NAME, s);
        const double took = cli_now() - before;
        if (args.first_tile == 0) cli_waits_end();
        args.first_tile += args.tile_count;
        if (took < 0.1)
            part *= 2;
        else if (took > 0.4 && part > 1)
            part /= 2;
        cli_progress("attend", (double)args.first_tile / (double)info.tile_count);
    }
    a->seconds = cli_now() - start;
    cli_progress_end();
    return -1;
}

/* The tensors of the output file: o, then what else was asked for. */
static size_t outputs(attend *a, tsr_tensor_view *out, tsr_buffer **from)
{
    size_t count = 0;
    tsr_tensor_view o = a->q, lse = {.name = "lse", .dtype = TSR_F32, .rank = a->q.rank - 1, .size = tsr_buffer_size(a->buffers[7])};
    o.name = "o";
    o.dtype = a->desc.o.dtype;
    o.shape[a->q.rank - 1] = a->desc.o.shape[3];
    o.size = tsr_buffer_size(a->buffers[6]);
    for (uint32_t i = 0; i < lse.rank; i++) lse.shape[i] = a->desc.q.shape[3 - lse.rank + i]; /* [B,H,N] */
    from[count] = a->buffers[6], out[count++] = o;
    if (a->lse) from[count] = a->buffers[7], out[count++] = lse;
    for (int i = 0; i < ATTEND_LOOKS; i++)
        if (a->look_buffers[i]) from[count] = a->look_buffers[i], out[count++] = a->looks[i];
    return count;
}

int attend_save(attend *a)
{
    tsr_tensor_view out[2 + ATTEND_LOOKS];
    tsr_buffer *from[2 + ATTEND_LOOKS];
    void *data[2 + ATTEND_LOOKS] = {NULL};
    const size_t count = outputs(a, out, from);
    int code = -1;
    for (size_t i = 0; i < count && code < 0; i++) {
        if (!(data[i] = malloc(out[i].size + 1))) {
            code = cli_error(ATTEND_NAME, EXIT_INPUT, "not enough memory for an output of %llu bytes", (unsigned long long)out[i].size);
            break;
        }
        out[i].data = data[i];
        const tsr_status s = tsr_buffer_read(from[i], 0, data[i], out[i].size);
        if (s != TSR_OK) code = cli_fail(ATTEND_NAME, s);
    }
    if (code < 0) {
        const tsr_status s = tsr_tensors_save(a->out, out, count);
        if (s != TSR_OK) code = cli_fail(ATTEND_NAME, s);
    }
    for (size_t i = 0; i < count; i++) free(data[i]);
    return code;
}
