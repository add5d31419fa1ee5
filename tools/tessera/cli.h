/* What the subcommands of tessera share: exit codes, errors, devices, interruption, progress, time. */
#ifndef CLI_H
#define CLI_H

#include <popt.h>
#include <stdbool.h>

#include "tessera/tessera.h"

enum { EXIT_DONE = 0, EXIT_FAILED = 1, EXIT_INPUT = 2, EXIT_INTERRUPTED = 130 };

/* Prints "tessera COMMAND: text" and returns the exit code that suits: what the library last said ... */
int cli_fail(const char *command, tsr_status status);
/* ... or a text of our own. */
int cli_error(const char *command, int code, const char *format, ...) __attribute__((format(printf, 3, 4)));

/* As val of an option with a whole number: what it is at least where given; below that it was not. */
enum { CLI_FROM_1 = 1, CLI_FROM_0 = 2 };

/* argument_options.c: what the library last said, and which option or tensor the argument is from that it names; until the next call. */
const char *cli_reason(const char *command);

/* Parses argv; usage follows "tessera ". -1: go on; else the exit code. Positional arguments are left
 * in *rest (NULL-terminated, owned by *context, which the caller frees). */
int cli_parse(const char *command, const char *usage, int argc, const char **argv, struct poptOption *options, poptContext *context,
              const char ***rest);

/* option_numbers.c: are the numbers in argv such, and within their range, and is no name empty? -1: they are; else the exit code, and an error
 * was printed. */
int cli_check_numbers(const char *command, int argc, const char *const *argv, const struct poptOption *options);

/* Options that every command with a device has. */
typedef struct cli_device {
    char *selector, *budget, *submission;
    char *tuning; /* the database of measured choices; NULL: the usual one */
    int quiet, validate;
    tsr_context *ctx;
    tsr_device *dev;
} cli_device;
#define CLI_DEVICE_OPTIONS(d)                                                                                                                        \
    {                                                                                                                                                \
        "device", 'd', POPT_ARG_STRING, &(d).selector, 0, "device id or backend:name (see tessera devices); default: TESSERA_DEVICE or the best",    \
        "ID"},                                                                                                                                       \
        {"budget", 0, POPT_ARG_STRING, &(d).budget, 0, "device memory that may be used, as 800M or 3G", "SIZE"},                                     \
        {"submission-ms",                                                                                                                            \
         0,                                                                                                                                          \
         POPT_ARG_STRING,                                                                                                                            \
         &(d).submission,                                                                                                                            \
         0,                                                                                                                                          \
         "cut work for the device into pieces of at most N ms, or none; default: TESSERA_SUBMISSION_MS or 50 on GPUs",                               \
         "N"},                                                                                                                                       \
        {"quiet", 'q', POPT_ARG_NONE, &(d).quiet, 0, "say nothing but errors", NULL},                                                                \
    {                                                                                                                                                \
        "validate", 0, POPT_ARG_NONE, &(d).validate, 0, "turn the driver's validation layers on", NULL                                               \
    }

/* Opens the device that was asked for and says which it is. -1: done; else the exit code. */
int cli_open(const char *command, cli_device *d);
void cli_close(cli_device *d);

/* After cli_catch, Ctrl-C only sets a flag; cli_interrupted reads it. */
void cli_catch(void);
bool cli_interrupted(void);
/* After cli_catch: Ctrl-C also cancels what the device does, until cli_close; cli_fail then says that it was interrupted. For commands that
 * keep nothing of work that is broken off. */
void cli_cancels(cli_device *d);

/* 800M, 3G, 65536: bytes. */
bool cli_parse_size(const char *text, uint64_t *out);

/* A tile model by its name. false: an error was printed. */
bool cli_parse_tile(const char *command, const char *text, uint32_t *out);

/* progress.c: a line on the terminal, once the work has taken a second. done from 0 to 1; below 0 where the end is not known. */
void cli_progress(const char *what, double done);
void cli_progress_end(void);
/* Where nothing is told for a second there will be a line that says what is waited for, until the next of these ends it: cli_waits_end,
 * cli_progress_end, an error. One at a time; the second is for a device's first results: a driver may compile kernels as
 * late as that, and does not tell. */
void cli_waits(const char *what);
void cli_waits_first(const cli_device *d);
void cli_waits_end(void);

double cli_now(void); /* seconds */

bool cli_same_file(const char *a, const char *b);

/* Can a file be written at path, and does the name end as what is written does (ending; NULL: as it likes)? Checked before the work
 * starts. false: an error was printed. */
bool cli_can_write(const char *command, const char *path, const char *ending);

/* The name under which a file is written until it is whole; malloc'd. */
char *cli_temporary(const char *path);

int cmd_devices(int argc, const char **argv);
int cmd_attend(int argc, const char **argv);
int cmd_mask(int argc, const char **argv);
int cmd_recipes(int argc, const char **argv);
int cmd_make_tensors(int argc, const char **argv);
int cmd_stream(int argc, const char **argv);
int cmd_decode(int argc, const char **argv);
int cmd_encode(int argc, const char **argv);
int cmd_conformance(int argc, const char **argv);
int cmd_bench(int argc, const char **argv);
int cmd_tune(int argc, const char **argv);

#endif
