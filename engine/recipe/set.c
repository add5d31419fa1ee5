/* SET: a pattern by its name, or sets put together. */
#include <stdio.h>
#include <string.h>

#include "build.h"

const tsr_pattern tsr_patterns[] = {
    {"all", tsr_pattern_all, false},
    {"causal", tsr_pattern_causal, false},
    {"window", tsr_pattern_window, false},
    {"dilated", tsr_pattern_dilated, false},
    {"power", tsr_pattern_power, false},
    {"strided", tsr_pattern_strided, false},
    {"fixed", tsr_pattern_fixed, false},
    {"sinks", tsr_pattern_sinks, false},
    {"streaming", tsr_pattern_streaming, false},
    {"a_shape", tsr_pattern_a_shape, false},
    {"tri_shape", tsr_pattern_tri_shape, false},
    {"prefix", tsr_pattern_prefix, false},
    {"document", tsr_pattern_document, false},
    {"queries", tsr_pattern_queries, false},
    {"keys", tsr_pattern_keys, false},
    {"neighborhood", tsr_pattern_neighborhood, false},
    {"blocked", tsr_pattern_blocked, false},
    {"halo", tsr_pattern_halo, false},
    {"text", tsr_pattern_text, true},
    {"cross", tsr_pattern_cross, true},
    {"sliding_tiles", tsr_pattern_sliding_tiles, true},
    {"frames", tsr_pattern_frames, true},
    {"attention_tiles", tsr_pattern_attention_tiles, true},
    {"radial", tsr_pattern_radial, true},
};
const size_t tsr_pattern_count = sizeof(tsr_patterns) / sizeof(tsr_patterns[0]);

static void unknown(tsr_build *b, const char *name)
{
    char list[512] = "";
    for (size_t i = 0; i < tsr_pattern_count; i++) {
        const size_t used = strlen(list);
        snprintf(list + used, sizeof(list) - used, "%s, ", tsr_patterns[i].name);
    }
    tsr_reader_fail(&b->r, "names '%.64s'; expected %sexpression, union, intersection or not", name, list);
}

static void pattern(tsr_build *b, const char *name, const cJSON *value)
{
    for (size_t i = 0; i < tsr_pattern_count; i++) {
        if (strcmp(tsr_patterns[i].name, name) != 0) continue;
        const size_t up = tsr_reader_enter(&b->r, name);
        if (tsr_patterns[i].grid && !b->gridded) tsr_reader_fail(&b->r, "is a pattern of a token grid; expected one: \"grid\": [T, H, W]");
        tsr_fields f = tsr_fields_open(&b->r, value);
        if (b->r.status == TSR_OK) tsr_patterns[i].lower(b, &f);
        tsr_fields_close(&f);
        tsr_reader_leave(&b->r, up);
        return;
    }
    unknown(b, name);
}

static void expression(tsr_build *b, const cJSON *text)
{
    const size_t up = tsr_reader_enter(&b->r, "expression");
    tsr_expression *made = NULL;
    tsr_build_expression(b, text, TSR_EXPRESSION_MASK, &made);
    tsr_build_keep(b, made);
    tsr_build_node(b, (tsr_set_node){.op = TSR_SET_EXPRESSION, .expression = made});
    tsr_reader_leave(&b->r, up);
}

static void together(tsr_build *b, const cJSON *list, bool all)
{
    const size_t up = tsr_reader_enter(&b->r, all ? "intersection" : "union");
    if (!cJSON_IsArray(list) || !list->child)
        tsr_reader_fail(&b->r, "is %s; expected a list of sets", cJSON_IsArray(list) ? "an empty list" : tsr_reader_kind(list));
    size_t count = 0;
    uint32_t pending = 0;
    const cJSON *item;
    cJSON_ArrayForEach(item, list)
    {
        if (b->r.status != TSR_OK) break;
        const size_t deeper = tsr_reader_enter_index(&b->r, count++);
        tsr_build_set(b, item);
        pending = tsr_build_fold(b, all, pending);
        tsr_reader_leave(&b->r, deeper);
    }
    if (all)
        tsr_build_all_of(b, pending);
    else
        tsr_build_any_of(b, pending);
    tsr_reader_leave(&b->r, up);
}

static void complement(tsr_build *b, const cJSON *item)
{
    const size_t up = tsr_reader_enter(&b->r, "not");
    tsr_build_set(b, item);
    tsr_build_not(b);
    tsr_reader_leave(&b->r, up);
}

void tsr_build_set(tsr_build *b, const cJSON *item)
{
    if (b->r.status != TSR_OK) return;
    if (!cJSON_IsObject(item) || !item->child || item->child->next) {
        if (cJSON_IsObject(item))
            tsr_reader_fail(&b->r, "has %d members; expected one, a pattern's name, union, intersection or not", cJSON_GetArraySize(item));
        else
            tsr_reader_fail(&b->r, "is %s; expected an object with one member, a pattern's name, union, intersection or not", tsr_reader_kind(item));
        return;
    }
    if (b->depth == TSR_SETS_DEEP) {
        tsr_reader_fail(&b->r, "nests sets deeper than %d", TSR_SETS_DEEP);
        return;
    }
    b->depth++;
    const cJSON *value = item->child;
    const char *name = value->string;
    if (strcmp(name, "union") == 0)
        together(b, value, false);
    else if (strcmp(name, "intersection") == 0)
        together(b, value, true);
    else if (strcmp(name, "not") == 0)
        complement(b, value);
    else if (strcmp(name, "expression") == 0)
        expression(b, value);
    else
        pattern(b, name, value);
    b->depth--;
}
