/* ggml's flash attention as a peer of tessera bench: reads orders on standard input, answers lines.
 *
 * tessera-peer-ggml cpu|vulkan INDEX, with the problem's file (tools/tessera/bench_problem.h) as descriptor 3.
 * At the start it says "ok VERSION<tab>DEVICE". Orders, each answered by "ok ..." or "error TEXT":
 *   problem B H NQ NK D DTYPE CAUSAL   -> ok KV_DTYPE SECONDS   builds the graph and uploads the inputs
 *   run                                -> ok SECONDS            computes once
 *   output                             -> ok                    writes o [B,H,NQ,D] into the file */
#include <fcntl.h>
#include <ggml-alloc.h>
#include <ggml-backend.h>
#include <ggml.h>
#include <math.h>
#include <sched.h>
#include <signal.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

enum { PROBLEM_FD = 3 };

typedef struct peer {
    FILE *out;
    ggml_backend_t backend;
    int64_t batch, heads, nq, nk, d;
    struct ggml_context *ctx;
    ggml_backend_buffer_t buffer;
    struct ggml_tensor *q, *k, *v, *mask, *o;
    struct ggml_cgraph *graph;
    float *map;
    size_t map_size;
} peer;

static double now(void)
{
    struct timespec t;
    clock_gettime(CLOCK_MONOTONIC, &t);
    return (double)t.tv_sec + (double)t.tv_nsec * 1e-9;
}

static void on_log(enum ggml_log_level level, const char *text, void *user)
{
    (void)user;
    if (level == GGML_LOG_LEVEL_ERROR) fputs(text, stderr);
}

static void release(peer *p)
{
    if (p->buffer) ggml_backend_buffer_free(p->buffer);
    if (p->ctx) ggml_free(p->ctx);
    if (p->map) munmap(p->map, p->map_size);
    p->buffer = NULL;
    p->ctx = NULL;
    p->map = NULL;
}

static const char *map_problem(peer *p)
{
    struct stat st;
    p->map_size = (size_t)(p->batch * p->heads * (p->nq + p->nk) * p->d) * 2 * sizeof(float);
    if (fstat(PROBLEM_FD, &st) != 0 || (uint64_t)st.st_size < p->map_size) return "the problem's file is too short";
    void *map = mmap(NULL, p->map_size, PROT_READ | PROT_WRITE, MAP_SHARED, PROBLEM_FD, 0);
    if (map == MAP_FAILED) return "the problem's file cannot be mapped";
    p->map = map;
    return NULL;
}

/* The graph of one ggml_flash_attn_ext; NULL if the backend does not take keys and values of this type. */
static const char *build(peer *p, enum ggml_type kv, bool causal)
{
    const struct ggml_init_params params = {ggml_tensor_overhead() * 16 + ggml_graph_overhead(), NULL, true};
    p->ctx = ggml_init(params);
    if (!p->ctx) return "no memory";
    p->q = ggml_new_tensor_4d(p->ctx, GGML_TYPE_F32, p->d, p->nq, p->heads, p->batch);
    p->k = ggml_new_tensor_4d(p->ctx, kv, p->d, p->nk, p->heads, p->batch);
    p->v = ggml_new_tensor_4d(p->ctx, kv, p->d, p->nk, p->heads, p->batch);
    p->mask = causal ? ggml_new_tensor_2d(p->ctx, GGML_TYPE_F16, p->nk, p->nq) : NULL;
    p->o = ggml_flash_attn_ext(p->ctx, p->q, p->k, p->v, p->mask, 1.0f / sqrtf((float)p->d), 0, 0);
    ggml_prec_set_acc(p->o, GGML_PREC_F32);
    if (!ggml_backend_supports_op(p->backend, p->o)) return "flash attention of this shape is not supported by the backend";
    p->graph = ggml_new_graph(p->ctx);
    ggml_build_forward_expand(p->graph, p->o);
    p->buffer = ggml_backend_alloc_ctx_tensors(p->ctx, p->backend);
    return p->buffer ? NULL : "no memory for the tensors";
}

