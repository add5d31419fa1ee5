/* The object behind tsr_recipe, and the parts of reading one. */
#ifndef TSR_RECIPE_H
#define TSR_RECIPE_H

#include "build.h"

struct tsr_recipe {
    char *name;
    tsr_set **sets;
    uint32_t set_count;
    uint32_t *set_of_head; /* [heads] */
    uint32_t heads;
    int64_t nq, nk, grid[3];
    tsr_expression *score;
    tsr_expression **expressions; /* of the sets */
    size_t expression_count;
    float scale, softcap;
};

/* recipe.c: the text as JSON; the members that are words, of which the name is kept (malloc'd). */
tsr_status tsr_recipe_json(const tsr_recipe_desc *desc, cJSON **root);
void tsr_recipe_words(tsr_reader *r, tsr_fields *f, char **name);

/* sequence.c: grid, text, lengths and segments, and what they say of each other. cu: two lists that the caller frees. */
typedef struct tsr_packing {
    int64_t *cu_queries, *cu_keys;
    size_t segments;
} tsr_packing;
void tsr_recipe_sequence(tsr_build *b, tsr_fields *f, const tsr_recipe_desc *desc, tsr_packing *s);

/* names.c: "scalars" and "tensors" behind the caller's. */
void tsr_recipe_names(tsr_reader *r, tsr_fields *f, const tsr_recipe_desc *desc, tsr_names *names);
void tsr_recipe_names_free(tsr_names *names);

/* heads.c: the heads that a selector names; sets of_head[h] to set, which must be UINT32_MAX before. */
void tsr_recipe_select(tsr_reader *r, const cJSON *selector, uint32_t set, uint32_t *of_head, uint32_t heads);

#endif
