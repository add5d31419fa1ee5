/* The tessera command: finds the subcommand. */
#include <errno.h>
#include <sched.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "cli.h"

static const struct {
    const char *name;
    int (*run)(int argc, const char **argv);
    const char *what;
} commands[] = {
    {"devices", cmd_devices, "list the devices, their memory and features"},
    {"attend", cmd_attend, "compute attention on tensors of a safetensors file"},
    {"recipes", cmd_recipes, "list the recipes: systems, papers and densities"},
    {"mask", cmd_mask, "show what a recipe lets attend, and its tiles"},
    {"make-tensors", cmd_make_tensors, "write q, k and v with the structure that papers report"},
    {"stream", cmd_stream, "run an endless stream through a key/value cache of constant memory"},
    {"decode", cmd_decode, "decode latents of a video or image model to frames"},
    {"encode", cmd_encode, "encode frames to latents"},
    {"conformance", cmd_conformance, "run the conformance suite"},
    {"bench", cmd_bench, "measure attention or decoding against the device's ceiling"},
    {"tune", cmd_tune, "time the shapes of kernels on a device and remember the fastest"},
};

enum { COMMANDS = sizeof(commands) / sizeof(commands[0]) };

static void usage(FILE *out)
{
    fprintf(out, "usage: tessera COMMAND [OPTION...]\n\n");
    for (int i = 0; i < COMMANDS; i++) fprintf(out, "  %-12s %s\n", commands[i].name, commands[i].what);
    fprintf(out, "\ntessera COMMAND --help describes a command; tessera --version tells the version.\n"
                 "Environment: TESSERA_DEVICE names the device where --device does not.\n"
                 "Exit codes: 0 done; 1 failed (a test, a driver); 2 bad input: arguments, files, a device that is\n"
                 "not there, not enough memory; 130 interrupted.\n");
}

/* PoCL has a thread for each core, and now and then two of them share one for a whole run: half the rate. Where all cores are ours,
 * each gets its own. */
static void place_pocl_threads(void)
{
    cpu_set_t ours;
    const long cores = sysconf(_SC_NPROCESSORS_ONLN);
    if (sched_getaffinity(0, sizeof(ours), &ours) != 0 || CPU_COUNT(&ours) != cores) return;
    for (long i = 0; i < cores; i++)
        if (!CPU_ISSET((size_t)i, &ours)) return;
    setenv("POCL_AFFINITY", "1", 0);
}

/* A report that a full disk cut short is none; a reader that has seen enough is no error. */
static int run(int i, int argc, const char **argv)
{
    const int code = commands[i].run(argc, argv);
    errno = 0;
    const bool written = fflush(stdout) == 0 && !ferror(stdout);
    if (written || errno == EPIPE || code != EXIT_DONE) return code;
    return cli_error(commands[i].name, EXIT_FAILED, "standard output cannot be written%s%s", errno ? ": " : "", errno ? strerror(errno) : "");
}

int main(int argc, char **argv)
{
    place_pocl_threads();
    signal(SIGXFSZ, SIG_IGN); /* a file at its limit is an error of the write, and half a file is then removed */
    if (argc < 2) {
        usage(stderr);
        return EXIT_INPUT;
    }
    if (strcmp(argv[1], "--help") == 0 || strcmp(argv[1], "-h") == 0 || strcmp(argv[1], "help") == 0) {
        usage(stdout);
        return EXIT_DONE;
    }
    if (strcmp(argv[1], "--version") == 0) {
        printf("tessera %s\n", tsr_version());
        return EXIT_DONE;
    }
    for (int i = 0; i < COMMANDS; i++)
        if (strcmp(argv[1], commands[i].name) == 0) return run(i, argc - 1, (const char **)argv + 1);
    fprintf(
        stderr,
        "tessera: unknown command '%s'; expected devices, attend, recipes, mask, make-tensors, stream, decode, encode, conformance, bench or tune\n",
        argv[1]);
    return EXIT_INPUT;
}
