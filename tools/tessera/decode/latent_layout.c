/* Which axis of a latent is which: said by the user or the file, or told by the decoder's number of channels. */
#include <stdio.h>
#include <string.h>

#include "decode/latent.h"

enum { AXIS_MAX = 1 << 20 };

static const char letters[] = "cthwbn";
enum { C, T, H, W, B, N, LETTERS };

typedef struct reading {
    int64_t size[LETTERS], stride[LETTERS]; /* size 1 where the letter is not there */
} reading;

static void shape_text(const tsr_tensor_view *v, char *out, size_t size)
{
    size_t at = (size_t)snprintf(out, size, "[");
    for (uint32_t i = 0; i < v->rank && at < size; i++) at += (size_t)snprintf(out + at, size - at, i ? ",%lld" : "%lld", (long long)v->shape[i]);
    if (at < size) snprintf(out + at, size - at, "]");
}

/* The letters of all axes; with clips where a layout without them meets one axis more. */
static bool read_axes(const tsr_tensor_view *v, const char *layout, const int64_t grid[3], reading *out)
{
    int64_t stride = 1;
    const size_t n = strlen(layout), skip = v->rank == n + 1 && !strchr(layout, 'b');
    for (int i = 0; i < LETTERS; i++) out->size[i] = 1, out->stride[i] = 0;
    if (n + skip != v->rank) return false;
    for (uint32_t i = v->rank; i-- > 0;) {
        const int letter = i < skip ? B : (int)(strchr(letters, layout[i - skip]) - letters);
        out->size[letter] = v->shape[i];
        out->stride[letter] = stride;
        stride *= v->shape[i] ? v->shape[i] : 1;
    }
    if (!strchr(layout, 'n')) return true;
    if (grid[0] * grid[1] * grid[2] != out->size[N]) return false;
    const int64_t token = out->stride[N];
    for (int i = 0; i < 3; i++) out->size[T + i] = grid[i];
    out->stride[W] = token;
    out->stride[H] = token * grid[2];
    out->stride[T] = token * grid[2] * grid[1];
    return true;
}

static bool is_layout(const char *text)
{
    bool seen[LETTERS] = {false};
    for (const char *at = text; *at; at++) {
        const char *letter = strchr(letters, *at);
        if (!letter || seen[letter - letters]) return false;
        seen[letter - letters] = true;
    }
    return seen[C] && (seen[N] ? !seen[T] && !seen[H] && !seen[W] : seen[H] && seen[W]);
}

static int take_reading(const char *command, latent *l, const latent_options *o, const char *layout, const reading *r)
{
    snprintf(l->layout, sizeof(l->layout), "%s", layout);
    static const char *const names[] = {"channels", "frames", "rows", "columns", "clips"};
    for (int i = 0; i < B; i++)
        if (r->size[i] < 1 || r->size[i] > AXIS_MAX)
            return cli_error(command, EXIT_INPUT, "%s: tensor '%s' has %lld %s (read as %s); expected 1 to %d", l->path, l->view.name,
                             (long long)r->size[i], names[i], layout, AXIS_MAX);
    if (r->size[B] < 1 || (r->size[B] > 1 && o->clip == 0))
        return cli_error(command, EXIT_INPUT, "%s: tensor '%s' has %lld clips (read as %s); expected one, or --clip 1 to %lld", l->path, l->view.name,
                         (long long)r->size[B], layout, (long long)r->size[B]);
    if (o->clip > r->size[B])
        return cli_error(command, EXIT_INPUT, "argument --clip is %lld; expected 1 to %lld, as many clips as tensor '%s' of %s has (read as %s)",
                         (long long)o->clip, (long long)r->size[B], l->view.name, l->path, layout);
    l->channels = (uint32_t)r->size[C];
    l->frames = (uint64_t)r->size[T];
    l->height = (uint32_t)r->size[H];
    l->width = (uint32_t)r->size[W];
    l->stride_c = r->stride[C];
    l->stride_t = r->stride[T];
    l->stride_h = r->stride[H];
    l->stride_w = r->stride[W];
    l->first = o->clip > 1 ? (o->clip - 1) * r->stride[B] : 0;
    return -1;
}

