/* See stream_source.h. */
#include "stream_source.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

static const char *const name = "stream";

bool stream_source_shapes(stream_source *s, const tsr_tensors *file)
{
    static const char *const names[] = {"q", "k", "v"};
    tsr_tensor_view t[3];
    for (int i = 0; i < 3; i++) {
        if (tsr_tensors_find(file, names[i], &t[i]) != TSR_OK) return cli_fail(name, TSR_ERROR_FILE), false;
        const bool typed = t[i].dtype == TSR_F32 || t[i].dtype == TSR_F16 || t[i].dtype == TSR_BF16;
        if (t[i].rank != 4 || !typed || t[i].dtype != t[0].dtype)
            return cli_error(name, EXIT_INPUT, "tensor '%s' is %s of rank %u; expected [B,H,N,D] in f32, f16 or bf16, as the others", names[i],
                             tsr_dtype_name(t[i].dtype), t[i].rank),
                   false;
    }
    const bool fits = t[0].shape[0] == t[1].shape[0] && t[1].shape[0] == t[2].shape[0] && t[0].shape[2] == t[1].shape[2] &&
                      t[1].shape[2] == t[2].shape[2] && t[1].shape[1] == t[2].shape[1] && t[0].shape[3] == t[1].shape[3] && t[0].shape[2] > 0;
    if (!fits) return cli_error(name, EXIT_INPUT, "tensors q, k and v do not fit; expected [B,Hq,N,D], [B,Hkv,N,D] and [B,Hkv,N,Dv]"), false;
    *s = (stream_source){.dtype = t[0].dtype,
                         .tokens = t[0].shape[2],
                         .batch = t[0].shape[0],
                         .heads_q = t[0].shape[1],
                         .heads_kv = t[1].shape[1],
                         .d = t[0].shape[3],
                         .dv = t[2].shape[3]};
    return true;
}

/* Sums of uniform numbers, near enough to normal ones. */
static float normal(uint64_t *state)
{
    float sum = -2;
    for (int i = 0; i < 4; i++) {
        *state = *state * 6364136223846793005u + 1442695040888963407u;
        sum += (float)(*state >> 40) * 0x1p-24f;
    }
    return sum * 1.7320508f;
}

int stream_source_fill(stream_source *s, tsr_device *dev, const tsr_tensors *file, uint64_t seed)
{
    static const char *const names[] = {"q", "k", "v"};
    tsr_buffer **const buffers[] = {&s->q, &s->k, &s->v};
    const int64_t rows[] = {s->heads_q * s->d, s->heads_kv * s->d, s->heads_kv * s->dv};
    for (int i = 0; i < 3; i++) {
        const uint64_t values = (uint64_t)(s->batch * s->tokens * rows[i]), size = values * tsr_dtype_size(s->dtype);
        tsr_status status = tsr_buffer_create(dev, size, buffers[i]);
        tsr_tensor_view view = {.data = NULL};
        float *random = NULL;
        if (file) {
            if (status == TSR_OK) status = tsr_tensors_find(file, names[i], &view);
        } else if (status == TSR_OK) {
            if (!(random = malloc(size))) return cli_error(name, EXIT_INPUT, "not enough memory for %llu random numbers", (unsigned long long)values);
            for (uint64_t at = 0; at < values; at++) random[at] = normal(&seed);
            view.data = random;
        }
        if (status == TSR_OK) status = tsr_buffer_write(*buffers[i], 0, view.data, size);
        free(random);
        if (status != TSR_OK) return cli_fail(name, status);
    }
    return -1;
}

bool stream_source_chunks(stream_source *s, const tsr_stream_desc *desc, int64_t frames)
{
    for (uint32_t k = 0; k < desc->kind_count; k++) s->chunk += frames * (desc->kinds[k].frame ? desc->kinds[k].frame : 1);
    s->kinds = calloc((size_t)s->chunk, sizeof(*s->kinds));
    const bool counted = desc->rope.axes > 0 && (desc->kind_count > 1 || desc->rope.together); /* kinds share one clock */
    if (counted) s->positions = calloc((size_t)s->chunk * desc->rope.axes, sizeof(*s->positions));
    int64_t at = 0;
    for (uint32_t k = 0; s->kinds && k < desc->kind_count; k++)
        for (int64_t i = 0; i < frames * (desc->kinds[k].frame ? desc->kinds[k].frame : 1); i++) s->kinds[at++] = (uint8_t)k;
    return s->kinds && (s->positions || !counted);
}

/* A token of its own moves on by one on all axes; a frame stands at one time, spreads over the other axes and moves on by as much. */
static void count_positions(stream_source *s, const tsr_stream_desc *desc)
{
    const uint32_t axes = desc->rope.axes;
    const int64_t height = desc->rope.grid[0] ? desc->rope.grid[0] : 1, width = desc->rope.grid[1] ? desc->rope.grid[1] : 1;
    for (int64_t i = 0, in_frame = 0; i < s->chunk; i++) {
        const int64_t frame = desc->kinds[s->kinds[i]].frame ? desc->kinds[s->kinds[i]].frame : 1;
        const int64_t place[3] = {0, frame > 1 ? in_frame / width : 0, frame > 1 ? in_frame % width : 0};
        for (uint32_t a = 0; a < axes; a++) s->positions[i * axes + a] = s->clock + place[a];
        if (++in_frame < frame) continue;
        in_frame = 0;
        s->clock += frame > 1 ? (height > width ? height : width) : 1;
    }
}

static void part(const stream_source *s, tsr_buffer *buffer, int64_t heads, int64_t channels, int64_t first, tsr_layout *layout, tsr_span *span)
{
    *layout = (tsr_layout){s->dtype, {s->batch, heads, s->chunk, channels}, {heads * s->tokens * channels, s->tokens * channels, channels, 1}};
    *span = (tsr_span){buffer, (uint64_t)(first * channels) * tsr_dtype_size(s->dtype)};
}

void stream_source_next(stream_source *s, const tsr_stream_desc *desc, tsr_buffer *out, tsr_stream_tokens *tokens, tsr_stream_queries *queries)
{
    const int64_t first = s->next % (s->tokens / s->chunk * s->chunk);
    *tokens = (tsr_stream_tokens){.count = s->chunk, .kinds = s->kinds, .positions = s->positions};
    *queries = (tsr_stream_queries){.count = s->chunk, .o = {TSR_F32, {s->batch, s->heads_q, s->chunk, s->dv}, {0}}, .o_span = {out, 0}};
    part(s, s->q, s->heads_q, s->d, first, &queries->q, &queries->q_span);
    part(s, s->k, s->heads_kv, s->d, first, &tokens->k, &tokens->k_span);
    part(s, s->v, s->heads_kv, s->dv, first, &tokens->v, &tokens->v_span);
    if (s->positions) count_positions(s, desc);
    s->next += s->chunk;
}

void stream_source_free(stream_source *s)
{
    tsr_buffer_destroy(s->q);
    tsr_buffer_destroy(s->k);
    tsr_buffer_destroy(s->v);
    free(s->kinds);
    free(s->positions);
}
