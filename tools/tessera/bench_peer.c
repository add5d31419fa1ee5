/* The child process of a peer: started beside the tessera program, asked line by line, always reaped. */
#include "bench_peer.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <poll.h>
#include <signal.h>
#include <spawn.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

extern char **environ;

const char *const bench_peer_names[] = {"ggml-cpu", "ggml-vulkan", "torch-sdpa", "torch-flex", "torch-flash", "torch-cudnn", "torch-flex-gpu", NULL};

enum { PROBLEM_FD = 3, LINE = 512, EXIT_MS = 3000 };

/* The peer's program, named by what stands before the dash, lies in our own folder. */
static bool program_path(const char *name, char *path, size_t size)
{
    const ssize_t n = readlink("/proc/self/exe", path, size - 1);
    if (n <= 0) return false;
    path[n] = 0;
    char *slash = strrchr(path, '/');
    if (!slash) return false;
    const size_t left = size - (size_t)(slash + 1 - path);
    const int length = snprintf(slash + 1, left, "tessera-peer-%.*s", (int)strcspn(name, "-"), name);
    return length > 0 && (size_t)length < left && access(path, X_OK) == 0;
}

/* The interpreter of PyTorch's peer may be that of an environment of its own. */
static const char *interpreter(const char *name)
{
    const char *python = getenv("TESSERA_BENCH_PYTHON");
    return strncmp(name, "torch-", 6) == 0 && python && python[0] ? python : NULL;
}

static int spawn(pid_t *child, const char *path, const char *const *argv, int in, int out, int problem)
{
    posix_spawn_file_actions_t actions;
    posix_spawnattr_t attributes;
    sigset_t defaults;
    posix_spawn_file_actions_init(&actions);
    posix_spawn_file_actions_adddup2(&actions, in, 0);
    posix_spawn_file_actions_adddup2(&actions, out, 1);
    posix_spawn_file_actions_adddup2(&actions, problem, PROBLEM_FD);
    posix_spawnattr_init(&attributes);
    sigemptyset(&defaults);
    sigaddset(&defaults, SIGPIPE);
    posix_spawnattr_setsigdefault(&attributes, &defaults);
    /* Its own process group: Ctrl-C reaches us alone, and we end it. */
    posix_spawnattr_setflags(&attributes, POSIX_SPAWN_SETPGROUP | POSIX_SPAWN_SETSIGDEF);
    const int error = posix_spawnp(child, path, &actions, &attributes, (char *const *)argv, environ);
    posix_spawn_file_actions_destroy(&actions);
    posix_spawnattr_destroy(&attributes);
    return error;
}

/* Waits for the child for so many milliseconds at most. */
static bool reap(pid_t child, int milliseconds, int *status)
{
    const struct timespec step = {0, 5 * 1000 * 1000};
    for (int waited = 0;; waited += 5) {
        const pid_t got = waitpid(child, status, WNOHANG);
        if (got == child || (got < 0 && errno != EINTR)) return true;
        if (waited >= milliseconds) return false;
        nanosleep(&step, NULL);
    }
}

void bench_peer_stop(bench_peer *p)
{
    if (p->child <= 0) return;
    close(p->to); /* the end of its input is its order to leave */
    close(p->from);
    int status;
    if (cli_interrupted() || !reap(p->child, EXIT_MS, &status)) {
        kill(p->child, SIGKILL);
        while (waitpid(p->child, &status, 0) < 0 && errno == EINTR) continue;
    }
    p->child = 0;
}

static bool fail(bench_peer *p, const char *format, ...) __attribute__((format(printf, 2, 3)));
static bool fail(bench_peer *p, const char *format, ...)
{
    va_list args;
    va_start(args, format);
    vsnprintf(p->error, sizeof(p->error), format, args);
    va_end(args);
    return false;
}

/* Its pipes are closed: it is ending, and how tells why. */
static bool gone(bench_peer *p)
{
    int status = 0;
    if (cli_interrupted() || !reap(p->child, EXIT_MS, &status)) {
        bench_peer_stop(p);
        return fail(p, "it closed its output");
    }
    close(p->to);
    close(p->from);
    p->child = 0;
    if (WIFSIGNALED(status)) return fail(p, "it ended by signal %d (%s)", WTERMSIG(status), strsignal(WTERMSIG(status)));
    return fail(p, "it ended with status %d", WEXITSTATUS(status));
}

static bool kill_off(bench_peer *p, const char *why)
{
    kill(p->child, SIGKILL);
    bench_peer_stop(p);
    return fail(p, "%s", why);
}

static bool not_understood(bench_peer *p, const char *line) { return fail(p, "its answer is not understood: '%.100s'", line); }