/* Layouts that a file may have unsaid, in pairs that one number of channels may fit. */
static int tell_layout(const char *command, latent *l, const latent_options *o, const int64_t grid[3], uint32_t channels)
{
    static const char *const known[] = {"cthw", "tchw", "chw", "nc"};
    const char *fits[4] = {NULL};
    char shape[128], seen[128] = "";
    reading r, taken = {.size = {0}};
    int count = 0;
    shape_text(&l->view, shape, sizeof(shape));
    for (int i = 0; i < 4; i++) {
        const bool packed = i == 3;
        if (packed != (o->grid != NULL)) continue;
        if (i == 2 && l->view.rank != 3) continue; /* [B,C,h,w] reads as tchw: images one after another */
        if (!read_axes(&l->view, known[i], grid, &r)) continue;
        snprintf(seen + strlen(seen), sizeof(seen) - strlen(seen), "%s%s would be %lld channels", *seen ? ", " : "", known[i], (long long)r.size[C]);
        if (r.size[C] != channels) continue;
        fits[count++] = known[i];
        taken = r;
    }
    if (count == 1) return take_reading(command, l, o, fits[0], &taken);
    if (count > 1)
        return cli_error(command, EXIT_INPUT, "%s: tensor '%s' of shape %s can be read as %s and as %s; expected --layout %s or --layout %s", l->path,
                         l->view.name, shape, fits[0], fits[1], fits[0], fits[1]);
    if (!*seen && o->grid)
        return cli_error(command, EXIT_INPUT, "%s: tensor '%s' has shape %s; --grid %s goes with [N,C] of %lld tokens", l->path, l->view.name, shape,
                         o->grid, (long long)(grid[0] * grid[1] * grid[2]));
    if (!*seen)
        return cli_error(command, EXIT_INPUT, "%s: tensor '%s' has shape %s; expected [C,T,h,w] or [T,C,h,w], or packed [N,C] with --grid T,h,w",
                         l->path, l->view.name, shape);
    return cli_error(command, EXIT_INPUT, "%s: tensor '%s' has shape %s; the model wants %u channels (%s)%s", l->path, l->view.name, shape, channels,
                     seen, l->view.rank == 3 && !o->grid && l->view.shape[2] == channels ? "; packed latents need --grid T,h,w" : "");
}

int latent_arrange(const char *command, latent *l, const latent_options *o, uint32_t channels)
{
    int64_t grid[3] = {1, 1, 1};
    reading r;
    char shape[128];
    if (o->layout && !is_layout(o->layout))
        return cli_error(command, EXIT_INPUT, "argument --layout is '%s'; expected letters such as cthw, tchw, btchw or nc", o->layout);
    if (o->grid && (latent_numbers(o->grid, grid, 3) != 3 || grid[0] > AXIS_MAX || grid[1] > AXIS_MAX || grid[2] > AXIS_MAX))
        return cli_error(command, EXIT_INPUT, "argument --grid is '%s'; expected T,h,w", o->grid);
    if (l->stream >= 0) {
        if (l->channels == channels) return -1;
        return cli_error(command, EXIT_INPUT, "%s has %u channels; the model wants %u", l->path, l->channels, channels);
    }
    const tsr_dtype dtype = l->view.dtype;
    if (dtype != TSR_F32 && dtype != TSR_F16 && dtype != TSR_BF16 && dtype != TSR_F64)
        return cli_error(command, EXIT_INPUT, "%s: tensor '%s' is of type %s; expected f32, f16, bf16 or f64", l->path, l->view.name,
                         tsr_dtype_name(dtype));
    shape_text(&l->view, shape, sizeof(shape));
    if (l->view.size == 0)
        return cli_error(command, EXIT_INPUT, "%s: tensor '%s' of shape %s is empty; expected at least one frame", l->path, l->view.name, shape);
    const char *layout = o->layout ? o->layout : o->grid ? NULL : l->known;
    if (!layout) return tell_layout(command, l, o, grid, channels);
    if (!read_axes(&l->view, layout, grid, &r))
        return cli_error(command, EXIT_INPUT, "%s: tensor '%s' of shape %s is not %s%s%s", l->path, l->view.name, shape, layout,
                         strchr(layout, 'n') ? " with --grid " : "", strchr(layout, 'n') ? (o->grid ? o->grid : "T,h,w") : "");
    if (r.size[C] != channels)
        return cli_error(command, EXIT_INPUT, "%s: tensor '%s' of shape %s, read as %s, has %lld channels; the model wants %u", l->path, l->view.name,
                         shape, layout, (long long)r.size[C], channels);
    return take_reading(command, l, o, layout, &r);
}
