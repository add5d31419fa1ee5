/* Every published system has a recipe that bears its title, and a case of its own. */
#include "recipes.h"

#include <stdio.h>
#include <string.h>

const char *system_recipe_text(const char *name)
{
    for (const system_recipe *r = system_recipes; r->name; r++)
        if (strcmp(r->name, name) == 0) return r->text;
    return NULL;
}

/* Does a member of the text have this value? */
static bool says(const char *text, const char *member, const char *value)
{
    char quoted[64];
    snprintf(quoted, sizeof(quoted), "\"%s\"", member);
    const char *at = strstr(text, quoted);
    if (!at) return false;
    at += strlen(quoted);
    at += strspn(at, " :\n");
    const size_t length = strlen(value);
    return *at == '"' && strncmp(at + 1, value, length) == 0 && at[1 + length] == '"';
}

static bool has_case(const char *recipe)
{
    for (const system_case *const *table = system_tables; *table; table++)
        for (const system_case *c = *table; c->recipe; c++)
            if (strcmp(c->recipe, recipe) == 0) return true;
    return false;
}

static suite_verdict run_title(const suite_case *c, suite_run_context *run)
{
    const system_title *t = &system_titles[c->number];
    const char *text = system_recipe_text(t->recipe);
    if (!text) return suite_say(run, SUITE_FAIL, "no recipe %s for '%s'", t->recipe, t->title);
    const bool stream = strncmp(t->recipe, "stream/", 7) == 0;
    if (!says(text, "system", t->title))
        return suite_say(run, SUITE_FAIL, "the recipe %s does not name the system '%s'", t->recipe, t->title);
    if (!stream && !has_case(t->recipe)) return suite_say(run, SUITE_FAIL, "the recipe %s has no case", t->recipe);
    return SUITE_PASS;
}

int suite_add_titles(suite *s)
{
    char name[112];
    for (int i = 0; i < SYSTEM_TITLES; i++) {
        snprintf(name, sizeof(name), "systems/titles/%d", i + 1);
        if (!suite_add(s, name, run_title, NULL, i)) return 0;
    }
    return 1;
}
