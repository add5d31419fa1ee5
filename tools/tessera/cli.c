/* What the subcommands share. */
#include "cli.h"

#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <math.h>
#include <signal.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

int cli_fail(const char *command, tsr_status status)
{
    if (status == TSR_ERROR_CANCELLED && cli_interrupted()) return cli_error(command, EXIT_INTERRUPTED, "interrupted; no file was written");
    cli_progress_end();
    fprintf(stderr, "tessera %s: %s\n", command, cli_reason(command));
    switch (status) {
    case TSR_ERROR_ARGUMENT:
    case TSR_ERROR_FILE:
    case TSR_ERROR_NO_DEVICE:
    case TSR_ERROR_DEVICE_MEMORY:
    case TSR_ERROR_HOST_MEMORY:
    case TSR_ERROR_UNSUPPORTED:
        return EXIT_INPUT;
    default:
        return EXIT_FAILED;
    }
}

int cli_error(const char *command, int code, const char *format, ...)
{
    cli_progress_end();
    fprintf(stderr, "tessera %s: ", command);
    va_list args;
    va_start(args, format);
    vfprintf(stderr, format, args);
    va_end(args);
    fputc('\n', stderr);
    return code;
}

int cli_parse(const char *command, const char *usage, int argc, const char **argv, struct poptOption *options, poptContext *context,
              const char ***rest)
{
    const int numbers = cli_check_numbers(command, argc, argv, options);
    if (numbers >= 0) return numbers;
    argv[0] = "tessera"; /* usage begins with it */
    *context = poptGetContext("tessera", argc, argv, options, 0);
    if (!*context) return cli_error(command, EXIT_FAILED, "no memory to read the arguments");
    char line[256];
    snprintf(line, sizeof(line), "%s", usage);
    poptSetOtherOptionHelp(*context, line);
    int result;
    while ((result = poptGetNextOpt(*context)) > 0) continue; /* options with a val */
    if (result < -1) {
        const int code = cli_error(command, EXIT_INPUT, "%s: %s; see tessera %s --help", poptBadOption(*context, POPT_BADOPTION_NOALIAS),
                                   poptStrerror(result), command);
        poptFreeContext(*context);
        return code;
    }
    static const char *none[] = {NULL};
    *rest = poptGetArgs(*context);
    if (!*rest) *rest = none;
    return -1;
}

bool cli_parse_size(const char *text, uint64_t *out)
{
    char *end;
    errno = 0;
    const double value = strtod(text, &end);
    double scale = 1;
    if (*end == 'K' || *end == 'k')
        scale = 1024, end++;
    else if (*end == 'M' || *end == 'm')
        scale = 1024.0 * 1024, end++;
    else if (*end == 'G' || *end == 'g')
        scale = 1024.0 * 1024 * 1024, end++;
    else if (*end == 'T' || *end == 't')
        scale = 1024.0 * 1024 * 1024 * 1024, end++;
    if (end == text || *end || errno || !(value > 0) || value * scale > 1e18) return false;
    *out = (uint64_t)(value * scale);
    return true;
}

bool cli_parse_tile(const char *command, const char *text, uint32_t *out)
{
    for (*out = 0; *out < TSR_TILE_COUNT; ++*out)
        if (strcmp(text, tsr_tile_name((tsr_tile)*out)) == 0) return true;
    cli_error(command, EXIT_INPUT, "argument --tile is '%s'; expected auto, vector, simt, subgroup, matrix or packed", text);
    return false;
}

static void on_log(void *user, tsr_log_level level, const char *text)
{
    (void)user;
    if (level == TSR_LOG_WARNING) fprintf(stderr, "warning: %s\n", text);
}

static bool parse_milliseconds(const char *text, float *out)
{
    char *end;
    *out = strcmp(text, "none") == 0 ? INFINITY : strtof(text, &end);
    return isinf(*out) ? strcmp(text, "none") == 0 : end != text && !*end && *out > 0;
}

