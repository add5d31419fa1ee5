/* What names and shapes of an LTX decoder do not tell: padding, causality, residuals. */
#include <string.h>

#include "files/json.h"
#include "ltx.h"

enum { DEPTH_MAX = 16, VALUES_MAX = 1 << 16 };

#define FAIL(...) tsr_fail(TSR_ERROR_FILE, "the weight file's metadata 'config': " __VA_ARGS__)

static const struct {
    const char *name;
    tsr_edge edge;
} edges[] = {{"zeros", TSR_EDGE_ZERO}, {"reflect", TSR_EDGE_REFLECT}, {"replicate", TSR_EDGE_REPLICATE}};

enum { EDGES = sizeof(edges) / sizeof(edges[0]) };

/* Those who have no configuration to go by: LTX-2.0 is what has residuals and no time step. */
static void guess(tsr_ltx *ltx)
{
    bool residual = true, any = false;
    for (int32_t i = 0; i < ltx->count; i++) {
        const tsr_ltx_block *block = &ltx->blocks[i];
        if (block->kind == LTX_UP) any = true, residual = residual && block->rt == 2 && block->shuffle == 2 && block->cout * 2 == block->cin;
    }
    for (int32_t i = 0; i < ltx->count; i++) ltx->blocks[i].residual = ltx->blocks[i].kind == LTX_UP && residual;
    ltx->edge = any && residual && !ltx->timed ? TSR_EDGE_REFLECT : TSR_EDGE_ZERO;
    ltx->causal = false;
}

static tsr_status read_flag(const cJSON *object, const char *key, bool *flag)
{
    const cJSON *item = cJSON_GetObjectItemCaseSensitive(object, key);
    if (!item) return TSR_OK;
    if (!cJSON_IsBool(item)) return FAIL("'%s' is neither true nor false", key);
    *flag = cJSON_IsTrue(item);
    return TSR_OK;
}

static tsr_status read_edge(const cJSON *vae, tsr_edge *edge)
{
    const cJSON *item = cJSON_GetObjectItemCaseSensitive(vae, "spatial_padding_mode");
    if (!item) return TSR_OK;
    for (int i = 0; cJSON_IsString(item) && i < EDGES; i++) {
        if (strcmp(item->valuestring, edges[i].name) != 0) continue;
        *edge = edges[i].edge;
        return TSR_OK;
    }
    return FAIL("'spatial_padding_mode' is '%s'; expected zeros, reflect or replicate", cJSON_IsString(item) ? item->valuestring : "(no text)");
}

/* One up-sampling: [name, parameters]. Its stride must be what the weights have. */
static tsr_status read_up(const cJSON *item, tsr_ltx_block *block)
{
    const char *name = cJSON_GetArrayItem(item, 0)->valuestring, *stride = name + strlen("compress_");
    const cJSON *parameters = cJSON_GetArrayItem(item, 1);
    const bool space = strncmp(stride, "time", 4) != 0, time = strncmp(stride, "space", 5) != 0;
    if (block->rt != (time ? 2 : 1) || block->shuffle != (space ? 2 : 1))
        return FAIL("'%s' stands for '%s', of which the weights make %d frames of %dx%d pixels each", name, block->name, block->rt, block->shuffle,
                    block->shuffle);
    block->residual = false;
    return read_flag(parameters, "residual", &block->residual);
}

/* The list runs from the frames to the latents. */
static tsr_status read_blocks(const cJSON *list, tsr_ltx *ltx)
{
    if (!list) return TSR_OK;
    int32_t at = ltx->count;
    const cJSON *item;
    cJSON_ArrayForEach(item, list)
    {
        const cJSON *name = cJSON_GetArrayItem(item, 0);
        if (!cJSON_IsArray(list) || !cJSON_IsArray(item) || !cJSON_IsString(name)) return FAIL("'decoder_blocks' is no list of [name, parameters]");
        if (strncmp(name->valuestring, "compress_", 9) != 0) continue;
        do at--;
        while (at >= 0 && ltx->blocks[at].kind != LTX_UP);
        if (at < 0) return FAIL("'decoder_blocks' has more up-samplings than the weights");
        const tsr_status status = read_up(item, &ltx->blocks[at]);
        if (status != TSR_OK) return status;
    }
    return TSR_OK;
}

static tsr_status read_config(tsr_ltx *ltx, const cJSON *root)
{
    const cJSON *vae = cJSON_GetObjectItemCaseSensitive(root, "vae");
    if (!vae) return TSR_OK;
    if (!cJSON_IsObject(vae)) return FAIL("'vae' is no object");
    const cJSON *norm = cJSON_GetObjectItemCaseSensitive(vae, "norm_layer");
    if (norm && !(cJSON_IsString(norm) && strcmp(norm->valuestring, "pixel_norm") == 0))
        return FAIL("'norm_layer' is '%s'; expected pixel_norm", cJSON_IsString(norm) ? norm->valuestring : "(no text)");
    tsr_status status = read_blocks(cJSON_GetObjectItemCaseSensitive(vae, "decoder_blocks"), ltx);
    if (status == TSR_OK) status = read_edge(vae, &ltx->edge);
    return status == TSR_OK ? read_flag(vae, "causal_decoder", &ltx->causal) : status;
}

/* The caller's words, parted by commas. */
static tsr_status read_variant(tsr_ltx *ltx, const char *variant)
{
    for (const char *word = variant; word;) {
        const size_t n = strcspn(word, ",");
        bool known = false;
        for (int i = 0; i < EDGES; i++)
            if (strlen(edges[i].name) == n && strncmp(edges[i].name, word, n) == 0) ltx->edge = edges[i].edge, known = true;
        if (n == 6 && strncmp(word, "causal", n) == 0) ltx->causal = known = true;
        if (n == 9 && strncmp(word, "noiseless", n) == 0) ltx->noiseless = known = true;
        if (!known)
            return tsr_fail(TSR_ERROR_ARGUMENT,
                            "argument desc.variant has '%.*s'; expected of zeros, reflect, replicate, causal, noiseless, parted by commas", (int)n,
                            word);
        word = word[n] ? word + n + 1 : NULL;
    }
    return TSR_OK;
}

void tsr_ltx_configure(tsr_ltx *ltx, tsr_weights *w, const char *variant)
{
    const char *text = tsr_tensors_metadata(w->file, "config");
    cJSON *root = NULL;
    if (w->status != TSR_OK) return;
    guess(ltx);
    if (text)
        w->status =
            tsr_json_parse("the weight file's metadata", "'config'", text, strlen(text), (tsr_json_limits){DEPTH_MAX, VALUES_MAX, true}, &root);
    if (root && w->status == TSR_OK) w->status = read_config(ltx, root);
    cJSON_Delete(root);
    if (w->status == TSR_OK) w->status = read_variant(ltx, variant);
}
