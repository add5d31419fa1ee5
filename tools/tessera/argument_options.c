/* The library's errors name arguments of its calls: which option or tensor gave it is told behind them. */
#include <stdio.h>
#include <string.h>

#include "cli.h"

/* Of what begins alike the longer one comes first. */
static const struct {
    const char *command, *argument, *from;
} known[] = {
    {"attend", "q", "tensor 'q' of the file, as [B,H,N,D]"},
    {"attend", "k", "tensor 'k' of the file, as [B,H,N,D]"},
    {"attend", "v", "tensor 'v' of the file, as [B,H,N,D]"},
    {"attend", "bias", "tensor 'bias' of the file, as [B,H,NQ,NK]"},
    {"attend", "mask", "tensor 'mask' of the file, as [B,H,NQ,NK]"},
    {"attend", "sink", "tensor 'sinks' of the file, as [1,H,1,1]"},
    {"attend", "inputs", "tensors of the file"},
    {"attend", "tensors", "tensors of the file"},
    {"attend", "nq", "the file's q, beside --grid"},
    {"attend", "nk", "the file's k, beside --grid"},
    {"attend", "o.dtype", "--out-dtype"},
    {"attend", "lse", "--lse"},
    {"attend", "scale", "--scale"},
    {"attend", "softcap", "--softcap"},
    {"attend", "splits", "--splits"},
    {"attend", "tile", "--tile"},
    {"attend", "rows", "--map-rows"},
    {"attend", "row_count", "--map-rows"},
    {"attend", "grid", "--grid"},
    {"attend", "scalars", "--scalar"},
    {"attend", "parameters", "--parameter"},
    {"mask", "nq", "--tokens, --grid or the tensors"},
    {"mask", "nk", "--tokens, --grid or the tensors"},
    {"mask", "heads", "--heads"},
    {"mask", "grid", "--grid"},
    {"mask", "query_tile", "--query-tile"},
    {"mask", "key_tile", "--key-tile"},
    {"mask", "name", "--step"},
    {"mask", "inputs", "tensors of the file"},
    {"mask", "parameters", "--parameter"},
    {"decode", "desc.variant", "--variant"},
    {"decode", "clip.height", "the latent or --size"},
    {"decode", "clip.tiling", "--tiling"},
    {"decode", "clip.tile", "--tile and --tile-stride"},
    {"encode", "desc.variant", "--variant"},
    {"encode", "clip.height", "the frames, in latents"},
    {"encode", "clip.tiling", "--tiling"},
    {"encode", "clip.tile", "--tile and --tile-stride"},
    {"stream", "heads_q", "--heads, or the file's q"},
    {"stream", "heads_kv", "--heads-kv, or the file's k"},
    {"stream", "batch", "--batch, or the file's tensors"},
    {"stream", "d", "--dim, or the file's k"},
    {"stream", "dv", "--dim, or the file's v"},
    {"stream", "count", "--frames and --grid"},
    {"bench", "nodes[0].stride", "--stride"},
    {"bench", "nodes[0].dilation", "--dilation"},
    {"bench", "nodes[0]", "--window"},
    {"bench", "grid", "--grid"},
    {"bench", "nq", "--tokens or --grid"},
    {"bench", "nk", "--tokens or --grid"},
    {"bench", "heads", "--heads"},
    {"tune", "tile", "--tile"},
};

static const char *find(const char *command, const char *argument)
{
    for (size_t i = 0; i < sizeof(known) / sizeof(known[0]); i++) {
        const size_t length = strlen(known[i].argument);
        if (strcmp(known[i].command, command) == 0 && strncmp(known[i].argument, argument, length) == 0 && strchr(" .[", argument[length]))
            return known[i].from;
    }
    return NULL;
}

const char *cli_reason(const char *command)
{
    static const char word[] = "argument ";
    static char text[4096];
    const char *reason = tsr_last_error(), *at = strstr(reason, word), *from = at ? find(command, at + strlen(word)) : NULL;
    if (!from) return reason;
    snprintf(text, sizeof(text), "%s (from %s)", reason, from);
    return text;
}