int cli_open(const char *command, cli_device *d)
{
    tsr_device_desc desc = {0};
    if (d->budget && !cli_parse_size(d->budget, &desc.memory_budget))
        return cli_error(command, EXIT_INPUT, "argument --budget is '%s'; expected a size such as 800M or 3G, up to 900000T", d->budget);
    if (d->submission && !parse_milliseconds(d->submission, &desc.submission_ms))
        return cli_error(command, EXIT_INPUT, "argument --submission-ms is '%s'; expected a number of milliseconds above 0, or none", d->submission);
    const tsr_context_desc ctx = {.abi = TSR_ABI, .validation = (uint32_t)d->validate, .log = on_log, .tuning = d->tuning};
    tsr_status status = tsr_context_create(&ctx, &d->ctx);
    if (status == TSR_OK) status = tsr_device_open(d->ctx, d->selector, &desc, &d->dev);
    if (status != TSR_OK) {
        const int code = cli_fail(command, status);
        cli_close(d);
        return code;
    }
    const tsr_device_info *info = tsr_device_info_of(d->dev);
    if (!d->quiet) fprintf(stderr, "device: %s, %s (%s %s)\n", info->id, info->name, info->driver, info->version);
    return -1;
}

static volatile sig_atomic_t interrupted;
static tsr_device *volatile cancelled; /* by an interrupt; NULL: none */

void cli_close(cli_device *d)
{
    cancelled = NULL;
    tsr_device_destroy(d->dev);
    tsr_context_destroy(d->ctx);
    d->dev = NULL;
    d->ctx = NULL;
}

static void on_signal(int number)
{
    (void)number;
    interrupted = 1;
    if (cancelled) tsr_device_cancel(cancelled);
}

void cli_cancels(cli_device *d)
{
    cancelled = d->dev;
    if (interrupted) tsr_device_cancel(d->dev);
}

void cli_catch(void)
{
    struct sigaction action;
    memset(&action, 0, sizeof(action));
    action.sa_handler = on_signal;
    sigaction(SIGINT, &action, NULL);
    sigaction(SIGTERM, &action, NULL);
    struct sigaction hangup; /* nohup has it ignored, and so it stays */
    if (sigaction(SIGHUP, NULL, &hangup) == 0 && hangup.sa_handler != SIG_IGN) sigaction(SIGHUP, &action, NULL);
    signal(SIGPIPE, SIG_IGN); /* a child that ends early is an error, not our end */
}

bool cli_interrupted(void) { return interrupted != 0; }

double cli_now(void)
{
    struct timespec t;
    clock_gettime(CLOCK_MONOTONIC, &t);
    return (double)t.tv_sec + (double)t.tv_nsec * 1e-9;
}

char *cli_temporary(const char *path)
{
    const char *slash = strrchr(path, '/'), *name = slash ? slash + 1 : path;
    const size_t size = strlen(path) + 40;
    char *temp = malloc(size);
    /* The ending stays: other programs tell the format by it. */
    if (temp) snprintf(temp, size, "%.*s.tmp%ld-%s", (int)(name - path), path, (long)getpid(), name);
    return temp;
}

bool cli_same_file(const char *a, const char *b)
{
    struct stat x, y;
    return stat(a, &x) == 0 && stat(b, &y) == 0 && x.st_dev == y.st_dev && x.st_ino == y.st_ino;
}

bool cli_can_write(const char *command, const char *path, const char *ending)
{
    struct stat st;
    const size_t length = strlen(path), ending_length = ending ? strlen(ending) : 0;
    if (length == 0 || path[length - 1] == '/' || strcmp(path, "-") == 0) {
        cli_error(command, EXIT_INPUT, "output '%s' is no file's name", path);
        return false;
    }
    if (stat(path, &st) == 0 && !S_ISREG(st.st_mode)) {
        cli_error(command, EXIT_INPUT, "output '%s' is there and is not a regular file", path);
        return false;
    }
    if (length < ending_length || strcmp(path + length - ending_length, ending ? ending : "") != 0) {
        cli_error(command, EXIT_INPUT, "output '%s' has an unknown ending; expected %s", path, ending);
        return false;
    }
    char *temp = cli_temporary(path);
    const int fd = temp ? open(temp, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0666) : -1;
    if (fd < 0)
        cli_error(command, EXIT_INPUT, "output '%s' cannot be written: %s", path, strerror(errno));
    else {
        close(fd);
        unlink(temp);
    }
    free(temp);
    return fd >= 0;
}
