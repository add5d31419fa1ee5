/* What the options of tessera attend say. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "attend.h"

static bool parse_window(attend *a)
{
    tsr_band *set = &a->desc.band;
    *set = (tsr_band){.left = TSR_UNBOUNDED, .right = TSR_UNBOUNDED};
    if (a->window) {
        long long left, right;
        int used = 0;
        if (sscanf(a->window, "%lld,%lld%n", &left, &right, &used) != 2 || a->window[used] || left < -1 || right < -1) {
            cli_error(ATTEND_NAME, EXIT_INPUT, "argument --window is '%s'; expected LEFT,RIGHT, each 0 or more or -1 for no bound", a->window);
            return false;
        }
        set->bounded = 1;
        if (left >= 0) set->left = left;
        if (right >= 0) set->right = right;
    }
    if (a->causal) set->bounded = 1, set->right = 0;
    if (a->align && strcmp(a->align, "top-left") == 0)
        set->align = TSR_ALIGN_TOP_LEFT;
    else if (a->align && strcmp(a->align, "bottom-right") != 0) {
        cli_error(ATTEND_NAME, EXIT_INPUT, "argument --align is '%s'; expected bottom-right or top-left", a->align);
        return false;
    }
    return true;
}

static bool parse_number(const char *option, const char *text, float *out)
{
    if (!text) return true;
    char *end;
    const float value = strtof(text, &end);
    if (end == text || *end) {
        cli_error(ATTEND_NAME, EXIT_INPUT, "argument %s is '%s'; expected a number", option, text);
        return false;
    }
    if (strcmp(option, "--scale") == 0 && value == 0) {
        cli_error(ATTEND_NAME, EXIT_INPUT, "argument --scale is 0; expected another number");
        return false;
    }
    *out = value;
    return true;
}

bool attend_options(attend *a)
{
    if (a->layout && strcmp(a->layout, "bnhd") != 0 && strcmp(a->layout, "bhnd") != 0) {
        cli_error(ATTEND_NAME, EXIT_INPUT, "argument --layout is '%s'; expected bhnd or bnhd", a->layout);
        return false;
    }
    a->bnhd = a->layout && strcmp(a->layout, "bnhd") == 0;
    if (a->tile && !cli_parse_tile(ATTEND_NAME, a->tile, &a->desc.tile)) return false;
    if (a->splits < 0) {
        cli_error(ATTEND_NAME, EXIT_INPUT, "argument --splits is %d; expected 0 or more", a->splits);
        return false;
    }
    a->desc.splits = (uint32_t)a->splits;
    return parse_number("--scale", a->scale_text, &a->desc.scale) && parse_number("--softcap", a->softcap_text, &a->desc.softcap) &&
           parse_window(a) && attend_probe_options(a);
}
