/* tessera mask: what a recipe lets attend, and the tiles that this makes attention visit, in numbers and as a picture. */
#include <cjson/cJSON.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "cli.h"
#include "flow/mask_flow.h"
#include "mask_picture.h"
#include "png_file.h"
#include "recipe_file.h"
#include "tessera/tessera_set.h"

static const char *const name = "mask";

typedef struct mask {
    char *out, *grid_text, *tensors, *step;
    const char **parameter_texts;
    long tokens;
    int heads, head, query_tile, key_tile, keep_order, json, quiet;
    char *text;
    tsr_recipe *recipe;
    tsr_recipe_info info;
    const tsr_set *set; /* of the head; NULL: everyone */
    tsr_schedule *schedule;
    tsr_schedule_info tiles;
} mask;

static int read_recipe(mask *m, const char *file)
{
    tsr_recipe_desc desc = {.nq = m->tokens, .nk = m->tokens, .heads = (uint32_t)m->heads};
    if (!recipe_parse_axes(name, "--grid", m->grid_text, desc.grid)) return EXIT_INPUT;
    desc.text = m->text;
    tsr_status s = tsr_recipe_parse(&desc, &m->recipe);
    if (s == TSR_OK) s = tsr_recipe_get_info(m->recipe, &m->info);
    if (s != TSR_OK) return recipe_fail(name, s);
    if (m->info.nk == 0) return cli_error(name, EXIT_INPUT, "recipe '%s' tells no number of tokens; expected --tokens N or --grid T,H,W", file);
    if ((uint32_t)m->head >= m->info.heads)
        return cli_error(name, EXIT_INPUT, "argument --head is %d; expected 0 to %u (see --heads)", m->head, m->info.heads - 1);
    if (m->info.set_count) m->set = m->info.sets[m->info.set_of_head[m->head]];
    return -1;
}

static int make_schedule(mask *m)
{
    const tsr_schedule_desc desc = {.set = m->set,
                                    .nq = m->info.nq,
                                    .nk = m->info.nk,
                                    .query_tile = m->query_tile,
                                    .key_tile = m->key_tile,
                                    .keep_order = (uint32_t)m->keep_order,
                                    .h = m->head};
    tsr_status s = tsr_schedule_create(&desc, &m->schedule);
    if (s == TSR_OK) s = tsr_schedule_get_info(m->schedule, &m->tiles);
    return s == TSR_OK ? -1 : cli_fail(name, s);
}

static int draw(const mask *m)
{
    char error[256] = "cannot be written";
    mask_picture picture;
    const tsr_status s = mask_picture_draw(m->set, m->schedule, m->info.nq, m->info.nk, &picture);
    if (s == TSR_ERROR_HOST_MEMORY) return cli_error(name, EXIT_INPUT, "no memory for a picture of %lld tokens", (long long)m->info.nk);
    if (s != TSR_OK) return cli_fail(name, s);
    const bool ok = png_file_write(m->out, picture.rgb, picture.width, picture.height, error, sizeof(error)) && png_file_finish(m->out, m->out);
    free(picture.rgb);
    return ok ? -1 : cli_error(name, EXIT_INPUT, "output '%s': %s", m->out, error);
}

static void report_json(const mask *m)
{
    const struct {
        const char *name;
        double value;
    } numbers[] = {
        {"queries", (double)m->info.nq},
        {"keys", (double)m->info.nk},
        {"heads", m->info.heads},
        {"head", m->head},
        {"pairs", (double)m->tiles.pairs},
        {"density", m->tiles.density},
        {"area", (double)m->tiles.area},
        {"waste", m->tiles.waste},
        {"full_tiles", (double)m->tiles.full},
        {"partial_tiles", (double)m->tiles.partial},
        {"query_tiles", (double)m->tiles.query_tiles},
        {"bytes", (double)m->tiles.bytes},
        {"seconds", m->tiles.seconds},
    };
    cJSON *o = cJSON_CreateObject();
    cJSON_AddStringToObject(o, "name", m->info.name);
    for (size_t i = 0; i < sizeof(numbers) / sizeof(numbers[0]); i++) cJSON_AddNumberToObject(o, numbers[i].name, numbers[i].value);
    cJSON *grid = cJSON_AddArrayToObject(o, "grid"), *box = cJSON_AddArrayToObject(o, "box");
    for (int i = 0; i < 3; i++) {
        cJSON_AddItemToArray(grid, cJSON_CreateNumber((double)m->info.grid[i]));
        cJSON_AddItemToArray(box, cJSON_CreateNumber((double)m->tiles.box[i]));
    }
    char *text = cJSON_Print(o);
    puts(text ? text : "{}");
    cJSON_free(text);
    cJSON_Delete(o);
}

