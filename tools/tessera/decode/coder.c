/* Opens what decode and encode need: the weights, the device, the decoder or encoder. */
#include <stdlib.h>
#include <string.h>

#include "decode/decode.h"

static int choice(const char *command, const char *option, const char *text, const char *const words[3], int *out)
{
    for (*out = 0; *out < 3 && words[*out]; ++*out)
        if (!text || strcmp(text, words[*out]) == 0) return -1;
    return cli_error(command, EXIT_INPUT, "argument --%s is '%s'; expected %s%s%s or %s", option, text, words[2] ? words[0] : "",
                     words[2] ? ", " : "", words[2] ? words[1] : words[0], words[2] ? words[2] : words[1]);
}

int coder_clip(const char *command, const coder_options *o, tsr_clip *clip)
{
    static const char *const tilings[] = {"exact", "blended", NULL};
    int tiling = 0;
    if (o->memory_limit && !cli_parse_size(o->memory_limit, &clip->memory_limit))
        return cli_error(command, EXIT_INPUT, "argument --memory-limit is '%s'; expected a size such as 800M or 3G, up to 900000T", o->memory_limit);
    const int code = choice(command, "tiling", o->tiling, tilings, &tiling);
    if (code >= 0) return code;
    if (o->tile > 1 << 20 || o->tile_stride > 1 << 20)
        return cli_error(command, EXIT_INPUT, "argument --%s is %d; expected 1 to %d", o->tile > 1 << 20 ? "tile" : "tile-stride",
                         o->tile > 1 << 20 ? o->tile : o->tile_stride, 1 << 20);
    if ((o->tile || o->tile_stride) && tiling != TSR_TILING_BLENDED)
        return cli_error(command, EXIT_INPUT, "argument --%s goes with --tiling blended", o->tile ? "tile" : "tile-stride");
    clip->tiling = (tsr_tiling)tiling;
    clip->tile = (uint32_t)o->tile;
    clip->tile_stride = (uint32_t)o->tile_stride;
    return -1;
}

static int check_family(const char *command, const char *family)
{
    char list[512] = "";
    for (size_t i = 0; tsr_decoder_family(i); i++) {
        if (strcmp(tsr_decoder_family(i), family) == 0) return -1;
        const size_t n = strlen(list);
        snprintf(list + n, sizeof(list) - n, "%s%s", i ? ", " : "", tsr_decoder_family(i));
    }
    return cli_error(command, EXIT_INPUT, "argument --family is '%s'; expected %s", family, list);
}

int coder_open(const char *command, const coder_options *o, const tsr_decoder_desc *more, cli_device *device, tsr_tensors **weights,
               tsr_decoder **out)
{
    static const char *const precisions[] = {"auto", "fp32", "fp16"};
    tsr_decoder_desc desc = *more;
    int precision = 0, code = choice(command, "precision", o->precision, precisions, &precision);
    if (code >= 0 || (o->family && (code = check_family(command, o->family)) >= 0)) return code;
    desc.precision = (tsr_precision)precision;
    desc.family = o->family;
    desc.variant = o->variant;
    tsr_status s = tsr_tensors_open(o->model, weights);
    if (s != TSR_OK) return cli_fail(command, s);
    if ((code = cli_open(command, device)) >= 0) return code;
    if ((s = tsr_decoder_create(device->dev, *weights, &desc, out)) != TSR_OK) return cli_fail(command, s);
    return -1;
}

void coder_free(coder_options *o)
{
    char *const owned[] = {o->model, o->family, o->variant, o->precision, o->memory_limit, o->tiling};
    for (size_t i = 0; i < sizeof(owned) / sizeof(owned[0]); i++) free(owned[i]);
}

double coder_flops(const tsr_decoder *decoder, const tsr_clip *clip)
{
    tsr_decoder_info info;
    tsr_decoder_layer layer;
    double flops = 0;
    if (tsr_decoder_get_info(decoder, &info) != TSR_OK) return 0;
    for (uint32_t i = 0; i < info.layers; i++)
        if (tsr_decoder_get_layer(decoder, i, clip, &layer) == TSR_OK) flops += layer.flops;
    return flops;
}
