/* A context: the backends that are there, and the list of their devices. */
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "internal.h"
#include "tune/tune.h"

static void context_log(void *user, tsr_log_level level, const char *format, ...)
{
    const tsr_context *ctx = user;
    if (!ctx->desc.log) return;
    char text[2048];
    va_list args;
    va_start(args, format);
    vsnprintf(text, sizeof(text), format, args);
    va_end(args);
    ctx->desc.log(ctx->desc.log_user, level, text);
}

/* The database that the description, the environment or the cache folder names; the file may be missing. */
static struct tsr_tuning *open_tuning(const tsr_context *ctx, const char *named)
{
    if (!named) named = getenv("TESSERA_TUNING");
    if (named || !ctx->cache_dir) return tsr_tuning_create(&ctx->services, named && named[0] ? named : NULL);
    const size_t size = strlen(ctx->cache_dir) + sizeof("/tuning.json");
    char *path = malloc(size);
    if (!path) return NULL;
    snprintf(path, size, "%s/tuning.json", ctx->cache_dir);
    struct tsr_tuning *tuning = tsr_tuning_create(&ctx->services, path);
    free(path);
    return tuning;
}

static void probe_backend(tsr_context *ctx, size_t number, tsr_device_info *infos)
{
    const tsr_backend *backend = tsr_backends[number];
    void **state = &ctx->backend_state[number];
    const size_t room = TSR_MAX_DEVICES - ctx->device_count;
    size_t count = backend->probe(&ctx->services, state, infos, room);
    if (count > room) {
        context_log(ctx, TSR_LOG_WARNING, "backend %s has %zu devices; only %zu are listed", backend->name, count, room);
        count = room;
    }
    for (size_t i = 0; i < count; i++) {
        ctx->devices[ctx->device_count].backend = backend;
        ctx->devices[ctx->device_count].state = *state;
        ctx->devices[ctx->device_count].index = i;
        ctx->devices[ctx->device_count].info = infos[i];
        ctx->device_count++;
    }
}

tsr_status tsr_context_create(const tsr_context_desc *desc, tsr_context **out)
{
    if (!out) return tsr_fail(TSR_ERROR_ARGUMENT, "argument out is NULL; expected where to put the context");
    *out = NULL;
    if (desc && desc->abi != 0 && desc->abi != TSR_ABI)
        return tsr_fail(TSR_ERROR_ARGUMENT, "argument abi is %u; expected %u (this library's TSR_ABI)", desc->abi, TSR_ABI);
    tsr_context *ctx = calloc(1, sizeof(*ctx));
    tsr_device_info *infos = calloc(TSR_MAX_DEVICES, sizeof(*infos));
    if (!ctx || !infos) {
        free(ctx);
        free(infos);
        return tsr_fail(TSR_ERROR_HOST_MEMORY, "no memory for a context of %zu bytes", sizeof(*ctx));
    }
    if (desc) ctx->desc = *desc;
    if (!desc || !desc->cache_dir)
        ctx->cache_dir = tsr_cache_dir_default();
    else if (desc->cache_dir[0])
        ctx->cache_dir = strdup(desc->cache_dir);
    ctx->desc.cache_dir = ctx->desc.tuning = NULL;
    ctx->services = (bk_services){
        .ctx = ctx, .validation = desc && desc->validation, .log = context_log, .cache_load = tsr_cache_load, .cache_store = tsr_cache_store};
    if (!(ctx->tuning = open_tuning(ctx, desc ? desc->tuning : NULL))) {
        free(ctx->cache_dir);
        free(ctx);
        free(infos);
        return tsr_fail(TSR_ERROR_HOST_MEMORY, "no memory for the tuning database");
    }
    for (size_t i = 0; tsr_backends[i] && i < TSR_MAX_BACKENDS; i++) probe_backend(ctx, i, infos);
    free(infos);
    *out = ctx;
    return TSR_OK;
}

void tsr_context_destroy(tsr_context *ctx)
{
    if (!ctx) return;
    for (size_t i = 0; tsr_backends[i] && i < TSR_MAX_BACKENDS; i++) tsr_backends[i]->release(ctx->backend_state[i]);
    tsr_tuning_destroy(ctx->tuning);
    free(ctx->cache_dir);
    free(ctx);
}

size_t tsr_device_count(const tsr_context *ctx) { return ctx ? ctx->device_count : 0; }

tsr_status tsr_device_get_info(const tsr_context *ctx, size_t index, tsr_device_info *out)
{
    if (!ctx || !out) return tsr_fail(TSR_ERROR_ARGUMENT, "argument %s is NULL", ctx ? "out" : "ctx");
    if (index >= ctx->device_count) return tsr_fail(TSR_ERROR_ARGUMENT, "argument index is %zu; expected less than %zu", index, ctx->device_count);
    *out = ctx->devices[index].info;
    return TSR_OK;
}
