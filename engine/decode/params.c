/* Parameter blocks of a kernel, found by content. */
#include "params.h"

#include <stdlib.h>
#include <string.h>

enum { ALIGN = 64 };

static size_t pitch(const tsr_params *params) { return (params->size + ALIGN - 1) / ALIGN * ALIGN; }

void tsr_params_init(tsr_params *params, tsr_device *dev, size_t size) { *params = (tsr_params){.dev = dev, .size = size}; }

void tsr_params_free(tsr_params *params)
{
    for (size_t i = 0; i < params->chunk_count; i++) tsr_buffer_destroy(params->chunks[i]);
    free(params->chunks);
    free(params->blocks);
    *params = (tsr_params){0};
}

uint64_t tsr_params_bytes(const tsr_params *params) { return (uint64_t)params->chunk_count * TSR_PARAMS_CHUNK * pitch(params); }

static bk_binding binding(const tsr_params *params, size_t index)
{
    return (bk_binding){params->chunks[index / TSR_PARAMS_CHUNK]->bk, (uint64_t)(index % TSR_PARAMS_CHUNK) * pitch(params)};
}

static tsr_status grow(tsr_params *params)
{
    const size_t chunks = params->chunk_count + 1;
    tsr_buffer **const more = realloc(params->chunks, chunks * sizeof(*more));
    if (more) params->chunks = more;
    unsigned char *const blocks = realloc(params->blocks, chunks * TSR_PARAMS_CHUNK * params->size);
    if (blocks) params->blocks = blocks;
    if (!more || !blocks)
        return tsr_fail(TSR_ERROR_HOST_MEMORY, "no memory for %zu parameter blocks of %zu bytes", chunks * TSR_PARAMS_CHUNK, params->size);
    const tsr_status status = tsr_buffer_create(params->dev, (uint64_t)TSR_PARAMS_CHUNK * pitch(params), &params->chunks[params->chunk_count]);
    if (status == TSR_OK) params->chunk_count = chunks;
    return status;
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
    tsr_status status = params->count < params->chunk_count * TSR_PARAMS_CHUNK ? TSR_OK : grow(params);
    if (status != TSR_OK) return status;
    const size_t index = params->count;
    status = tsr_buffer_write(params->chunks[index / TSR_PARAMS_CHUNK], (uint64_t)(index % TSR_PARAMS_CHUNK) * pitch(params), block, params->size);
    if (status != TSR_OK) return status;
    memcpy(params->blocks + index * params->size, block, params->size);
    params->count++;
    params->last = index;
    *out = binding(params, index);
    return TSR_OK;
}
