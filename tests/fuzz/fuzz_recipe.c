/* libFuzzer entry: any bytes as a recipe, and some pairs of the sets that it makes. Build with -fsanitize=fuzzer,address,undefined. */
#include <stddef.h>
#include <stdint.h>

#include "tessera/tessera_set.h"

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t size)
{
    tsr_recipe *recipe = NULL;
    tsr_recipe_info info;
    const tsr_recipe_desc desc = {.text = (const char *)bytes, .length = size, .heads = 3};
    if (size == 0 || tsr_recipe_parse(&desc, &recipe) != TSR_OK || tsr_recipe_get_info(recipe, &info) != TSR_OK) return 0;
    const int64_t nq = info.nk ? info.nq : 13, nk = info.nk ? info.nk : 17;
    for (uint32_t s = 0; s < info.set_count; s++)
        for (int64_t pair = 0; pair < 64 && nq && nk; pair++) {
            int holds;
            tsr_set_contains(info.sets[s], nq, nk, pair * 7919 % nq, pair * 104729 % nk, &holds);
        }
    tsr_recipe_destroy(recipe);
    return 0;
}
