/* Compiled kernels of a device, kept so that plans share them; tile models: their names, and which suits it. */
#include <stdlib.h>
#include <string.h>

#include "expression/expression.h"
#include "internal.h"

struct tsr_kernel_entry {
    tsr_kernel_entry *next;
    const bk_kernel_source *source;
    int32_t specs[BK_MAX_SPECS];
    char *text;              /* of the user's expression; NULL: none */
    tsr_expression *program; /* likewise */
    bk_kernel *kernel;
};

tsr_tile tsr_tile_for(const tsr_device_info *info)
{
    if (info->vector_width >= 4) return TSR_TILE_VECTOR;
    /* A CPU behind a GPU interface runs a sub-group as one vector and pays dearly for barriers. */
    if (info->type == TSR_DEVICE_CPU && (info->features & TSR_FEATURE_SUBGROUP) && info->subgroup_min == info->subgroup_max &&
        info->subgroup_max <= 32)
        return TSR_TILE_SUBGROUP;
    return TSR_TILE_SIMT;
}

const char *tsr_tile_name(tsr_tile tile)
{
    static const char *const names[TSR_TILE_COUNT] = {
        [TSR_TILE_AUTO] = "auto",         [TSR_TILE_VECTOR] = "vector", [TSR_TILE_SIMT] = "simt",
        [TSR_TILE_SUBGROUP] = "subgroup", [TSR_TILE_MATRIX] = "matrix", [TSR_TILE_PACKED] = "packed",
    };
    return (unsigned)tile < TSR_TILE_COUNT ? names[tile] : "unknown";
}

void tsr_kernel_defines(const bk_kernel_source *source, uint32_t dots, bk_define out[BK_DEFINES])
{
    const bool packed = source->tile == TSR_TILE_PACKED, matrix = source->tile == TSR_TILE_MATRIX;
    const uint32_t used = dots & source->dots;
    const bk_define all[BK_DEFINES] = {
        {"TILE", packed ? TSR_TILE_SIMT : (int32_t)source->tile},
        {"MAT_DT", matrix ? (int32_t)source->input : 0},
        {"MAT_REDUCED", source->reduced},
        {"QK_DT", packed ? (int32_t)source->input : 0},
        {"PV_DT", (int32_t)source->values},
        {"F16_SUMS", source->sums == TSR_F16},
        {"F16_DOT", (used & TSR_FEATURE_F16_DOT) != 0},
        {"INT8_DOT", (used & TSR_FEATURE_INT8_DOT) != 0},
    };
    memcpy(out, all, sizeof(all));
}

uint32_t tsr_loop_limit(const tsr_device *dev) { return dev->backend->loop_limit ? dev->backend->loop_limit(dev->bk) : 0; }

static bool fits(const tsr_kernel_entry *e, const bk_kernel_source *source, const int32_t *specs, const char *text)
{
    return e->source == source && memcmp(e->specs, specs, source->spec_count * sizeof(specs[0])) == 0 && !e->text == !text &&
           (!text || strcmp(e->text, text) == 0);
}

static void destroy(tsr_device *dev, tsr_kernel_entry *e)
{
    if (e->kernel) dev->backend->kernel_destroy(dev->bk, e->kernel);
    tsr_expression_destroy(e->program);
    free(e->text);
    free(e);
}

/* Takes text. */
static tsr_status create(tsr_device *dev, const bk_kernel_source *source, const int32_t *specs, const tsr_expression *user, char *text,
                         tsr_kernel_entry **out)
{
    tsr_kernel_entry *e = calloc(1, sizeof(*e));
    if (e && user) e->program = tsr_expression_program(user);
    if (!e || (user && !e->program)) {
        free(text);
        free(e);
        return tsr_fail(TSR_ERROR_HOST_MEMORY, "no memory for a kernel entry of %zu bytes", sizeof(*e));
    }
    e->text = text;
    e->source = source;
    memcpy(e->specs, specs, source->spec_count * sizeof(specs[0]));
    const bk_user own = {
        .text = text, .program = e->program, .scratch = user ? tsr_expression_lanes_size(user) : 0, .score = tsr_expression_score_tile};
    const bk_kernel_desc desc = {.source = source, .specs = specs, .user = user ? &own : NULL};
    tsr_status status = tsr_queue_ready(dev, true);
    if (status == TSR_OK) status = tsr_queue_note(dev, dev->backend->kernel_create(dev->bk, &desc, &e->kernel));
    if (status != TSR_OK) {
        destroy(dev, e);
        return status;
    }
    *out = e;
    return TSR_OK;
}

static tsr_status get(tsr_device *dev, const bk_kernel_source *source, const int32_t *specs, const tsr_expression *user, bk_kernel **out)
{
    char *text = user ? tsr_expression_kernel_text(user) : NULL;
    if (user && !text) return tsr_fail(TSR_ERROR_HOST_MEMORY, "no memory for the text of an expression");
    tsr_kernel_entry *e = dev->kernels;
    while (e && !fits(e, source, specs, text)) e = e->next;
    if (e) {
        free(text);
        *out = e->kernel;
        return TSR_OK;
    }
    const tsr_status status = create(dev, source, specs, user, text, &e);
    if (status != TSR_OK) return status;
    e->next = dev->kernels;
    dev->kernels = e;
    *out = e->kernel;
    return TSR_OK;
}

tsr_status tsr_kernel_get_scored(tsr_device *dev, const char *name, tsr_tile tile, const int32_t *specs, const tsr_expression *user, bk_kernel **out)
{
    const bk_kernel_source *source = tsr_kernel_source(name, tile);
    return source ? get(dev, source, specs, user, out) : tsr_fail(TSR_ERROR_INTERNAL, "kernel %s has no tile model %d", name, (int)tile);
}

bool tsr_kernel_matrix_built(const char *name, tsr_dtype input)
{
    const bk_kernel_source *source = tsr_kernel_matrix_source(name, input);
    return source && (source->spirv || source->dpas);
}

tsr_status tsr_kernel_get_matrix(tsr_device *dev, const char *name, tsr_dtype input, const int32_t *specs, const tsr_expression *user,
                                 bk_kernel **out)
{
    if (!tsr_kernel_matrix_built(name, input))
        return tsr_fail(TSR_ERROR_UNSUPPORTED, "this build has no matrix kernel %s for %s: it was made with a glslang that knows no such matrices",
                        name, tsr_dtype_name(input));
    return get(dev, tsr_kernel_matrix_source(name, input), specs, user, out);
}

tsr_status tsr_kernel_get_packed(tsr_device *dev, const char *name, tsr_dtype input, tsr_dtype values, tsr_dtype sums, const int32_t *specs,
                                 const tsr_expression *user, bk_kernel **out)
{
    const bk_kernel_source *source = tsr_kernel_packed_source(name, input, values, sums);
    if (!source) return tsr_fail(TSR_ERROR_INTERNAL, "kernel %s takes no %s in words beside %s", name, tsr_dtype_name(input), tsr_dtype_name(values));
    return get(dev, source, specs, user, out);
}

tsr_status tsr_kernel_get(tsr_device *dev, const char *name, tsr_tile tile, const int32_t *specs, bk_kernel **out)
{
    return tsr_kernel_get_scored(dev, name, tile, specs, NULL, out);
}

void tsr_kernels_free(tsr_device *dev)
{
    while (dev->kernels) {
        tsr_kernel_entry *next = dev->kernels->next;
        destroy(dev, dev->kernels);
        dev->kernels = next;
    }
}
