/* What a driver tells of a pipeline, as a JSON line and files of text. */
#include <fcntl.h>
#include <inttypes.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "layer.h"

static pthread_mutex_t lock = PTHREAD_MUTEX_INITIALIZER;

static void put_string(FILE *out, const char *text)
{
    fputc('"', out);
    for (; *text; text++) {
        const unsigned char c = (unsigned char)*text;
        if (c == '"' || c == '\\')
            fprintf(out, "\\%c", c);
        else if (c < 0x20)
            fprintf(out, "\\u%04x", c);
        else
            fputc(c, out);
    }
    fputc('"', out);
}

static void put_specs(FILE *out, const VkSpecializationInfo *specs)
{
    fputs(", \"specs\": {", out);
    for (uint32_t i = 0; specs && i < specs->mapEntryCount; i++) {
        const VkSpecializationMapEntry *e = &specs->pMapEntries[i];
        int32_t value = 0;
        memcpy(&value, (const char *)specs->pData + e->offset, e->size < sizeof(value) ? e->size : sizeof(value));
        fprintf(out, "%s\"%" PRIu32 "\": %" PRId32, i ? ", " : "", e->constantID, value);
    }
    fputs("}", out);
}

static void put_statistics(FILE *out, const lab_device *dev, const VkPipelineExecutableInfoKHR *which)
{
    VkPipelineExecutableStatisticKHR all[64];
    uint32_t count = 64;
    for (uint32_t i = 0; i < count; i++) all[i] = (VkPipelineExecutableStatisticKHR){.sType = VK_STRUCTURE_TYPE_PIPELINE_EXECUTABLE_STATISTIC_KHR};
    if (dev->statistics(dev->device, which, &count, all) < 0) count = 0;
    fputs(", \"statistics\": {", out);
    for (uint32_t i = 0; i < count; i++) {
        if (i) fputs(", ", out);
        put_string(out, all[i].name);
        switch (all[i].format) {
        case VK_PIPELINE_EXECUTABLE_STATISTIC_FORMAT_BOOL32_KHR:
            fprintf(out, ": %d", all[i].value.b32 ? 1 : 0);
            break;
        case VK_PIPELINE_EXECUTABLE_STATISTIC_FORMAT_INT64_KHR:
            fprintf(out, ": %" PRId64, all[i].value.i64);
            break;
        case VK_PIPELINE_EXECUTABLE_STATISTIC_FORMAT_UINT64_KHR:
            fprintf(out, ": %" PRIu64, all[i].value.u64);
            break;
        default:
            fprintf(out, ": %.17g", all[i].value.f64);
            break;
        }
    }
    fputs("}", out);
}

/* Programs that write to the same folder keep apart. */
static void text_path(char *path, size_t size, const char *folder, unsigned number, unsigned which)
{
    snprintf(path, size, "%s%s%ld-%u-%u.txt", folder ? folder : "", folder ? "/" : "", (long)getpid(), number, which);
}

/* Texts go to files of the folder. */
static void put_texts(FILE *out, const lab_device *dev, const VkPipelineExecutableInfoKHR *which, const char *folder, unsigned number)
{
    VkPipelineExecutableInternalRepresentationKHR all[16];
    uint32_t count = 16;
    for (uint32_t i = 0; i < count; i++)
        all[i] = (VkPipelineExecutableInternalRepresentationKHR){.sType = VK_STRUCTURE_TYPE_PIPELINE_EXECUTABLE_INTERNAL_REPRESENTATION_KHR};
    if (dev->representations(dev->device, which, &count, all) < 0) count = 0;
    for (uint32_t i = 0; i < count; i++) all[i].pData = malloc(all[i].dataSize ? all[i].dataSize : 1);
    if (count > 0 && dev->representations(dev->device, which, &count, all) < 0) count = 0;
    fputs(", \"texts\": {", out);
    bool first = true;
    for (uint32_t i = 0; i < count; i++) {
        if (all[i].isText && all[i].pData && all[i].dataSize > 1) {
            char file[64], path[1024];
            text_path(file, sizeof(file), NULL, number, i + 1);
            text_path(path, sizeof(path), folder, number, i + 1);
            FILE *text = fopen(path, "w");
            if (text) {
                fwrite(all[i].pData, 1, all[i].dataSize - 1, text); /* less its NUL */
                fclose(text);
                if (!first) fputs(", ", out);
                first = false;
                put_string(out, all[i].name);
                fputs(": ", out);
                put_string(out, file);
            }
        }
        free(all[i].pData);
    }
    fputs("}", out);
}