/* One line of the child, without its end; "ok" is stripped, "error" makes it an error. */
static bool answer(bench_peer *p, char line[LINE])
{
    const double until = cli_now() + p->wait;
    for (size_t size = 0;;) {
        struct pollfd wait = {.fd = p->from, .events = POLLIN};
        const int ready = poll(&wait, 1, 200);
        if (cli_interrupted()) return kill_off(p, "interrupted");
        if (cli_now() > until) return kill_off(p, "it gave no answer in time (see --peer-wait)");
        if (ready <= 0) continue;
        const ssize_t n = read(p->from, line + size, 1);
        if (n < 0 && errno == EINTR) continue;
        if (n <= 0) return gone(p);
        if (line[size] != '\n') {
            if (++size == LINE) return kill_off(p, "its answer has no end");
            continue;
        }
        line[size] = 0;
        if (strncmp(line, "error ", 6) == 0) return fail(p, "%.180s", line + 6);
        if (strncmp(line, "ok", 2) != 0) return not_understood(p, line);
        memmove(line, line + 2, size - 1);
        return true;
    }
}

static bool ask(bench_peer *p, char line[LINE], const char *format, ...) __attribute__((format(printf, 3, 4)));
static bool ask(bench_peer *p, char line[LINE], const char *format, ...)
{
    if (p->child <= 0) return false;
    va_list args;
    va_start(args, format);
    const int size = vsnprintf(line, LINE, format, args);
    va_end(args);
    for (int at = 0; at < size;) {
        const ssize_t n = write(p->to, line + at, (size_t)(size - at));
        if (n < 0 && errno == EINTR) continue;
        if (n <= 0) return gone(p);
        at += (int)n;
    }
    return answer(p, line);
}

/* Pipes to and from the child; in and out are its ends. */
static bool open_pipes(bench_peer *p, int *in, int *out)
{
    int to[2], from[2];
    if (pipe2(to, O_CLOEXEC) != 0) return fail(p, "%s", strerror(errno));
    if (pipe2(from, O_CLOEXEC) != 0) {
        close(to[0]);
        close(to[1]);
        return fail(p, "%s", strerror(errno));
    }
    *in = to[0];
    p->to = to[1];
    p->from = from[0];
    *out = from[1];
    return true;
}

bool bench_peer_start(bench_peer *p, const char *name, const bench_problem *problem, int vulkan_index, int wait)
{
    *p = (bench_peer){.to = -1, .from = -1, .wait = wait};
    snprintf(p->name, sizeof(p->name), "%s", name);
    char path[PATH_MAX], index[16], line[LINE];
    int in = -1, out = -1;
    if (!program_path(name, path, sizeof(path)))
        return strncmp(name, "ggml-", 5) == 0 ? fail(p, "expected the program tessera-peer-ggml beside tessera; it is built where CMake finds ggml "
                                                        "0.27 or later with its headers")
                                              : fail(p, "expected the program tessera-peer-torch beside tessera");
    snprintf(index, sizeof(index), "%d", vulkan_index);
    const char *const python = interpreter(name), *const argv[] = {python ? python : path, path, strchr(name, '-') + 1, index, NULL};
    if (!open_pipes(p, &in, &out)) return false;
    const int error = spawn(&p->child, argv[0], python ? argv : argv + 1, in, out, problem->file);
    close(in);
    close(out);
    if (error) {
        close(p->to);
        close(p->from);
        p->child = 0;
        return fail(p, "%.100s: %s", argv[0], strerror(error));
    }
    if (answer(p, line) && (sscanf(line, " %63[^\t]\t%191[^\n]", p->version, p->device) == 2 || not_understood(p, line))) return true;
    bench_peer_stop(p);
    return false;
}

/* " window" and its fifteen numbers. */
static void write_window(const bench_window *w, char *text, size_t size)
{
    const int64_t *const rows[] = {w->grid, w->window, w->stride, w->dilation};
    size_t at = (size_t)snprintf(text, size, " window");
    for (int i = 0; i < 15 && at < size; i++)
        at += (size_t)snprintf(text + at, size - at, " %lld", i < 12 ? (long long)rows[i / 3][i % 3] : (long long)w->causal[i - 12]);
}

bool bench_peer_prepare(bench_peer *p, const bench_problem *problem, tsr_dtype wanted, char kv_dtype[8], double *seconds)
{
    const bench_shape *s = &problem->shape;
    char line[LINE], window[LINE / 2] = "";
    if (problem->window && strncmp(p->name, "torch-", 6) != 0) return fail(p, "it has no windows");
    if (problem->window) write_window(problem->window, window, sizeof(window));
    if (!ask(p, line, "problem %lld %lld %lld %lld %lld %s %d%s\n", (long long)s->batch, (long long)s->heads, (long long)s->queries,
             (long long)s->keys, (long long)s->dim, tsr_dtype_name(wanted), problem->causal, window))
        return false;
    return sscanf(line, " %7s %lf", kv_dtype, seconds) == 2 || not_understood(p, line);
}

bool bench_peer_run(bench_peer *p, double *seconds)
{
    char line[LINE];
    if (!ask(p, line, "run\n")) return false;
    return (sscanf(line, " %lf", seconds) == 1 && *seconds > 0 && *seconds < 1e6) || not_understood(p, line);
}

bool bench_peer_output(bench_peer *p)
{
    char line[LINE];
    return ask(p, line, "output\n");
}
