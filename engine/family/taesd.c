/* Tiny autoencoders of image models (TAESD): a chain of 3x3 convolutions and blocks of three, of any depth. Layers have the numbers of the original's
 * sequence; names are the original's ("1.weight", one file for each way), ComfyUI's ("taesd_decoder.1.weight") or diffusers'
 * ("decoder.layers.0.weight", which leaves out the first). */
#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#include "tae.h"

enum { LAYERS_MAX = 64 };

/* What stands before a layer's number, and the number of the decoder's first convolution. */
typedef struct naming {
    const char *decoder, *encoder;
    int32_t decoder_from;
} naming;

static const naming namings[] = {
    {"decoder.layers.", "encoder.layers.", 0}, {"taesd_decoder.", "taesd_encoder.", 1}, {"decoder.", "encoder.", 1}, {"", "", 1}};

/* Does layer n begin a block here? TAEHV's reads twice as many channels as it makes. */
static bool is_block(const tsr_weights *w, const char *base, int32_t n)
{
    const int64_t c = tsr_weights_extent(w, 0, "%s%" PRId32 ".conv.0.weight", base, n);
    return c > 0 && tsr_weights_extent(w, 1, "%s%" PRId32 ".conv.0.weight", base, n) == c;
}

/* NULL: the file has none. */
static const naming *naming_of(const tsr_weights *w, bool encoder)
{
    for (const naming *n = namings; n < namings + sizeof(namings) / sizeof(*namings); n++) {
        const bool fits =
            encoder ? tsr_weights_has(w, "%s0.weight", n->encoder) && (is_block(w, n->encoder, 1) || is_block(w, n->encoder, 4))
                    : tsr_weights_has(w, "%s%" PRId32 ".weight", n->decoder, n->decoder_from) && is_block(w, n->decoder, n->decoder_from + 2);
        if (fits) return n;
    }
    return NULL;
}

static bool fits(const tsr_weights *w) { return naming_of(w, false) || naming_of(w, true); }

/* Scales of the models whose latents these are: raw = z / scale + shift. The first of so many channels is what a caller who says nothing gets. */
static const struct {
    const char *name;
    int32_t channels;
    float scale, shift;
} variants[] = {{"sd1", 4, 0.18215f, 0}, {"sdxl", 4, 0.13025f, 0}, {"flux", 16, 0.3611f, 0.1159f}, {"sd3", 16, 1.5305f, 0.0609f}};

static void latents(tsr_net *net, const char *variant, int32_t channels)
{
    float mean[16], std[16];
    for (size_t v = 0; v < sizeof(variants) / sizeof(*variants); v++) {
        if (variant && strcmp(variant, variants[v].name) != 0) continue;
        if (variants[v].channels != channels && !variant) continue;
        if (variants[v].channels != channels) break;
        for (int32_t i = 0; i < channels; i++) mean[i] = variants[v].shift, std[i] = 1 / variants[v].scale;
        tsr_net_latent(net, mean, std, channels, false);
        return;
    }
    if (variant)
        net->status =
            tsr_fail(TSR_ERROR_ARGUMENT,
                     "argument desc.variant is '%s'; expected sd1 or sdxl (4 channels), flux or sd3 (16); the weight file's latents have %" PRId32,
                     variant, channels);
}

/* x + conv.3(ReLU(norm(conv.0(x)))) where a block begins with a mean over the frame (FLUX.2), else x. */
static int32_t pool(tae *t, int32_t n, int32_t x)
{
    char layer[32], name[96];
    if (tae_failed(t) || !tsr_weights_has(t->w, "%s%" PRId32 ".pool.0.weight", t->base, n)) return x;
    snprintf(layer, sizeof(layer), "%" PRId32 ".pool.0", n);
    const int32_t y = tae_conv(t, layer, x, -1, 1, 0, (tsr_conv_desc){.residual = TSR_NONE});
    const int32_t c = tsr_net_channels(t->net, y);
    tsr_norm_desc norm = {.name = name, .x = y, .kind = TSR_NORM_GROUP, .eps = 1e-5f, .groups = 4, .modulation = TSR_NONE, .act = t->act};
    if (tae_failed(t)) return TSR_NONE;
    snprintf(name, sizeof(name), "%s%" PRId32 ".pool.1.weight", t->base, n);
    norm.scale = tsr_weights_vector(t->w, name, c);
    snprintf(name, sizeof(name), "%s%" PRId32 ".pool.1.bias", t->base, n);
    norm.shift = tsr_weights_vector(t->w, name, c);
    snprintf(name, sizeof(name), "%s%" PRId32 ".pool.1", t->base, n);
    const int32_t z = tsr_net_norm(t->net, &norm);
    snprintf(layer, sizeof(layer), "%" PRId32 ".pool.3", n);
    return tae_conv(t, layer, z, tsr_net_channels(t->net, x), 1, 0, (tsr_conv_desc){.residual = x});
}

