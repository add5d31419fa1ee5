/* tessera tune: times the shapes of kernels on a device and remembers the fastest. */
#include <stdio.h>
#include <stdlib.h>

#include "tune.h"

typedef struct watch {
    const tune *t;
    size_t at;
} watch;

static int on_progress(void *user, double share, const tsr_tune_report *report)
{
    const watch *w = user;
    char what[160];
    snprintf(what, sizeof(what), "%s: %s", report->kernel, report->problem);
    cli_progress(what, ((double)w->at + share) / (double)w->t->count);
    return cli_interrupted();
}

/* Races all problems; what cannot run here is said and passed over. */
static int race_all(tune *t)
{
    int code = -1;
    for (size_t i = 0; i < t->count && code < 0; i++) {
        tune_problem *p = &t->problems[i];
        watch w = {t, i};
        const tsr_tune_desc desc = {.attention = p->conv.kt ? NULL : &p->attention,
                                    .conv = p->conv.kt ? &p->conv : NULL,
                                    .rounds = t->quick  ? 5
                                              : t->full ? 21
                                                        : 9,
                                    .seconds = t->seconds > 0 ? t->seconds
                                               : t->quick     ? 4
                                               : t->full      ? 60
                                                              : 15,
                                    .progress = on_progress,
                                    .user = &w,
                                    .tile = p->conv.kt ? t->model : 0};
        const tsr_status s = tsr_tune(t->device.dev, &desc, &p->report);
        cli_progress_end();
        if (s == TSR_ERROR_CANCELLED)
            code = cli_error(TUNE_NAME, EXIT_INTERRUPTED, "interrupted; what was timed is kept");
        else if (s == TSR_ERROR_UNSUPPORTED || s == TSR_ERROR_DEVICE_MEMORY)
            cli_error(TUNE_NAME, EXIT_DONE, "%s; passed over", cli_reason(TUNE_NAME));
        else if (s != TSR_OK)
            code = cli_fail(TUNE_NAME, s);
        if (!p->report.rounds) continue;
        if (!t->json) tune_print(p);
        if (t->done < i) t->problems[t->done] = *p;
        t->done++;
    }
    return code;
}

static int run(tune *t)
{
    if (t->show && (t->plot || t->json))
        return cli_error(TUNE_NAME, EXIT_INPUT, "argument %s is given beside --show, which prints text alone", t->plot ? "--plot" : "--json");
    if (t->plot && !cli_can_write(TUNE_NAME, t->plot, ".svg")) return EXIT_INPUT;
    if (!(t->problems = calloc(TUNE_MAX_PROBLEMS, sizeof(*t->problems)))) return cli_error(TUNE_NAME, EXIT_FAILED, "no memory for the problems");
    int code = cli_open(TUNE_NAME, &t->device);
    if (code >= 0) return code;
    if (t->show) return tune_show(t);
    if ((code = tune_list(t)) >= 0) return code;
    const tsr_status s = tsr_tune_writable(t->device.ctx);
    if (s != TSR_OK) return cli_fail(TUNE_NAME, s);
    cli_catch();
    code = race_all(t);
    const char *file = tsr_tune_file(t->device.ctx);
    if (t->done && file && !t->device.quiet) fprintf(stderr, "%zu of %zu problems are in %s\n", t->done, t->count, file);
    int told = t->json ? tune_print_json(t) : -1;
    if (told < 0 && t->plot && t->done) told = tune_plot(t);
    return code >= 0 ? code : told >= 0 ? told : t->done ? EXIT_DONE : EXIT_INPUT;
}

int cmd_tune(int argc, const char **argv)
{
    tune t = {0};
    struct poptOption options[] = {
        {"quick", 0, POPT_ARG_NONE, &t.quick, 0, "few problems, few rounds", NULL},
        {"full", 0, POPT_ARG_NONE, &t.full, 0, "all types, more problems, more rounds", NULL},
        {"what", 0, POPT_ARG_STRING, &t.what, 0, "attention, conv or all (default)", "KERNELS"},
        {"dim", 0, POPT_ARG_STRING, &t.dims, 0, "head dims; default 64,128", "N,N,..."},
        {"type", 0, POPT_ARG_STRING, &t.types, 0, "f32, f16, bf16; default f32 on CPUs, f16 on GPUs", "TYPE,..."},
        {"tokens", 0, POPT_ARG_STRING, &t.tokens, 0, "keys, and queries; default 1024,4096", "N,N,..."},
        {"queries", 0, POPT_ARG_STRING, &t.queries, 0, "queries, where there are not as many as keys", "N,N,..."},
        {"heads", 0, POPT_ARG_INT, &t.heads, 0, "heads; 0: as many as keep the device busy", "N"},
        {"tile", 0, POPT_ARG_STRING, &t.tile, 0, "shapes of this tile model alone: vector, simt, subgroup, matrix or packed", "MODEL"},
        {"seconds", 0, POPT_ARG_DOUBLE, &t.seconds, 0, "for a problem, once all is compiled; 0: as --quick or --full says", "S"},
        {"db", 0, POPT_ARG_STRING, &t.device.tuning, 0, "the database; default: TESSERA_TUNING, or tuning.json in the cache folder", "FILE"},
        {"show", 0, POPT_ARG_NONE, &t.show, 0, "print the database, with what is stale here", NULL},
        {"plot", 0, POPT_ARG_STRING, &t.plot, 0, "also draw bars", "FILE.svg"},
        {"json", 0, POPT_ARG_NONE, &t.json, 0, "print JSON", NULL},
        CLI_DEVICE_OPTIONS(t.device),
        POPT_AUTOHELP POPT_TABLEEND};
    poptContext parse;
    const char **rest;
    int code = cli_parse(TUNE_NAME, "tune [OPTION...]", argc, argv, options, &parse, &rest);
    if (code >= 0) return code;
    code = rest[0] ? cli_error(TUNE_NAME, EXIT_INPUT, "unexpected argument '%s'", rest[0]) : run(&t);
    cli_close(&t.device);
    char *const owned[] = {t.dims,          t.types,           t.tokens,        t.queries,          t.tile, t.what, t.plot,
                           t.device.tuning, t.device.selector, t.device.budget, t.device.submission};
    for (size_t i = 0; i < sizeof(owned) / sizeof(owned[0]); i++) free(owned[i]);
    free(t.problems);
    poptFreeContext(parse);
    return code;
}
