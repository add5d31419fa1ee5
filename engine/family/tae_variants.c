/* What files of tiny video autoencoders do not tell: the model that their latents are of. */
#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#include "statistics.h"
#include "tae.h"

/* The first of so many channels is what a caller who says nothing gets. The "light" ones and CogVideoX's read raw latents. */
static const tae_variant variants[] = {
    {.name = "taew2_1", .channels = 16, .fps = 16, .mean = tsr_statistics_wan21_mean, .std = tsr_statistics_wan21_std},
    {.name = "lighttaew2_1", .channels = 16, .fps = 16, .reads_raw = true, .mean = tsr_statistics_wan21_mean, .std = tsr_statistics_wan21_std},
    {.name = "taehv", .channels = 16, .fps = 24, .std_all = 1 / 0.476986f},
    {.name = "taecvx", .channels = 16, .fps = 16, .reads_raw = true, .even_whole = true, .std_all = 1 / 0.7f},
    {.name = "taecvx-2b", .channels = 16, .fps = 8, .reads_raw = true, .even_whole = true, .std_all = 1 / 1.15258426f},
    {.name = "taeos1_3", .channels = 16, .fps = 24},
    {.name = "taew2_2", .channels = 48, .fps = 24, .mean = tsr_statistics_wan22_mean, .std = tsr_statistics_wan22_std},
    {.name = "lighttaew2_2", .channels = 48, .fps = 24, .reads_raw = true, .mean = tsr_statistics_wan22_mean, .std = tsr_statistics_wan22_std},
    {.name = "taehv1_5", .channels = 32, .fps = 24, .std_all = 1 / 1.03682f},
    {.name = "lighttaehy1_5", .channels = 32, .fps = 24, .reads_raw = true, .leaky = true, .centred = true, .std_all = 1 / 1.03682f},
    {.name = "taeltx", .channels = 128, .fps = 24},
    {.name = "taeh3", .channels = 24, .fps = 24, .drop_every = 20},
    {.name = "other", .fps = 24}, /* any number of channels: a model that somebody trained */
};

enum { COUNT = sizeof(variants) / sizeof(*variants), CHANNELS_MAX = 128 /* of those above */ };

const tae_variant *tae_variant_of(tsr_weights *w, const char *name, int32_t channels)
{
    char list[300];
    size_t at = 0;
    if (w->status != TSR_OK) return NULL;
    for (int i = 0; i < COUNT; i++) {
        const bool meant = name ? strcmp(variants[i].name, name) == 0 : variants[i].channels == channels || variants[i].channels == 0;
        if (!meant) {
            if (at < sizeof(list)) at += (size_t)snprintf(list + at, sizeof(list) - at, "%s%s", i ? ", " : "", variants[i].name);
            continue;
        }
        if (variants[i].channels == channels || variants[i].channels == 0) return &variants[i];
        w->status =
            tsr_fail(TSR_ERROR_ARGUMENT, "argument desc.variant is '%s', whose latents have %" PRId32 " channels; the weight file's have %" PRId32,
                     name, variants[i].channels, channels);
        return NULL;
    }
    w->status = tsr_fail(TSR_ERROR_ARGUMENT, "argument desc.variant is '%s'; expected one of %s", name, list);
    return NULL;
}

void tae_latent(tsr_net *net, const tae_variant *v, int32_t channels)
{
    net->fps = v->fps;
    net->out_scale = v->centred ? 0.5f : 1;
    net->out_shift = v->centred ? 0.5f : 0;
    if (v->mean) {
        tsr_net_latent(net, v->mean, v->std, channels, v->reads_raw);
    } else if (v->std_all > 0) {
        float std[CHANNELS_MAX];
        for (int32_t i = 0; i < channels; i++) std[i] = v->std_all;
        tsr_net_latent(net, NULL, std, channels, v->reads_raw);
    }
}

void tae_shown(tsr_net *net, const tae_variant *v, int32_t channels, int32_t time_scale)
{
    tae_latent(net, v, channels);
    net->drop_first = time_scale - 1;
    net->drop_if_odd = v->even_whole;
    net->drop_every = v->drop_every;
}
