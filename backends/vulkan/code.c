/* Where a kernel's SPIR-V comes from: embedded in the library, or made of the kernel's text and kept in the cache. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "internal.h"

enum { SPIRV_MAGIC = 0x07230203 };

/* The form by the GPU's own dot products, where it has all that this needs. */
static bool by_dots(const bk_device *dev, const bk_kernel_source *source)
{
    return source->dot_spirv && (dev->info.features & source->dots) == source->dots;
}

/* The text is the user's wish where TESSERA_KERNELS says so, and the only way where nothing is embedded or a part of it is the
 * user's own. */
static tsr_status wants_text(const bk_device *dev, const bk_kernel_desc *desc, bool *out)
{
    const char *wish = getenv("TESSERA_KERNELS");
    const bool given = wish && wish[0], text = given && strcmp(wish, "text") == 0;
    if (given && !text && strcmp(wish, "embedded") != 0)
        return tsr_fail(TSR_ERROR_ARGUMENT, "environment variable TESSERA_KERNELS is '%s'; expected 'embedded' or 'text'", wish);
    *out = text || !(desc->source->spirv || by_dots(dev, desc->source)) || desc->user;
    return TSR_OK;
}

/* What the text is compiled with; the one that is flattened asks itself which language it is in: OpenCL C and GLSL share it. */
static int write_text(const bk_device *dev, const bk_kernel_desc *desc, char *out, size_t size)
{
    const bk_kernel_source *source = desc->source;
    char names[BK_DEFINES * 32];
    bk_define defines[BK_DEFINES];
    int at = 0;
    tsr_kernel_defines(source, source->dot_spirv ? dev->info.features : 0, defines); /* else glslang knows no dot products */
    for (size_t i = 0; i < BK_DEFINES; i++)
        at += snprintf(names + at, sizeof(names) - (size_t)at, "#define %s %d\n", defines[i].name, (int)defines[i].value);
    return snprintf(out, size, "// %s\n%s%s%s", vk_compiler, names, desc->user ? desc->user->text : "", source->opencl);
}

static bool load(bk_device *dev, const char *entry, const char *identity, vk_code *out)
{
    size_t size = 0;
    uint32_t *words = dev->services->cache_load(dev->services->ctx, entry, identity, strlen(identity), &size);
    if (!words || size < sizeof(*words) || size % sizeof(*words) != 0 || words[0] != SPIRV_MAGIC) {
        free(words);
        return false;
    }
    *out = (vk_code){words, size, words};
    return true;
}

static tsr_status compile(const bk_kernel_source *source, const char *text, vk_code *out)
{
    uint32_t *words = NULL;
    size_t count = 0;
    const tsr_status status = vk_compile_glsl(source->name, text, source->reduced ? VK_API_VERSION_1_3 : VK_API_VERSION_1_2, &words, &count);
    if (status == TSR_OK) *out = (vk_code){words, count * sizeof(*words), words};
    return status;
}

/* What was compiled with fp16 for matrices of bf16, as it is run. */
static tsr_status to_bfloat(const bk_kernel_source *source, vk_code *code)
{
    uint32_t *words = NULL;
    size_t count = 0;
    const tsr_status status = vk_bfloat(source->name, code->words, code->size / sizeof(*words), &words, &count);
    free(code->owned);
    *code = (vk_code){words, count * sizeof(*words), words};
    return status;
}

static tsr_status get_compiled(bk_device *dev, const bk_kernel_desc *desc, vk_code *out)
{
    const bk_kernel_source *source = desc->source;
    bool from_text = false;
    tsr_status status = wants_text(dev, desc, &from_text);
    if (status != TSR_OK) return status;
    if (!from_text) {
        *out = by_dots(dev, source) ? (vk_code){source->dot_spirv, source->dot_spirv_size, NULL} : (vk_code){source->spirv, source->spirv_size, NULL};
        return TSR_OK;
    }
    const int length = write_text(dev, desc, NULL, 0);
    char *text = length < 0 ? NULL : malloc((size_t)length + 1);
    if (!text) return tsr_fail(TSR_ERROR_HOST_MEMORY, "%s: no memory for the text of kernel %s", dev->info.id, source->name);
    write_text(dev, desc, text, (size_t)length + 1);
    char entry[64];
    snprintf(entry, sizeof(entry), "glsl-%s-%d-%d-%d-%d", source->name, (int)source->tile, (int)source->input, (int)source->values,
             (int)source->sums);
    if (!load(dev, entry, text, out)) {
        status = compile(source, text, out);
        if (status == TSR_OK) dev->services->cache_store(dev->services->ctx, entry, text, strlen(text), out->words, out->size);
    }
    if (status == TSR_OK) dev->services->log(dev->services->ctx, TSR_LOG_INFO, "%s: kernel %s is made of its text", dev->info.id, source->name);
    free(text);
    return status;
}

tsr_status vk_code_get(bk_device *dev, const bk_kernel_desc *desc, vk_code *out)
{
    const tsr_status status = get_compiled(dev, desc, out);
    return status == TSR_OK && desc->source->input == TSR_BF16 ? to_bfloat(desc->source, out) : status;
}

void vk_code_free(vk_code *code) { free(code->owned); }