static bool upload(struct ggml_tensor *t, const float *values)
{
    const int64_t n = ggml_nelements(t);
    if (t->type == GGML_TYPE_F32) {
        ggml_backend_tensor_set(t, values, 0, ggml_nbytes(t));
        return true;
    }
    uint16_t *stored = malloc(ggml_nbytes(t));
    if (!stored) return false;
    if (t->type == GGML_TYPE_F16)
        ggml_fp32_to_fp16_row(values, stored, n);
    else
        ggml_fp32_to_bf16_row(values, (ggml_bf16_t *)stored, n);
    ggml_backend_tensor_set(t, stored, 0, ggml_nbytes(t));
    free(stored);
    return true;
}

/* Bottom-right alignment: query i sees the keys up to i + nk - nq. */
static bool upload_mask(const peer *p)
{
    if (!p->mask) return true;
    ggml_fp16_t *mask = malloc(ggml_nbytes(p->mask));
    if (!mask) return false;
    const ggml_fp16_t open = ggml_fp32_to_fp16(0), shut = ggml_fp32_to_fp16(-INFINITY);
    for (int64_t i = 0; i < p->nq; i++)
        for (int64_t j = 0; j < p->nk; j++) mask[i * p->nk + j] = j <= i + p->nk - p->nq ? open : shut;
    ggml_backend_tensor_set(p->mask, mask, 0, ggml_nbytes(p->mask));
    free(mask);
    return true;
}

static void on_problem(peer *p, const char *line)
{
    long long s[5];
    char dtype[8];
    int causal;
    release(p);
    if (sscanf(line, "problem %lld %lld %lld %lld %lld %7s %d", &s[0], &s[1], &s[2], &s[3], &s[4], dtype, &causal) != 7) {
        fprintf(p->out, "error the problem is not understood\n");
        return;
    }
    p->batch = s[0], p->heads = s[1], p->nq = s[2], p->nk = s[3], p->d = s[4];
    /* As asked for, or else in halves, which every backend knows. */
    const enum ggml_type wanted = strcmp(dtype, "f32") == 0 ? GGML_TYPE_F32 : strcmp(dtype, "bf16") == 0 ? GGML_TYPE_BF16 : GGML_TYPE_F16;
    const enum ggml_type types[] = {wanted, GGML_TYPE_F16};
    const char *error = map_problem(p);
    double seconds = 0;
    size_t i = 0;
    for (; i < 2 && p->map; i++) {
        const double start = now();
        error = build(p, types[i], causal != 0);
        seconds = now() - start;
        if (!error) break;
        if (p->ctx) ggml_free(p->ctx);
        p->ctx = NULL;
    }
    if (!error) {
        const float *k = p->map + p->batch * p->heads * p->nq * p->d, *v = k + p->batch * p->heads * p->nk * p->d;
        if (!upload(p->q, p->map) || !upload(p->k, k) || !upload(p->v, v) || !upload_mask(p)) error = "no memory for the inputs";
    }
    if (error) {
        release(p);
        fprintf(p->out, "error %s\n", error);
    } else {
        fprintf(p->out, "ok %s %.9f\n", ggml_type_name(types[i]), seconds);
    }
}

static void on_run(peer *p)
{
    const double start = now();
    const enum ggml_status status = ggml_backend_graph_compute(p->backend, p->graph);
    const double seconds = now() - start;
    if (status == GGML_STATUS_SUCCESS)
        fprintf(p->out, "ok %.9f\n", seconds);
    else
        fprintf(p->out, "error %s\n", ggml_status_to_string(status));
}

