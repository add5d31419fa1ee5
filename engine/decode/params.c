/* Parameter blocks of a kernel, found by content. */
#include "params.h"

#include <stdlib.h>
#include <string.h>

enum { ALIGN = 64 };

static size_t pitch(const tsr_params *params) { return (params->size + ALIGN - 1) / ALIGN * ALIGN; }

void tsr_params_init(tsr_params *params, tsr_device *dev, size_t size) { *params = (tsr_params){.dev = dev, .size = size}; }

void tsr_params_free(tsr_params *params)
{
    tsr_buffer_destroy(params->buffer);
    free(params->blocks);
    *params = (tsr_params){0};
}

uint64_t tsr_params_bytes(const tsr_params *params) { return (uint64_t)TSR_PARAMS_BLOCKS * pitch(params); }

static bk_binding binding(const tsr_params *params, size_t index) { return (bk_binding){params->buffer->bk, (uint64_t)index * pitch(params)}; }

static tsr_status need_memory(tsr_params *params)
{
    if (!params->blocks) params->blocks = malloc(TSR_PARAMS_BLOCKS * params->size);
    if (!params->blocks) return tsr_fail(TSR_ERROR_HOST_MEMORY, "no memory for %d parameter blocks of %zu bytes", TSR_PARAMS_BLOCKS, params->size);
    return params->buffer ? TSR_OK : tsr_buffer_create(params->dev, tsr_params_bytes(params), &params->buffer);
}

tsr_status tsr_params_get(tsr_params *params, const void *block, bk_binding *out)
{
    for (size_t i = 0; i < params->count; i++) {
        const size_t index = (params->last + 1 + i) % params->count;
        if (memcmp(params->blocks + index * params->size, block, params->size) != 0) continue;
        params->last = index;
        *out = binding(params, index);
        return TSR_OK;
    }
    tsr_status status = need_memory(params);
    if (status != TSR_OK) return status;
    const size_t index = params->next;
    status = tsr_buffer_write(params->buffer, (uint64_t)index * pitch(params), block, params->size); /* after all runs that read the old one */
    if (status != TSR_OK) return status;
    memcpy(params->blocks + index * params->size, block, params->size);
    params->next = (index + 1) % TSR_PARAMS_BLOCKS;
    if (params->count < TSR_PARAMS_BLOCKS) params->count++;
    params->last = index;
    *out = binding(params, index);
    return TSR_OK;
}