static void put_executable(FILE *out, const lab_device *dev, VkPipeline pipeline, const char *folder, unsigned number)
{
    const VkPipelineInfoKHR info = {.sType = VK_STRUCTURE_TYPE_PIPELINE_INFO_KHR, .pipeline = pipeline};
    VkPipelineExecutablePropertiesKHR one = {.sType = VK_STRUCTURE_TYPE_PIPELINE_EXECUTABLE_PROPERTIES_KHR};
    uint32_t count = 1; /* a compute pipeline has one */
    if (!dev->executables || dev->executables(dev->device, &info, &count, &one) < 0 || count == 0) return;
    const VkPipelineExecutableInfoKHR which = {.sType = VK_STRUCTURE_TYPE_PIPELINE_EXECUTABLE_INFO_KHR, .pipeline = pipeline};
    fprintf(out, ", \"subgroup\": %" PRIu32, one.subgroupSize);
    put_statistics(out, dev, &which);
    put_texts(out, dev, &which, folder, number);
}

/* What drivers print while they compile (Mesa's debug variables ask for it) goes to a file of the folder. Returns what standard error was. */
static int divert(const char *folder, unsigned number)
{
    char path[1024];
    text_path(path, sizeof(path), folder, number, 0);
    const int file = open(path, O_WRONLY | O_CREAT | O_TRUNC, 0644), saved = dup(STDERR_FILENO);
    if (file >= 0 && saved >= 0) dup2(file, STDERR_FILENO);
    if (file >= 0) close(file);
    return saved;
}

static void restore(int saved)
{
    if (saved < 0) return;
    dup2(saved, STDERR_FILENO);
    close(saved);
}

/* TESSERA_LAB_LABEL: what the program says that it is building, as it changes. */
static void write_line(const lab_device *dev, const VkComputePipelineCreateInfo *info, uint64_t code, VkPipeline pipeline, VkResult result,
                       const char *folder, unsigned number)
{
    const char *const label = getenv("TESSERA_LAB_LABEL");
    char path[1024];
    snprintf(path, sizeof(path), "%s/pipelines.jsonl", folder);
    FILE *out = fopen(path, "a");
    if (!out) return;
    text_path(path, sizeof(path), NULL, number, 0);
    fputs("{\"label\": ", out);
    put_string(out, label ? label : "");
    fputs(", \"device\": ", out);
    put_string(out, dev->name);
    fputs(", \"driver\": ", out);
    put_string(out, dev->driver);
    fprintf(out, ", \"code\": \"%016" PRIx64 "\", \"result\": %d, \"log\": \"%s\"", code, (int)result, path);
    put_specs(out, info->stage.pSpecializationInfo);
    if (result == VK_SUCCESS) put_executable(out, dev, pipeline, folder, number);
    fputs("}\n", out);
    fclose(out);
}

VkResult lab_create(const lab_device *dev, const VkComputePipelineCreateInfo *asked, uint64_t code, const VkAllocationCallbacks *alloc,
                    VkPipeline *out)
{
    static unsigned count;
    const char *const folder = getenv("TESSERA_LAB");
    if (!folder) return dev->create_pipelines(dev->device, VK_NULL_HANDLE, 1, asked, alloc, out);
    VkComputePipelineCreateInfo info = *asked;
    info.flags |= VK_PIPELINE_CREATE_CAPTURE_STATISTICS_BIT_KHR | VK_PIPELINE_CREATE_CAPTURE_INTERNAL_REPRESENTATIONS_BIT_KHR;
    pthread_mutex_lock(&lock); /* standard error is the process's */
    const unsigned number = count++;
    const int saved = divert(folder, number);
    const VkResult result = dev->create_pipelines(dev->device, VK_NULL_HANDLE, 1, &info, alloc, out); /* what comes from a cache tells nothing */
    restore(saved);
    write_line(dev, &info, code, *out, result, folder, number);
    pthread_mutex_unlock(&lock);
    return result;
}
