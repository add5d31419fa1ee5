/* tessera make-tensors: q, k and v with the structure that papers report. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "cli.h"
#include "oracle/oracle.h"
#include "oracle/realistic.h"
#include "recipe_file.h"

static const char *const name = "make-tensors";

typedef struct maker {
    char *out, *grid_text, *dtype_text;
    long tokens, text, heads, heads_kv, d, batch;
    long long seed;
    double mass, noise;
    int quiet;
    realistic_desc desc;
    tsr_dtype dtype;
    tsr_tensor_view views[3];
    void *data[3];    /* as stored */
    float *single[3]; /* a key head of each */
} maker;

static int count(const char *option, long value, long least, long most)
{
    if (value >= least && value <= most) return -1;
    return cli_error(name, EXIT_INPUT, "argument --%s is %ld; expected %ld to %ld", option, value, least, most);
}

static int share(const char *option, double value, double most)
{
    if (value >= 0 && value <= most) return -1;
    return cli_error(name, EXIT_INPUT, "argument --%s is %g; expected 0 to %g", option, value, most);
}

static int read_options(maker *m)
{
    enum { MOST = 1 << 30 };
    int code;
    realistic_desc *d = &m->desc;
    if (m->heads_kv == 0) m->heads_kv = m->heads;
    if ((code = count("heads", m->heads, 1, 4096)) >= 0 || (code = count("kv-heads", m->heads_kv, 1, 4096)) >= 0 ||
        (code = count("head-dim", m->d, 8, 1024)) >= 0 || (code = count("batch", m->batch, 1, 4096)) >= 0 ||
        (code = count("text", m->text, 0, MOST)) >= 0 || (code = share("mass", m->mass, 0.99)) >= 0 || (code = share("noise", m->noise, 10)) >= 0)
        return code;
    if (m->heads % m->heads_kv != 0)
        return cli_error(name, EXIT_INPUT, "argument --kv-heads is %ld; expected a divisor of %ld heads", m->heads_kv, m->heads);
    if (!m->grid_text == (m->tokens == 0)) return cli_error(name, EXIT_INPUT, "expected either --grid T,H,W or --tokens N");
    if (!m->grid_text && m->text) return cli_error(name, EXIT_INPUT, "argument --text goes with --grid");
    if (!recipe_parse_axes(name, "--grid", m->grid_text, d->grid)) return EXIT_INPUT;
    if (!m->grid_text) {
        if ((code = count("tokens", m->tokens, 1, MOST)) >= 0) return code;
        d->grid[0] = d->grid[1] = 1;
        d->grid[2] = m->tokens;
    }
    if ((double)d->grid[0] * (double)d->grid[1] * (double)d->grid[2] > MOST)
        return cli_error(name, EXIT_INPUT, "argument --grid is '%s'; expected at most %d tokens", m->grid_text, MOST);
    static const tsr_dtype dtypes[] = {TSR_F32, TSR_F16, TSR_BF16};
    int i = 0;
    while (i < 3 && m->dtype_text && strcmp(m->dtype_text, tsr_dtype_name(dtypes[i])) != 0) i++;
    if (i == 3) return cli_error(name, EXIT_INPUT, "argument --dtype is '%s'; expected f32, f16 or bf16", m->dtype_text);
    m->dtype = dtypes[i];
    d->batch = m->batch;
    d->heads = m->heads;
    d->heads_kv = m->heads_kv;
    d->d = d->dv = m->d;
    d->text = m->text;
    d->mass = m->mass;
    d->noise = m->noise;
    d->seed = (uint64_t)m->seed;
    return -1;
}

static int allocate(maker *m)
{
    static const char *const names[] = {"q", "k", "v"};
    const int64_t n = realistic_tokens(&m->desc), group = m->heads / m->heads_kv;
    bool ok = (double)m->batch * (double)m->heads * (double)n * (double)m->d < 0x1p44;
    for (int i = 0; i < 3 && ok; i++) {
        const int64_t heads = i == 0 ? m->heads : m->heads_kv;
        const size_t elements = (size_t)(m->batch * heads * n * m->d), size = elements * tsr_dtype_size(m->dtype);
        m->views[i] = (tsr_tensor_view){.name = names[i], .dtype = m->dtype, .rank = 4, .shape = {m->batch, heads, n, m->d}, .size = size};
        m->views[i].data = m->data[i] = malloc(size);
        m->single[i] = malloc((size_t)((i == 0 ? group : 1) * n * m->d) * sizeof(float));
        ok = m->data[i] && m->single[i];
    }
    return ok ? -1 : cli_error(name, EXIT_INPUT, "no memory for %ld x %ld heads of %lld tokens", m->batch, m->heads, (long long)n);
}