/* ggml gives [B,NQ,H,D]. */
static void on_output(peer *p)
{
    float *out = malloc(ggml_nbytes(p->o)), *to = p->map + p->batch * p->heads * (p->nq + 2 * p->nk) * p->d;
    if (!out) {
        fprintf(p->out, "error no memory for the output\n");
        return;
    }
    ggml_backend_tensor_get(p->o, out, 0, ggml_nbytes(p->o));
    for (int64_t b = 0; b < p->batch; b++)
        for (int64_t h = 0; h < p->heads; h++)
            for (int64_t i = 0; i < p->nq; i++)
                memcpy(to + ((b * p->heads + h) * p->nq + i) * p->d, out + ((b * p->nq + i) * p->heads + h) * p->d, (size_t)p->d * sizeof(float));
    free(out);
    fprintf(p->out, "ok\n");
}

/* The backend's device; threads: as many as there are processors for us. */
static bool start(peer *p, const char *backend, const char *index)
{
    const bool cpu = strcmp(backend, "cpu") == 0;
    if (!cpu) setenv("GGML_VK_VISIBLE_DEVICES", index, 0); /* without it ggml passes software drivers over */
    ggml_log_set(on_log, NULL);
    ggml_backend_load_all();
    ggml_backend_dev_t device = NULL;
    for (size_t i = 0; i < ggml_backend_dev_count() && !device; i++) {
        ggml_backend_dev_t candidate = ggml_backend_dev_get(i);
        if (strcmp(ggml_backend_reg_name(ggml_backend_dev_backend_reg(candidate)), cpu ? "CPU" : "Vulkan") == 0) device = candidate;
    }
    p->backend = device ? ggml_backend_dev_init(device, NULL) : NULL;
    if (!p->backend) return false;
    char threads[32] = "";
    cpu_set_t set;
    if (cpu && sched_getaffinity(0, sizeof(set), &set) == 0) {
        void *entry = ggml_backend_reg_get_proc_address(ggml_backend_dev_backend_reg(device), "ggml_backend_set_n_threads");
        ggml_backend_set_n_threads_t set_threads;
        memcpy(&set_threads, &entry, sizeof(entry)); /* ISO C has no cast from an object to a function */
        if (entry) {
            set_threads(p->backend, CPU_COUNT(&set));
            snprintf(threads, sizeof(threads), ", %d threads", CPU_COUNT(&set));
        }
    }
    fprintf(p->out, "ok %s\t%s%s\n", ggml_version(), ggml_backend_dev_description(device), threads);
    return true;
}

int main(int argc, char **argv)
{
    if (argc != 3 || (strcmp(argv[1], "cpu") != 0 && strcmp(argv[1], "vulkan") != 0)) {
        fprintf(stderr, "usage: tessera-peer-ggml cpu|vulkan INDEX; it is started by tessera bench attention --peer\n");
        return 2;
    }
    prctl(PR_SET_PDEATHSIG, SIGKILL); /* a long computation does not outlive who asked for it */
    /* What drivers print goes to standard error, apart from the answers. */
    const int answers = fcntl(1, F_DUPFD_CLOEXEC, 10);
    peer p = {.out = answers < 0 ? NULL : fdopen(answers, "w")};
    if (!p.out || dup2(2, 1) < 0) return 1;
    setvbuf(p.out, NULL, _IOLBF, 0);
    if (!start(&p, argv[1], argv[2])) {
        fprintf(p.out, "error ggml has no %s device here\n", argv[1]);
        return 1;
    }
    char line[512];
    while (fgets(line, sizeof(line), stdin)) {
        if (strncmp(line, "problem ", 8) == 0)
            on_problem(&p, line);
        else if (strcmp(line, "run\n") == 0 && p.buffer)
            on_run(&p);
        else if (strcmp(line, "output\n") == 0 && p.buffer)
            on_output(&p);
        else
            fprintf(p.out, "error the order is not understood\n");
    }
    release(&p);
    ggml_backend_free(p.backend);
    fclose(p.out);
    return 0;
}
