/* tessera recipes: what there is, where it is published, and how dense it is at a shape. */
#include "recipes.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "cli.h"
#include "systems/recipes.h"

static const char *const command = "recipes";

static const char *text_of(const cJSON *o, const char *name)
{
    const char *text = cJSON_GetStringValue(cJSON_GetObjectItemCaseSensitive(o, name));
    return text ? text : "";
}

static bool wanted(const char *name, const char **names)
{
    bool found = !names[0];
    for (size_t i = 0; !found && names[i]; i++) found = strcmp(names[i], name) == 0;
    return found;
}

/* Are they all there? */
static int check_names(const char **names)
{
    for (; *names; names++) {
        const system_recipe *r = system_recipes;
        while (r->name && strcmp(r->name, *names) != 0) r++;
        if (!r->name) return cli_error(command, EXIT_INPUT, "there is no recipe '%s'; see tessera recipes", *names);
    }
    return -1;
}

static void describe(const system_recipe *from, cJSON *json, recipe_row *row)
{
    const char *paper = text_of(json, "paper");
    *row = (recipe_row){.name = from->name,
                        .system = text_of(json, "system"),
                        .paper = paper[0] ? paper : text_of(json, "source"),
                        .exact = text_of(json, "exact"),
                        .simplified = text_of(json, "simplified"),
                        .density = -1};
}

static void print_line(const recipe_row *r)
{
    char density[24] = "-";
    if (r->density >= 0) snprintf(density, sizeof(density), "%.4f", r->density);
    printf("%-27s %7s  %-10s %s%s%s\n", r->name, density, r->shape, r->system[0] ? r->system : r->paper, r->system[0] && r->paper[0] ? "; " : "",
           r->system[0] ? r->paper : "");
    if (r->why[0]) printf("%-27s %7s  no density: %s\n", "", "", r->why);
}

static void add_json(cJSON *list, const recipe_row *r)
{
    cJSON *o = cJSON_CreateObject();
    cJSON_AddStringToObject(o, "name", r->name);
    cJSON_AddStringToObject(o, "system", r->system);
    cJSON_AddStringToObject(o, "paper", r->paper);
    cJSON_AddStringToObject(o, "exact", r->exact);
    cJSON_AddStringToObject(o, "simplified", r->simplified);
    cJSON_AddStringToObject(o, "shape", r->shape);
    if (r->density >= 0) cJSON_AddNumberToObject(o, "density", r->density);
    if (r->why[0]) cJSON_AddStringToObject(o, "error", r->why);
    cJSON_AddItemToArray(list, o);
}

static void markdown_cell(const char *text)
{
    for (; *text; text++) printf(*text == '|' ? "\\|" : "%c", *text);
}

/* Where the conformance suite compares it with its definition. */
static void print_test(const char *name)
{
    for (const system_case *const *table = system_tables; *table; table++)
        for (const system_case *c = *table; c->recipe; c++) {
            if (strcmp(c->recipe, name) != 0) continue;
            printf(" | `systems/%s` |\n", name);
            return;
        }
    printf(" | %s |\n", strncmp(name, "stream/", 7) == 0 ? "`stream/*`" : "none");
}

static void print_markdown(const recipe_row *r)
{
    const char *const cells[] = {r->paper, r->exact, r->simplified};
    if (!r->system[0]) return;
    printf("| ");
    markdown_cell(r->system);
    printf(" | `%s`", r->name);
    for (int i = 0; i < 3; i++) {
        printf(" | ");
        markdown_cell(cells[i]);
    }
    print_test(r->name);
}

static int list(const recipe_shape *shape, const char **names, bool markdown, bool json, tsr_device *dev)
{
    cJSON *rows = json ? cJSON_CreateArray() : NULL;
    if (markdown)
        printf("# Published systems and their recipes\n\nMade from the recipes by `tessera recipes --markdown`. Each has a definition in fp64, "
               "written apart from "
               "it, that `tools/test.sh` holds it against\non host, Vulkan and OpenCL in every run; `tessera conformance --filter 'systems/*'` does "
               "it on "
               "any device. Streams are compared with a\ncache that keeps everything.\n\n"
               "| system | recipe | published | exact | simplified | test |\n| --- | --- | --- | --- | --- | --- |\n");
    for (const system_recipe *r = system_recipes; r->name && !cli_interrupted(); r++) {
        if (!wanted(r->name, names)) continue;
        cJSON *about = recipe_json(r->text);
        recipe_row row;
        describe(r, about, &row);
        if (!markdown && strncmp(r->name, "stream/", 7) != 0) recipe_density(dev, r->text, about, shape, &row);
        if (markdown)
            print_markdown(&row);
        else if (json)
            add_json(rows, &row);
        else
            print_line(&row);
        cJSON_Delete(about);
    }
    if (json) {
        char *text = cJSON_Print(rows);
        puts(text ? text : "[]");
        cJSON_free(text);
        cJSON_Delete(rows);
    }
    return cli_interrupted() ? EXIT_INTERRUPTED : EXIT_DONE;
}

int cmd_recipes(int argc, const char **argv)
{
    recipe_shape shape = {0};
    char *grid = NULL;
    int json = 0, markdown = 0;
    struct poptOption options[] = {
        {"tokens", 0, POPT_ARG_LONG, &shape.tokens, CLI_FROM_1,
         "queries and keys of recipes without a grid; default: 2048 or 8192, of sets their own", "N"},
        {"grid", 0, POPT_ARG_STRING, &grid, 0, "token grid of the others; default: 8,16,16 or 8,32,32, of sets their own", "T,H,W"},
        {"json", 0, POPT_ARG_NONE, &json, 0, "print the list as JSON", NULL},
        {"markdown", 0, POPT_ARG_NONE, &markdown, 0, "print the table of systems, without densities", NULL},
        POPT_AUTOHELP POPT_TABLEEND};
    poptContext parse;
    const char **rest;
    cli_device device = {.selector = strdup("host"), .quiet = 1};
    int code =
        cli_parse(command, "recipes [RECIPE...]  (densities are those on the host, of tensors with structure)", argc, argv, options, &parse, &rest);
    if (code >= 0) {
        free(device.selector);
        return code;
    }
    if ((code = check_names(rest)) < 0 && !recipe_parse_axes(command, "--grid", grid, shape.grid)) code = EXIT_INPUT;
    if (code < 0 && (code = cli_open(command, &device)) < 0) {
        cli_catch();
        code = list(&shape, rest, markdown, json, device.dev);
    }
    cli_close(&device);
    free(device.selector);
    free(grid);
    poptFreeContext(parse);
    return code;
}
