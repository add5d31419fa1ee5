/* A fixture's two files, read. */
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cJSON.h>

#include "golden/golden.h"

typedef struct reader {
    char *why;
    size_t size;
    bool ok;
} reader;

static bool complain(reader *r, const char *format, ...) __attribute__((format(printf, 2, 3)));
static bool complain(reader *r, const char *format, ...)
{
    va_list args;
    va_start(args, format);
    if (r->ok) vsnprintf(r->why, r->size, format, args);
    va_end(args);
    r->ok = false;
    return false;
}

static const cJSON *member(reader *r, const cJSON *object, const char *key)
{
    const cJSON *item = cJSON_GetObjectItemCaseSensitive(object, key);
    if (!item) complain(r, "no '%s'", key);
    return item;
}

static double number(reader *r, const cJSON *object, const char *key)
{
    const cJSON *item = member(r, object, key);
    if (item && !cJSON_IsNumber(item)) complain(r, "'%s' is no number", key);
    return r->ok ? item->valuedouble : 0;
}

static void text(reader *r, const cJSON *item, char *out, size_t size)
{
    if (!item || !cJSON_IsString(item) || strlen(item->valuestring) >= size)
        complain(r, "'%s' is no text of at most %zu bytes", item && item->string ? item->string : "?", size - 1);
    if (r->ok) snprintf(out, size, "%s", item->valuestring);
}

static void extents(reader *r, const cJSON *object, const char *key, int64_t *out)
{
    const cJSON *list = member(r, object, key);
    if (list && cJSON_GetArraySize(list) != 4) complain(r, "'%s' has not 4 extents", key);
    for (int i = 0; r->ok && i < 4; i++) {
        const cJSON *item = cJSON_GetArrayItem(list, i);
        out[i] = cJSON_IsNumber(item) ? (int64_t)item->valuedouble : 0;
        if (out[i] < 1 || out[i] > 4096) complain(r, "'%s' has an extent of %s", key, "0 or more than 4096");
    }
}

static bool read_clip(reader *r, golden *g, const cJSON *item, golden_clip *clip, int index)
{
    char space[16] = "", key[16];
    text(r, member(r, item, "draw"), clip->draw, sizeof(clip->draw));
    text(r, member(r, item, "space"), space, sizeof(space));
    clip->raw = strcmp(space, "raw") == 0;
    clip->scale = (float)number(r, item, "scale");
    clip->shift = (float)number(r, item, "shift");
    clip->unit = number(r, item, "unit");
    clip->every = (int64_t)number(r, item, "every");
    extents(r, item, "shape", clip->shape);
    extents(r, item, "result", clip->result);
    const cJSON *tile = cJSON_GetObjectItemCaseSensitive(item, "tile");
    if (tile && (cJSON_GetArraySize(tile) != 2 || !cJSON_IsNumber(tile->child) || !cJSON_IsNumber(tile->child->next)))
        complain(r, "'tile' is not two numbers");
    if (tile && r->ok) {
        clip->tile = (int64_t)tile->child->valuedouble;
        clip->tile_stride = (int64_t)tile->child->next->valuedouble;
    }
    if (r->ok && (clip->every < 1 || !(clip->unit > 0))) complain(r, "clip %d keeps no value", index);
    if (!r->ok) return false;
    snprintf(key, sizeof(key), "%d", index);
    tsr_tensor_view view;
    if (tsr_tensors_find(g->expected, key, &view) != TSR_OK) return complain(r, "%s", tsr_last_error());
    const int64_t values = clip->result[0] * clip->result[1] * clip->result[2] * clip->result[3];
    clip->count = (values + clip->every - 1) / clip->every;
    clip->expected = view.data;
    if (view.dtype != TSR_I16 || view.rank != 1 || view.shape[0] != clip->count)
        complain(r, "expected values of clip %d are not %lld numbers of 16 bits", index, (long long)clip->count);
    return r->ok;
}

static bool read_head(reader *r, golden *g)
{
    static const tsr_dtype storages[] = {TSR_F32, TSR_F16, TSR_BF16};
    static const char *const words[] = {"F32", "F16", "BF16"};
    char storage[8] = "";
    text(r, member(r, g->root, "family"), g->family, sizeof(g->family));
    const cJSON *variant = member(r, g->root, "variant");
    if (variant && !cJSON_IsNull(variant)) text(r, variant, g->variant, sizeof(g->variant));
    text(r, member(r, g->root, "storage"), storage, sizeof(storage));
    int which = 0;
    while (which < 3 && strcmp(storage, words[which]) != 0) which++;
    if (which == 3) return complain(r, "'storage' is '%s'", storage);
    g->storage = storages[which];
    g->encoder = cJSON_IsTrue(member(r, g->root, "encoder"));
    g->heavy = cJSON_IsTrue(member(r, g->root, "heavy"));
    g->seed = (uint64_t)number(r, g->root, "seed");
    const cJSON *item = NULL;
    cJSON_ArrayForEach(item, member(r, g->root, "schemes"))
    {
        if (g->scheme_count == GOLDEN_SCHEMES) return complain(r, "more than %d schemes", GOLDEN_SCHEMES);
        text(r, item, g->schemes[g->scheme_count++], sizeof(g->schemes[0]));
    }
    if (g->scheme_count == 0) complain(r, "no scheme");
    cJSON_ArrayForEach(item, member(r, g->root, "clips"))
    {
        if (g->clip_count == GOLDEN_CLIPS) return complain(r, "more than %d clips", GOLDEN_CLIPS);
        read_clip(r, g, item, &g->clips[g->clip_count], g->clip_count);
        g->clip_count++;
    }
    if (g->clip_count == 0) complain(r, "no clip");
    const cJSON *tensors = member(r, g->root, "tensors");
    for (int scheme = 0; r->ok && scheme < g->scheme_count; scheme++)
        for (int i = 0; i < cJSON_GetArraySize(tensors); i++)
            if (!golden_tensor(g, scheme, i)) return complain(r, "tensor %d has no name in scheme '%s'", i, g->schemes[scheme]);
    return r->ok;
}

static char *read_text(const char *path)
{
    FILE *f = fopen(path, "rb");
    if (!f) return NULL;
    char *text_read = NULL;
    long size = fseek(f, 0, SEEK_END) == 0 ? ftell(f) : -1;
    if (size >= 0 && fseek(f, 0, SEEK_SET) == 0) text_read = malloc((size_t)size + 1);
    if (text_read) text_read[fread(text_read, 1, (size_t)size, f)] = '\0';
    fclose(f);
    return text_read;
}

bool golden_open(const char *folder, const char *name, golden *out, char *why, size_t size)
{
    char path[4096];
    reader r = {why, size, true};
    *out = (golden){0};
    snprintf(path, sizeof(path), "%s/%s.json", folder, name);
    char *json = read_text(path);
    if (!json) complain(&r, "cannot read '%s'", path);
    out->root = json ? cJSON_Parse(json) : NULL;
    free(json);
    if (!out->root) complain(&r, "'%s' is no JSON", path);
    snprintf(path, sizeof(path), "%s/%s.safetensors", folder, name);
    if (r.ok && tsr_tensors_open(path, &out->expected) != TSR_OK) complain(&r, "%s", tsr_last_error());
    if (r.ok) read_head(&r, out);
    if (!r.ok) golden_close(out);
    return r.ok;
}

void golden_close(golden *g)
{
    cJSON_Delete(g->root);
    tsr_tensors_close(g->expected);
    *g = (golden){0};
}
