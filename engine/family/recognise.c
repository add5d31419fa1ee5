/* Tells from tensor names and shapes which family a weight file belongs to, and below which prefix its names are. */
#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#include "family.h"

/* A model's own file; all-in-one files (LTX and ComfyUI, Stable Diffusion); wrapped modules; the parts that ComfyUI saves apart. */
static const char *const prefixes[] = {"",         "vae.",           "first_stage_model.", "model.",       "module.",
                                       "decoder.", "taesd_decoder.", "taesd_encoder.",     "vae_decoder.", "vae.decoder."};

/* How much of a family a file has below a prefix. */
typedef struct match {
    const tsr_family *family;
    const char *prefix;
    int signs, of;
    const char *lacks; /* the first sign that it has not; NULL: all are there */
} match;

/* One of a sign's names, which '|' parts. */
static bool has_sign(const tsr_weights *w, const char *sign)
{
    for (;;) {
        const size_t n = strcspn(sign, "|");
        if (tsr_weights_has(w, "%.*s", (int)n, sign)) return true;
        if (sign[n] == '\0') return false;
        sign += n + 1;
    }
}

static match count_signs(const tsr_weights *w, const tsr_family *family, const char *prefix)
{
    match m = {.family = family, .prefix = prefix};
    for (; family->signs[m.of]; m.of++) {
        if (has_sign(w, family->signs[m.of]))
            m.signs++;
        else if (!m.lacks)
            m.lacks = family->signs[m.of];
    }
    return m;
}

/* "'vae.a' or 'vae.b'" */
static void print_sign(char *text, size_t size, const match *m)
{
    size_t at = 0;
    for (const char *sign = m->lacks; at < size;) {
        const size_t n = strcspn(sign, "|");
        at += (size_t)snprintf(text + at, size - at, "%s'%s%.*s'", sign == m->lacks ? "" : " or ", m->prefix, (int)n, sign);
        if (sign[n] == '\0') break;
        sign += n + 1;
    }
}

static tsr_status fail_unknown(const tsr_tensors *file, const match *best, bool named)
{
    char sign[400];
    tsr_tensor_view first = {.name = "none"};
    if (named && best->lacks) {
        print_sign(sign, sizeof(sign), best);
        return tsr_fail(TSR_ERROR_FILE, "the weight file lacks the tensor %s, which family '%s' has", sign, best->family->name);
    }
    if (best->signs == 0) {
        if (tsr_tensors_count(file) > 0) tsr_tensors_at(file, 0, &first);
        return tsr_fail(TSR_ERROR_FILE, "the weight file is of no family that is known here: of its %zu tensors ('%s', ..) none belongs to one",
                        tsr_tensors_count(file), first.name);
    }
    if (!best->lacks)
        return tsr_fail(TSR_ERROR_FILE, "the weight file is of no family that is known here; it has the names of '%s', but not its shapes",
                        best->family->name);
    print_sign(sign, sizeof(sign), best);
    return tsr_fail(TSR_ERROR_FILE, "the weight file is of no family that is known here; the nearest is '%s', of which it lacks the tensor %s",
                    best->family->name, sign);
}

static tsr_status fail_name(const char *name)
{
    char list[400];
    size_t at = 0;
    for (const tsr_family *const *f = tsr_families; *f && at < sizeof(list); f++)
        at += (size_t)snprintf(list + at, sizeof(list) - at, "%s%s", f == tsr_families ? "" : ", ", (*f)->name);
    return tsr_fail(TSR_ERROR_ARGUMENT, "argument desc.family is '%s'; expected one of %s", name, list);
}

/* Leaves w open where the file fits below its prefix; best is the closest match otherwise. */
static tsr_status try_prefix(const char *prefix, const tsr_family *named, tsr_weights *w, const tsr_family **family, match *best)
{
    *family = NULL;
    const tsr_status status = tsr_weights_open(w->file, prefix, w);
    if (status != TSR_OK) return status;
    for (const tsr_family *const *f = tsr_families; *f; f++) {
        if (named && *f != named) continue;
        const match m = count_signs(w, *f, prefix);
        if (!best->family || m.signs > best->signs || (m.signs == best->signs && m.signs > 0 && best->lacks && !m.lacks)) *best = m;
        if ((*f)->fits(w)) {
            *family = *f;
            return TSR_OK;
        }
    }
    tsr_weights_close(w);
    return TSR_OK;
}

tsr_status tsr_recognise(const tsr_tensors *file, const char *family_name, const tsr_family **family, tsr_weights *w)
{
    const tsr_family *named = NULL;
    match best = {0};
    *family = NULL;
    if (family_name) {
        for (const tsr_family *const *f = tsr_families; *f; f++)
            if (strcmp((*f)->name, family_name) == 0) named = *f;
        if (!named) return fail_name(family_name);
    }
    for (size_t i = 0; i < sizeof(prefixes) / sizeof(*prefixes); i++) {
        *w = (tsr_weights){.file = file};
        const tsr_status status = try_prefix(prefixes[i], named, w, family, &best);
        if (status != TSR_OK || *family) return status;
    }
    if (!named || best.lacks) return fail_unknown(file, &best, named != NULL);
    *family = named;
    return tsr_weights_open(file, best.prefix, w);
}
