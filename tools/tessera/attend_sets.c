/* Sets, score and numbers of a recipe in the attention's description, with what its expressions may name. */
#include <ctype.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "attend.h"
#include "named_numbers.h"
#include "number.h"
#include "recipe_file.h"

/* Scalars of the command line, and tensors of the input file. */
typedef struct names {
    named_numbers scalars;
    tsr_named_tensor *tensors;
    size_t tensor_count;
} names;

/* Does the text hold the name as a word of its own? */
static bool holds_word(const char *text, const char *word)
{
    const size_t length = strlen(word);
    for (const char *at = strstr(text, word); at; at = strstr(at + 1, word)) {
        const unsigned char before = at == text ? ' ' : (unsigned char)at[-1], after = (unsigned char)at[length];
        if (!isalnum(before) && before != '_' && !isalnum(after) && after != '_') return true;
    }
    return false;
}

/* Those tensors of the file whose names the recipe's text holds. */
static int read_tensors(const attend *a, const char *text, names *n)
{
    static const char *const own[] = {"q", "k", "v", "bias", "mask", "sinks"};
    const size_t count = tsr_tensors_count(a->file);
    n->tensors = calloc(count + 1, sizeof(*n->tensors));
    if (!n->tensors) return cli_error(ATTEND_NAME, EXIT_INPUT, "no memory for %zu tensors", count);
    for (size_t i = 0; i < count; i++) {
        tsr_tensor_view view;
        if (tsr_tensors_at(a->file, i, &view) != TSR_OK) continue;
        bool wanted = view.rank >= 1 && view.rank <= 4 && named_numbers_name(view.name, strlen(view.name)) && holds_word(text, view.name);
        for (int o = 0; o < 6; o++) wanted = wanted && strcmp(view.name, own[o]) != 0;
        if (!wanted) continue;
        const size_t size = tsr_dtype_size(view.dtype), numbers = (size_t)view.size / size;
        float *data = malloc((numbers + 1) * sizeof(*data));
        if (!data) return cli_error(ATTEND_NAME, EXIT_INPUT, "no memory for tensor '%s' of %zu numbers", view.name, numbers);
        for (size_t e = 0; e < numbers; e++) data[e] = (float)number_load(view.dtype, (const unsigned char *)view.data + e * size);
        tsr_named_tensor *tensor = &n->tensors[n->tensor_count++];
        *tensor = (tsr_named_tensor){.name = view.name, .rank = view.rank, .data = data};
        for (uint32_t d = 0; d < view.rank; d++) tensor->shape[d] = view.shape[d];
    }
    return -1;
}

static void free_names(names *n)
{
    for (size_t i = 0; i < n->tensor_count; i++) free((void *)n->tensors[i].data);
    free(n->tensors);
    named_numbers_free(&n->scalars);
}

static int parse(attend *a, const char *text, names *n)
{
    tsr_recipe_desc desc = {.text = text, .nq = a->desc.q.shape[2], .nk = a->desc.k.shape[2], .heads = (uint32_t)a->desc.q.shape[1]};
    int code = named_numbers_read(ATTEND_NAME, "--scalar", a->scalar_texts, &n->scalars);
    if (code >= 0 || (code = read_tensors(a, text, n)) >= 0) return code;
    if (!recipe_parse_axes(ATTEND_NAME, "--grid", a->grid_text, desc.grid)) return EXIT_INPUT;
    desc.scalars = n->scalars.numbers, desc.scalar_count = n->scalars.count;
    desc.tensors = n->tensors, desc.tensor_count = n->tensor_count;
    tsr_recipe_info info;
    tsr_status s = tsr_recipe_parse(&desc, &a->recipe);
    if (s == TSR_OK) s = tsr_recipe_get_info(a->recipe, &info);
    if (s != TSR_OK) return recipe_fail(ATTEND_NAME, s);
    a->desc.sets = info.sets;
    a->desc.set_count = info.set_count;
    if (info.set_count > 1) a->desc.set_of = info.set_of_head, a->desc.set_of_count = info.heads;
    a->desc.score = info.score;
    if (!a->scale_text) a->desc.scale = info.scale;
    if (!a->softcap_text) a->desc.softcap = info.softcap;
    return -1;
}

int attend_sets(attend *a)
{
    int code;
    char *text = attend_recipe_text(a, &code);
    if (!text) {
        if (code < 0 && (a->grid_text || a->scalar_texts))
            return cli_error(ATTEND_NAME, EXIT_INPUT, "argument %s is given without --recipe, --set, --mask or --score",
                             a->grid_text ? "--grid" : "--scalar");
        return code;
    }
    names n = {0};
    code = parse(a, text, &n);
    free_names(&n);
    free(text);
    return code;
}
