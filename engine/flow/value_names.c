/* Names in expressions: places and functions, and what a name that is not known may have been meant for. */
#include <stdio.h>
#include <string.h>

#include "flow/compute_args.h"
#include "value.h"

const char *const value_places[VALUE_PLACES] = {"batch", "head", "row", "column", "rows", "columns"};

const value_function value_functions[] = {
    {"min", COMPUTE_MIN, 2},
    {"max", COMPUTE_MAX, 2},
    {"abs", COMPUTE_ABS, 1},
    {"floor", COMPUTE_FLOOR, 1},
    {"ceil", COMPUTE_CEIL, 1},
    {"round", COMPUTE_ROUND, 1},
    {"sqrt", COMPUTE_SQRT, 1},
    {"exp", COMPUTE_EXP, 1},
    {"ln", COMPUTE_LN, 1},
    {"log2", COMPUTE_LOG2, 1},
    {"pow", COMPUTE_POW, 2},
    {"relu", COMPUTE_RELU, 1},
    {"sigmoid", COMPUTE_SIGMOID, 1},
    {"silu", COMPUTE_SILU, 1},
    {"tanh", COMPUTE_TANH, 1},
    {"elu", COMPUTE_ELU, 1},
    {"softplus", COMPUTE_SOFTPLUS, 1},
    {"sign", COMPUTE_SIGN, 1},
    {NULL, 0, 0},
};

/* Letters to add, drop or change; long names differ more than enough. */
static int distance(const char *a, const char *b)
{
    enum { LONGEST = 48 };
    int row[LONGEST + 1] = {0};
    const int n = (int)strlen(a), m = (int)strlen(b);
    if (n > LONGEST || m > LONGEST) return LONGEST;
    for (int j = 0; j <= m; j++) row[j] = j;
    for (int i = 1; i <= n; i++) {
        int corner = row[0];
        row[0] = i;
        for (int j = 1; j <= m; j++) {
            const int changed = corner + (a[i - 1] != b[j - 1]);
            corner = row[j];
            const int shorter = row[j - 1] < corner ? row[j - 1] + 1 : corner + 1;
            row[j] = changed < shorter ? changed : shorter;
        }
    }
    return row[m];
}

typedef struct near_names {
    const char *name;
    char list[256];
    int count;
} near_names;

static void consider(near_names *n, const char *candidate)
{
    const size_t length = strlen(n->name), used = strlen(n->list);
    const int allowed = length < 3 ? 1 : length < 6 ? 2 : 3;
    const bool begins = length >= 3 && strncmp(candidate, n->name, length) == 0;
    if (n->count == 6 || (!begins && (distance(n->name, candidate) > allowed || strlen(candidate) <= (size_t)allowed))) return;
    snprintf(n->list + used, sizeof(n->list) - used, "%s'%.32s'", n->count++ ? ", " : "", candidate);
}

void value_unknown(tsr_flow *f, const value_scope *scope, int column, const char *name)
{
    static const char *const call[] = {"q", "k", "v"};
    near_names n = {.name = name};
    for (int i = 0; i < scope->named_count; i++) consider(&n, scope->named[i].name);
    for (int32_t i = 0; i < f->scalar_count; i++) consider(&n, f->scalars[i].name);
    for (int32_t i = 0; i < f->step_count && !scope->numbers && !scope->named; i++) consider(&n, f->steps[i].name);
    for (int32_t i = 0; i < f->input_count && !scope->numbers && !scope->named; i++) consider(&n, f->input_names[i]);
    for (int i = 0; i < 3 && !scope->numbers && !scope->named; i++) consider(&n, call[i]);
    for (int i = 0; i < VALUE_PLACES && !scope->numbers; i++) consider(&n, value_places[i]);
    for (const value_function *g = value_functions; g->name; g++) consider(&n, g->name);
    tsr_reader_fail(f->r, "has '%.64s' at column %d, which is not known; expected %s%s%s", name, column,
                    scope->numbers ? "a parameter, an extent or a function"
                                   : "a step, an input, q, k, v, a parameter, an extent, a place or a function",
                    n.count ? "; near it: " : "", n.list);
}
