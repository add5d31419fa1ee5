/* tessera attend: attention on the tensors of a safetensors file. */
#include <stdlib.h>

#include "attend.h"

static int attend_file(attend *a, const char *in)
{
    if (!attend_options(a)) return EXIT_INPUT;
    if (a->out && cli_same_file(in, a->out)) return cli_error(ATTEND_NAME, EXIT_INPUT, "output '%s' is the input; expected another file", a->out);
    if (a->out && !a->explain && !cli_can_write(ATTEND_NAME, a->out, ".safetensors")) return EXIT_INPUT;
    tsr_status s = tsr_tensors_open(in, &a->file);
    if (s != TSR_OK) return cli_fail(ATTEND_NAME, s);
    int code = attend_describe(a);
    if (code >= 0 || (code = attend_flow(a)) >= 0 || (code = attend_sets(a)) >= 0 || (code = cli_open(ATTEND_NAME, &a->device)) >= 0) return code;
    cli_waits_first(&a->device);
    s = tsr_attention_prepare(a->device.dev, &a->desc, &a->plan);
    if (s == TSR_OK && a->explain) {
        cli_waits_end();
        return attend_explain(a);
    }
    if (s == TSR_OK) s = attend_upload(a);
    if (s == TSR_OK) s = attend_summarise(a);
    if (s != TSR_OK) return cli_fail(ATTEND_NAME, s);
    cli_catch();
    cli_cancels(&a->device);
    if ((code = attend_run(a)) >= 0 || (code = attend_probe(a)) >= 0 || (code = attend_save(a)) >= 0 ||
        (code = attend_compare(a, attend_sees_no_future(a))) >= 0)
        return code;
    attend_report(a);
    return EXIT_DONE;
}

int cmd_attend(int argc, const char **argv)
{
    attend a = {0};
    struct poptOption options[] = {
        {"output", 'o', POPT_ARG_STRING, &a.out, 0, "file to write: o, and lse with --lse", "OUT.safetensors"},
        {"layout", 0, POPT_ARG_STRING, &a.layout, 0, "order of axes of q, k, v: bhnd (default) or bnhd", "ORDER"},
        {"scale", 0, POPT_ARG_STRING, &a.scale_text, 0, "factor on q.k; default 1/sqrt(head dim)", "X"},
        {"softcap", 0, POPT_ARG_STRING, &a.softcap_text, 0, "scores become c tanh(score / c)", "C"},
        {"causal", 0, POPT_ARG_NONE, &a.causal, 0, "keys after the query are not seen; beside a recipe with steps: not by --compare-dense", NULL},
        {"window", 0, POPT_ARG_STRING, &a.window, 0, "keys from LEFT before to RIGHT after the query; -1: no bound", "LEFT,RIGHT"},
        {"align", 0, POPT_ARG_STRING, &a.align, 0, "bottom-right (default): the last query stands at the last key; or top-left", "WHERE"},
        {"recipe", 0, POPT_ARG_STRING, &a.recipe_name, 0, "who attends whom: a recipe's file, or the name of an installed one", "RECIPE"},
        {"set", 0, POPT_ARG_STRING, &a.set_text, 0, "the same as JSON, as '{\"neighborhood\":{\"window\":[7,7]}}'", "SET"},
        {"grid", 0, POPT_ARG_STRING, &a.grid_text, 0, "the keys' token grid, W fastest", "T,H,W"},
        {"document-lengths", 0, POPT_ARG_STRING, &a.documents, 0, "tokens of each document; they see their own alone", "N,N,..."},
        {"sinks", 0, POPT_ARG_INT, &a.sinks, 0, "first keys that every query keeps beside its window", "N"},
        {"mask", 0, POPT_ARG_STRING, &a.mask_text, 0, "expression over q, kv, h, qt, qh, qw, kt, kh, kw, ...; not 0: may attend", "EXPRESSION"},
        {"score", 0, POPT_ARG_STRING, &a.score, 0, "expression over score too, which it replaces", "EXPRESSION"},
        {"scalar", 0, POPT_ARG_ARGV, &a.scalar_texts, 0, "a number for expressions, again and again", "NAME=VALUE"},
        {"parameter", 0, POPT_ARG_ARGV, &a.parameter_texts, 0, "a parameter of a recipe with steps, again and again", "NAME=VALUE"},
        {"compare-dense", 0, POPT_ARG_NONE, &a.compare, 0, "also report the error against attention over all pairs, and its time", NULL},
        {"splits", 0, POPT_ARG_INT, &a.splits, 0, "parts of the key range, merged at the end; 0: chosen", "N"},
        {"tile", 0, POPT_ARG_STRING, &a.tile, 0, "tile model: auto, vector, simt, subgroup, matrix or packed", "MODEL"},
        {"out-dtype", 0, POPT_ARG_STRING, &a.out_dtype, 0, "f32, f16 or bf16; default that of q", "TYPE"},
        {"explain", 0, POPT_ARG_NONE, &a.explain, 0, "print which kernel would run, why, and how much work it has; write nothing", NULL},
        {"lse", 0, POPT_ARG_NONE, &a.lse, 0, "also write the log-sum-exp of each row", NULL},
        {"key-sums", 0, POPT_ARG_NONE, &a.key_sums, 0, "also write key_sums: what each key gets from all queries", NULL},
        {"block-sums", 0, POPT_ARG_STRING, &a.block_sums, 0, "also write block_sums: the same by blocks of queries and keys", "QUERIES,KEYS"},
        {"map-rows", 0, POPT_ARG_STRING, &a.map_rows, 0, "also write map_rows: the probabilities of these queries", "Q,Q,..."},
        {"json", 0, POPT_ARG_NONE, &a.json, 0, "print a report as JSON", NULL},
        CLI_DEVICE_OPTIONS(a.device),
        POPT_AUTOHELP POPT_TABLEEND};
    poptContext parse;
    const char **rest;
    int code = cli_parse(ATTEND_NAME, "attend IN.safetensors -o OUT.safetensors  (tensors q, k, v; optional bias, mask, sinks)", argc, argv, options,
                         &parse, &rest);
    if (code >= 0) return code;
    if (!rest[0] || rest[1] || (!a.out && !a.explain))
        code = cli_error(ATTEND_NAME, EXIT_INPUT, "expected one input file and -o OUT.safetensors (or --explain); see tessera attend --help");
    else
        code = attend_file(&a, rest[0]);
    tsr_attention_destroy(a.plan);
    tsr_recipe_destroy(a.recipe);
    for (int i = 0; i < 8; i++) tsr_buffer_destroy(a.buffers[i]);
    for (int i = 0; i < ATTEND_LOOKS; i++) tsr_buffer_destroy(a.look_buffers[i]);
    cli_close(&a.device);
    tsr_tensors_close(a.file);
    char *const owned[] = {a.out,
                           a.layout,
                           a.window,
                           a.align,
                           a.tile,
                           a.out_dtype,
                           a.scale_text,
                           a.softcap_text,
                           a.recipe_name,
                           a.set_text,
                           a.grid_text,
                           a.documents,
                           a.score,
                           a.mask_text,
                           a.block_sums,
                           a.map_rows,
                           a.device.selector,
                           a.device.budget,
                           a.device.submission};
    for (size_t i = 0; i < sizeof(owned) / sizeof(owned[0]); i++) free(owned[i]);
    free(a.summary.by_head);
    const char **const lists[] = {a.scalar_texts, a.parameter_texts};
    for (int i = 0; i < 2; i++) {
        for (const char **text = lists[i]; text && *text; text++) free((void *)*text);
        free((void *)lists[i]);
    }
    poptFreeContext(parse);
    return code;
}