static int make(maker *m)
{
    const int64_t n = realistic_tokens(&m->desc), group = m->heads / m->heads_kv;
    for (int64_t b = 0; b < m->batch; b++)
        for (int64_t h = 0; h < m->heads_kv; h++) {
            realistic_head head;
            if (cli_interrupted()) return cli_error(name, EXIT_INTERRUPTED, "interrupted");
            cli_progress("heads", (double)(b * m->heads_kv + h) / (double)(m->batch * m->heads_kv));
            if (!realistic_make(&m->desc, b, h, m->single[0], m->single[1], m->single[2], &head))
                return cli_error(name, EXIT_INPUT, "no memory for a head of %lld tokens", (long long)n);
            for (int i = 0; i < 3; i++) {
                const int64_t size = (i == 0 ? group : 1) * n * m->d, first = (b * m->heads_kv + h) * size;
                for (int64_t e = 0; e < size; e++) oracle_store(m->dtype, m->data[i], first + e, m->single[i][e]);
            }
            if (m->quiet || b > 0) continue;
            cli_progress_end();
            printf("key head %lld  %-9s %.3f of the attention in %.3g of the pairs\n", (long long)h, realistic_name(head.kind), head.mass,
                   head.density);
        }
    cli_progress_end();
    return -1;
}

static int run(maker *m)
{
    int code = read_options(m);
    if (code >= 0) return code;
    if (!m->out) return cli_error(name, EXIT_INPUT, "expected -o OUT.safetensors; see tessera make-tensors --help");
    if (!cli_can_write(name, m->out, ".safetensors")) return EXIT_INPUT;
    cli_catch();
    if ((code = allocate(m)) >= 0 || (code = make(m)) >= 0) return code;
    const tsr_status s = tsr_tensors_save(m->out, m->views, 3);
    return s == TSR_OK ? EXIT_DONE : cli_fail(name, s);
}

int cmd_make_tensors(int argc, const char **argv)
{
    maker m = {.heads = 8, .d = 64, .batch = 1, .seed = 1, .mass = 0.8, .noise = 0.3};
    struct poptOption options[] = {
        {"output", 'o', POPT_ARG_STRING, &m.out, 0, "file to write: q [B,H,N,D], k and v [B,Hkv,N,D]", "OUT.safetensors"},
        {"grid", 0, POPT_ARG_STRING, &m.grid_text, 0, "tokens are those of a grid", "T,H,W"},
        {"text", 0, POPT_ARG_LONG, &m.text, 0, "tokens of text after the grid; default 0", "N"},
        {"tokens", 0, POPT_ARG_LONG, &m.tokens, CLI_FROM_1, "tokens are a sequence", "N"},
        {"heads", 0, POPT_ARG_LONG, &m.heads, 0, "query heads; default 8", "N"},
        {"kv-heads", 0, POPT_ARG_LONG, &m.heads_kv, CLI_FROM_1,
         "key heads, which take turns in: local, slash, spatial and temporal (grids of several frames), "
         "cluster, sink, vertical, low rank; default as many as query heads",
         "N"},
        {"head-dim", 0, POPT_ARG_LONG, &m.d, 0, "channels; default 64", "D"},
        {"batch", 0, POPT_ARG_LONG, &m.batch, 0, "default 1", "B"},
        {"seed", 0, POPT_ARG_LONGLONG, &m.seed, 0, "the same numbers for the same seed; default 1", "N"},
        {"mass", 0, POPT_ARG_DOUBLE, &m.mass, 0, "part of the attention that falls into a head's pattern; default 0.8", "X"},
        {"noise", 0, POPT_ARG_DOUBLE, &m.noise, 0, "noise beside what has structure; default 0.3", "X"},
        {"dtype", 0, POPT_ARG_STRING, &m.dtype_text, 0, "f32 (default), f16 or bf16", "TYPE"},
        {"quiet", 'q', POPT_ARG_NONE, &m.quiet, 0, "say nothing but errors", NULL},
        POPT_AUTOHELP POPT_TABLEEND};
    poptContext parse;
    const char **rest;
    int code = cli_parse(name, "make-tensors -o OUT.safetensors --grid T,H,W", argc, argv, options, &parse, &rest);
    if (code >= 0) return code;
    code = rest[0] ? cli_error(name, EXIT_INPUT, "unexpected argument '%s'", rest[0]) : run(&m);
    for (int i = 0; i < 3; i++) {
        free(m.data[i]);
        free(m.single[i]);
    }
    free(m.out);
    free(m.grid_text);
    free(m.dtype_text);
    poptFreeContext(parse);
    return code;
}