/* The layers from n on: blocks, and convolutions without bias that change the size (by options), until one with a bias ends it. */
static int32_t chain(tae *t, int32_t n, int32_t x, tsr_conv_desc resize)
{
    char layer[32];
    for (; n < LAYERS_MAX && !tae_failed(t); n++) {
        snprintf(layer, sizeof(layer), "%" PRId32, n);
        if (tsr_weights_has(t->w, "%s%s.conv.0.weight", t->base, layer)) {
            x = tae_block(t, n, pool(t, n, x), false);
        } else if (tsr_weights_has(t->w, "%s%s.bias", t->base, layer)) {
            return tae_conv(t, layer, x, -1, 3, 1, (tsr_conv_desc){.residual = TSR_NONE});
        } else if (tsr_weights_has(t->w, "%s%s.weight", t->base, layer)) {
            x = tae_conv(t, layer, x, -1, 3, 0, resize);
        }
    }
    if (!tae_failed(t))
        t->w->status = tsr_fail(TSR_ERROR_FILE, "the weight file has no last layer (with a bias) below '%s%s'", t->w->prefix, t->base);
    return TSR_NONE;
}

static void end(tae *t, int32_t y, const char *variant, int32_t channels)
{
    tsr_net *net = t->net;
    tsr_net_output(net, y);
    net->fps = 24;
    net->out_scale = 1;
    net->out_shift = 0;
    if (tae_failed(t)) return;
    latents(net, variant, channels);
    if (!tae_failed(t)) t->w->status = tsr_weights_all_used(t->w, t->base);
}

static void decoder(tsr_net *net, tsr_weights *w, const char *variant)
{
    const naming *n = naming_of(w, false);
    if (!n) {
        w->status = tsr_fail(TSR_ERROR_FILE, "the weight file has the encoder of family '%s' alone; expected its decoder", net->family);
        return;
    }
    tae t = {net, w, n->decoder, TSR_ACT_RELU};
    char layer[32];
    snprintf(layer, sizeof(layer), "%" PRId32, n->decoder_from);
    const int32_t channels = (int32_t)tsr_weights_extent(w, 1, "%s%s.weight", t.base, layer);
    int32_t x = tae_conv(&t, layer, tsr_net_input(net, channels), -1, 3, 1, (tsr_conv_desc){.act = t.act, .residual = TSR_NONE});
    net->latent.tanh3 = true;
    end(&t, chain(&t, n->decoder_from + 2, x, (tsr_conv_desc){.up = true, .residual = TSR_NONE}), variant, channels);
}

static void encoder(tsr_net *net, tsr_weights *w, const char *variant)
{
    const naming *n = naming_of(w, true);
    if (!n) {
        w->status = tsr_fail(TSR_ERROR_FILE, "the weight file has the decoder of family '%s' alone; expected its encoder", net->family);
        return;
    }
    tae t = {net, w, n->encoder, TSR_ACT_RELU};
    int32_t x = tsr_net_input(net, 3), next = 1;
    if (tsr_weights_has(w, "%s2.bias", t.base)) { /* 32 pixels a latent: two more halvings, with a bias and an activation */
        const tsr_conv_desc halve = {.stride = 2, .act = t.act, .residual = TSR_NONE};
        x = tae_conv(&t, "2", tae_conv(&t, "0", x, -1, 3, 1, halve), -1, 3, 1, halve);
        next = 4;
    } else {
        x = tae_conv(&t, "0", x, -1, 3, 1, (tsr_conv_desc){.residual = TSR_NONE});
    }
    const int32_t y = chain(&t, next, x, (tsr_conv_desc){.stride = 2, .residual = TSR_NONE});
    end(&t, y, variant, tsr_net_channels(net, y));
}

static const char *const signs[] = {"decoder.layers.2.conv.0.weight|taesd_decoder.3.conv.0.weight|3.conv.0.weight|encoder.layers.1.conv.0.weight|"
                                    "taesd_encoder.1.conv.0.weight|1.conv.0.weight",
                                    NULL};

const tsr_family tsr_family_taesd = {"taesd", signs, fits, decoder, encoder};