static void report(const mask *m)
{
    const tsr_recipe_info *r = &m->info;
    const tsr_schedule_info *t = &m->tiles;
    printf("%s: head %d of %u, %lld queries, %lld keys", r->name[0] ? r->name : "recipe", m->head, r->heads, (long long)r->nq, (long long)r->nk);
    if (r->grid[0]) printf(", grid %lldx%lldx%lld", (long long)r->grid[0], (long long)r->grid[1], (long long)r->grid[2]);
    printf("\npairs     %llu, density %.4g\n", (unsigned long long)t->pairs, t->density);
    printf("waste     %.4g (area of the visited tiles / pairs)\n", t->waste);
    printf("tiles     %llu full, %llu partial, of %llu query tiles\n", (unsigned long long)t->full, (unsigned long long)t->partial,
           (unsigned long long)t->query_tiles);
    printf("box       %lldx%lldx%lld tokens of a query tile\n", (long long)t->box[0], (long long)t->box[1], (long long)t->box[2]);
    printf("schedule  %llu bytes, %.3g s\n", (unsigned long long)t->bytes, t->seconds);
}

/* The recipe's steps, if it has any. -1: it has not; else the exit code. */
static int mask_steps(const mask *m, const char *file)
{
    const mask_flow flow = {.recipe = file,
                            .text = m->text,
                            .tensors = m->tensors,
                            .step = m->step,
                            .out = m->out,
                            .grid_text = m->grid_text,
                            .parameter_texts = m->parameter_texts,
                            .head = m->head,
                            .json = m->json,
                            .quiet = m->quiet};
    cJSON *recipe = recipe_json(m->text);
    const int code = recipe && recipe_has_steps(recipe) ? mask_flow_run(&flow, recipe) : -1;
    cJSON_Delete(recipe);
    if (code < 0 && (m->tensors || m->step || m->parameter_texts))
        return cli_error(name, EXIT_INPUT, "argument --%s is given beside a recipe without steps",
                         m->tensors ? "tensors"
                         : m->step  ? "step"
                                    : "parameter");
    return code;
}

static int mask_file(mask *m, const char *file)
{
    int code;
    if (!(m->text = recipe_file_read(name, file))) return EXIT_INPUT;
    if ((code = mask_steps(m, file)) >= 0) return code;
    if (m->head < 0) m->head = 0;
    if (m->out && cli_same_file(file, m->out)) return cli_error(name, EXIT_INPUT, "output '%s' is the recipe; expected another file", m->out);
    if (m->out && !cli_can_write(name, m->out, ".png")) return EXIT_INPUT;
    if ((code = read_recipe(m, file)) >= 0 || (code = make_schedule(m)) >= 0) return code;
    if (m->out && (code = draw(m)) >= 0) return code;
    if (m->json)
        report_json(m);
    else if (!m->quiet)
        report(m);
    return EXIT_DONE;
}

int cmd_mask(int argc, const char **argv)
{
    mask m = {.head = -1};
    struct poptOption options[] = {
        {"output", 'o', POPT_ARG_STRING, &m.out, 0, "picture to write: the set, and beside it the tiles in their order", "MASK.png"},
        {"grid", 0, POPT_ARG_STRING, &m.grid_text, 0, "token grid, instead of the recipe's own", "T,H,W"},
        {"tokens", 0, POPT_ARG_LONG, &m.tokens, CLI_FROM_1, "queries and keys, where there is no grid", "N"},
        {"heads", 0, POPT_ARG_INT, &m.heads, CLI_FROM_1, "heads in all, for recipes by head; default: the recipe's head_count", "N"},
        {"head", 0, POPT_ARG_INT, &m.head, CLI_FROM_0, "the head whose set is shown; default 0, of recipes with steps all", "N"},
        {"query-tile", 0, POPT_ARG_INT, &m.query_tile, CLI_FROM_1, "queries of a tile; default 64", "N"},
        {"key-tile", 0, POPT_ARG_INT, &m.key_tile, CLI_FROM_1, "keys of a tile; default 64", "N"},
        {"keep-order", 0, POPT_ARG_NONE, &m.keep_order, 0, "query tiles are runs of the order given, not boxes of the grid", NULL},
        {"tensors", 0, POPT_ARG_STRING, &m.tensors, 0, "q, k, v and inputs, for recipes with steps", "IN.safetensors"},
        {"step", 0, POPT_ARG_STRING, &m.step, 0, "the step whose map is shown; default: what is attended by", "NAME"},
        {"parameter", 0, POPT_ARG_ARGV, &m.parameter_texts, 0, "a parameter of a recipe with steps, again and again", "NAME=VALUE"},
        {"json", 0, POPT_ARG_NONE, &m.json, 0, "print the numbers as JSON", NULL},
        {"quiet", 'q', POPT_ARG_NONE, &m.quiet, 0, "say nothing but errors", NULL},
        POPT_AUTOHELP POPT_TABLEEND};
    poptContext parse;
    const char **rest;
    int code = cli_parse(name, "mask RECIPE [-o MASK.png]  (a file, or the name of an installed recipe)", argc, argv, options, &parse, &rest);
    if (code >= 0) return code;
    if (!rest[0] || rest[1])
        code = cli_error(name, EXIT_INPUT, "expected one recipe; see tessera mask --help");
    else
        code = mask_file(&m, rest[0]);
    tsr_schedule_destroy(m.schedule);
    tsr_recipe_destroy(m.recipe);
    free(m.text);
    free(m.out);
    free(m.grid_text);
    free(m.tensors);
    free(m.step);
    for (const char **text = m.parameter_texts; text && *text; text++) free((void *)*text);
    free((void *)m.parameter_texts);
    poptFreeContext(parse);
    return code;
}
