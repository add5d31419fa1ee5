/* See wan_file.h. */
#include "unit/wan_file.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

void wan_add(wan_file *file, const char *name, tsr_dtype dtype, uint32_t rank, const int64_t *shape)
{
    wan_tensor *t = &file->tensors[file->count++];
    if (file->count > WAN_TENSORS) abort();
    *t = (wan_tensor){.rank = rank, .dtype = dtype};
    snprintf(t->name, sizeof(t->name), "%s", name);
    memcpy(t->shape, shape, rank * sizeof(*shape));
}

size_t wan_find(const wan_file *file, const char *name)
{
    size_t i = 0;
    while (i < file->count && strcmp(file->tensors[i].name, name) != 0) i++;
    return i;
}

typedef struct maker {
    wan_file *file;
    const wan_desc *desc;
} maker;

/* part's weight and bias; kt 0: of two dimensions. */
static void conv(const maker *m, const char *block, const char *part, int64_t cout, int64_t cin, int64_t kt, int64_t k)
{
    char name[112];
    const int64_t shape3[] = {cout, cin, kt, k, k}, shape2[] = {cout, cin, k, k};
    snprintf(name, sizeof(name), "%s%s%s.weight", m->desc->prefix, block, part);
    wan_add(m->file, name, TSR_F32, kt ? 5 : 4, kt ? shape3 : shape2);
    snprintf(name, sizeof(name), "%s%s%s.bias", m->desc->prefix, block, part);
    wan_add(m->file, name, TSR_F32, 1, &cout);
}

static void gamma_of(const maker *m, const char *block, const char *part, int64_t channels, uint32_t rank)
{
    char name[112];
    const int64_t shape[] = {channels, 1, 1, 1};
    snprintf(name, sizeof(name), "%s%s%s.gamma", m->desc->prefix, block, part);
    wan_add(m->file, name, TSR_F32, rank, shape);
}

static void residual(const maker *m, const char *block, int64_t cin, int64_t cout)
{
    const bool d = m->desc->diffusers;
    gamma_of(m, block, d ? ".norm1" : ".residual.0", cin, 4);
    conv(m, block, d ? ".conv1" : ".residual.2", cout, cin, 3, 3);
    gamma_of(m, block, d ? ".norm2" : ".residual.3", cout, 4);
    conv(m, block, d ? ".conv2" : ".residual.6", cout, cout, 3, 3);
    if (cin != cout) conv(m, block, d ? ".conv_shortcut" : ".shortcut", cout, cin, 1, 1);
}

/* Block i of a level, of which number 3 is the up-sampler. */
static const char *block_name(const maker *m, int level, int i)
{
    static char name[112];
    const char *up = m->desc->wan22 ? "decoder.up_blocks.%d.upsampler" : "decoder.up_blocks.%d.upsamplers.0";
    if (m->desc->diffusers && i == 3)
        snprintf(name, sizeof(name), up, level);
    else if (m->desc->diffusers)
        snprintf(name, sizeof(name), "decoder.up_blocks.%d.resnets.%d", level, i);
    else if (m->desc->wan22)
        snprintf(name, sizeof(name), "decoder.upsamples.%d.upsamples.%d", level, i);
    else
        snprintf(name, sizeof(name), "decoder.upsamples.%d", 4 * level + i);
    return name;
}

void wan_make(wan_file *file, const wan_desc *desc)
{
    const maker m = {file, desc};
    const bool d = desc->diffusers;
    int64_t c = desc->widths[0];
    file->count = 0;
    conv(&m, d ? "post_quant_conv" : "conv2", "", desc->latent, desc->latent, 1, 1);
    conv(&m, "decoder", d ? ".conv_in" : ".conv1", c, desc->latent, 3, 3);
    residual(&m, d ? "decoder.mid_block.resnets.0" : "decoder.middle.0", c, c);
    gamma_of(&m, d ? "decoder.mid_block.attentions.0" : "decoder.middle.1", ".norm", c, 3);
    conv(&m, d ? "decoder.mid_block.attentions.0" : "decoder.middle.1", ".to_qkv", 3 * c, c, 0, 1);
    conv(&m, d ? "decoder.mid_block.attentions.0" : "decoder.middle.1", ".proj", c, c, 0, 1);
    residual(&m, d ? "decoder.mid_block.resnets.1" : "decoder.middle.2", c, c);
    for (int level = 0; level < WAN_LEVELS; level++) {
        for (int i = 0; i < 3; i++, c = desc->widths[level]) residual(&m, block_name(&m, level, i), c, desc->widths[level]);
        if (level == WAN_LEVELS - 1) break;
        if (level < 2) conv(&m, block_name(&m, level, 3), ".time_conv", 2 * c, c, 3, 1);
        conv(&m, block_name(&m, level, 3), ".resample.1", desc->wan22 ? c : c / 2, c, 0, 3);
        c = desc->wan22 ? c : c / 2;
    }
    gamma_of(&m, "decoder", d ? ".norm_out" : ".head.0", c, 4);
    conv(&m, "decoder", d ? ".conv_out" : ".head.2", desc->last, c, 3, 3);
}

tsr_status wan_save(const wan_file *file, const char *path)
{
    static tsr_tensor_view views[WAN_TENSORS];
    uint64_t largest = 1;
    for (size_t i = 0; i < file->count; i++) {
        const wan_tensor *t = &file->tensors[i];
        views[i] = (tsr_tensor_view){.name = t->name, .dtype = t->dtype, .rank = t->rank, .size = tsr_dtype_size(t->dtype)};
        memcpy(views[i].shape, t->shape, sizeof(t->shape));
        for (uint32_t axis = 0; axis < t->rank; axis++) views[i].size *= (uint64_t)t->shape[axis];
        if (views[i].size > largest) largest = views[i].size;
    }
    void *zeros = calloc(largest, 1);
    for (size_t i = 0; i < file->count; i++) views[i].data = zeros;
    const tsr_status status = zeros ? tsr_tensors_save(path, views, file->count) : TSR_ERROR_HOST_MEMORY;
    free(zeros);
    return status;
}
