/* tessera conformance: the suite on one device or on all. */
#include <errno.h>
#include <fnmatch.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "cli.h"
#include "conformance/conformance.h"

static const char *const name = "conformance";

typedef struct conformance {
    cli_device device;
    char *filter, *junit, *require;
    int list, full;
    long seed;
    suite *suite;
    FILE *report;
    size_t counts[64][3]; /* of each device: passed, failed, unsupported */
    char ids[64][32];
    size_t devices, failed;
} conformance;

/* Text for XML. */
static void write_escaped(FILE *out, const char *text)
{
    for (; *text; text++) {
        switch (*text) {
        case '<':
            fputs("&lt;", out);
            break;
        case '>':
            fputs("&gt;", out);
            break;
        case '&':
            fputs("&amp;", out);
            break;
        case '"':
            fputs("&quot;", out);
            break;
        default:
            fputc((unsigned char)*text < 32 ? ' ' : *text, out);
        }
    }
}

static void report_case(conformance *c, const char *device, const char *which, suite_verdict v, double seconds, const char *message)
{
    if (!c->report) return;
    fprintf(c->report, "  <testcase classname=\"");
    write_escaped(c->report, device);
    fprintf(c->report, "\" name=\"%s\" time=\"%.3f\">", which, seconds);
    if (v != SUITE_PASS) {
        fprintf(c->report, "<%s message=\"", v == SUITE_FAIL ? "failure" : "skipped");
        write_escaped(c->report, message);
        fprintf(c->report, "\"/>");
    }
    fprintf(c->report, "</testcase>\n");
}

/* In place of the cases that are not run: no report of a part may look like one of the whole. */
static void report_end(conformance *c, const char *device, const char *message)
{
    if (!c->report) return;
    fprintf(c->report, "  <testcase classname=\"%s\" name=\"unfinished\" time=\"0\"><error message=\"", device);
    write_escaped(c->report, message);
    fprintf(c->report, "\"/></testcase>\n");
}

/* Large cases are for full runs; those of many kernels also for runs on the host, which has them compiled, and for those who name them; a third
 * of some of these for everyone. */
static bool selected(const conformance *c, size_t index, const tsr_device_info *info)
{
    const int full = suite_full(c->suite, index);
    if (c->filter && fnmatch(c->filter, suite_name(c->suite, index), 0) != 0) return false;
    if (c->full || full == 0 || (full > 1 && (c->filter || !info || strcmp(info->backend, "host") == 0))) return true;
    return full == 3 && suite_seed_of(suite_name(c->suite, index), (uint64_t)c->seed) % 3 == 0;
}

static int run_device(conformance *c, tsr_device *dev)
{
    static const char *const words[] = {"pass", "FAIL", "unsupported"};
    const tsr_device_info *info = tsr_device_info_of(dev);
    size_t *counts = c->counts[c->devices];
    snprintf(c->ids[c->devices++], 32, "%s", info->id);
    for (size_t i = 0; i < suite_count(c->suite); i++) {
        const char *which = suite_name(c->suite, i);
        if (!selected(c, i, info)) continue;
        char message[1024];
        if (cli_interrupted()) {
            snprintf(message, sizeof(message), "interrupted before %s", which);
            report_end(c, info->id, message);
            return cli_error(name, EXIT_INTERRUPTED, "%s", message);
        }
        const double start = cli_now();
        snprintf(message, sizeof(message), "%s: %s", info->id, which);
        if (!c->device.quiet) cli_waits(message);
        const suite_verdict v = suite_run(c->suite, i, c->device.ctx, dev, (uint64_t)c->seed, message, sizeof(message));
        const double seconds = cli_now() - start;
        cli_waits_end();
        counts[v]++;
        c->failed += v == SUITE_FAIL;
        if (!c->device.quiet || v == SUITE_FAIL)
            printf("%-11s %-10s %s%s%s (%.2f s)\n", words[v], info->id, which, message[0] ? ": " : "", message, seconds);
        fflush(stdout);
        report_case(c, info->id, which, v, seconds, message);
    }
    return -1;
}

/* Every backend named in --require must have a device. */
static int check_required(const conformance *c)
{
    static const char *const backends[] = {"host", "vulkan", "opencl"};
    const char *p = c->require;
    while (p && *p) {
        const size_t length = strcspn(p, ",");
        bool found = false, known = false;
        for (size_t i = 0; i < 3; i++) known = known || (strlen(backends[i]) == length && strncmp(backends[i], p, length) == 0);
        if (!known) return cli_error(name, EXIT_INPUT, "argument --require names '%.*s'; expected host, vulkan or opencl", (int)length, p);
        for (size_t i = 0; i < tsr_device_count(c->device.ctx) && !found; i++) {
            tsr_device_info info;
            found = tsr_device_get_info(c->device.ctx, i, &info) == TSR_OK && strlen(info.backend) == length && strncmp(info.backend, p, length) == 0;
        }
        if (!found) return cli_error(name, EXIT_FAILED, "the required backend '%.*s' has no device", (int)length, p);
        p += length + (p[length] == ',');
    }
    return -1;
}

static int run_all(conformance *c)
{
    for (size_t i = 0; i < tsr_device_count(c->device.ctx) && i < 64; i++) {
        tsr_device_info info;
        tsr_device *dev = NULL;
        tsr_device_get_info(c->device.ctx, i, &info);
        tsr_status s = tsr_device_open(c->device.ctx, info.id, NULL, &dev);
        if (s != TSR_OK) {
            report_end(c, info.id, tsr_last_error());
            return cli_fail(name, s);
        }
        printf("# %s: %s, %s %s\n", info.id, info.name, info.driver, info.version);
        const int code = run_device(c, dev);
        tsr_device_destroy(dev);
        if (code >= 0) return code;
    }
    return -1;
}

/* Is there a case to run? */
static int check_filter(const conformance *c)
{
    bool known = false;
    for (size_t i = 0; i < suite_count(c->suite); i++) {
        if (selected(c, i, NULL)) return -1;
        known = known || fnmatch(c->filter, suite_name(c->suite, i), 0) == 0;
    }
    return known ? cli_error(name, EXIT_INPUT, "all cases that match '%s' are large ones; expected --full beside it", c->filter)
                 : cli_error(name, EXIT_INPUT, "no case matches '%s'; expected a name or a pattern of names; see tessera conformance --list",
                             c->filter);
}

static void print_counts(const conformance *c)
{
    printf("\n%-12s %8s %8s %12s\n", "device", "passed", "failed", "unsupported");
    for (size_t i = 0; i < c->devices; i++) printf("%-12s %8zu %8zu %12zu\n", c->ids[i], c->counts[i][0], c->counts[i][1], c->counts[i][2]);
    fflush(stdout);
}

static int run(conformance *c)
{
    int code;
    if (c->junit && !cli_can_write(name, c->junit, NULL)) return EXIT_INPUT;
    const bool all = c->device.selector && strcmp(c->device.selector, "all") == 0;
    if (all) {
        const tsr_context_desc desc = {.validation = (uint32_t)c->device.validate};
        const tsr_status s = tsr_context_create(&desc, &c->device.ctx);
        if (s != TSR_OK) return cli_fail(name, s);
    } else if ((code = cli_open(name, &c->device)) >= 0) {
        return code;
    }
    if ((code = check_required(c)) >= 0) return code;
    printf("# seed %ld\n", c->seed); /* before all else: whoever sees a crash may want it again */
    fflush(stdout);
    cli_catch();
    char *temp = c->junit ? cli_temporary(c->junit) : NULL;
    if (temp) c->report = fopen(temp, "w");
    if (c->report) fprintf(c->report, "<?xml version=\"1.0\"?>\n<testsuite name=\"tessera conformance\">\n");
    code = all ? run_all(c) : run_device(c, c->device.dev);
    print_counts(c);
    if (c->report) fprintf(c->report, "</testsuite>\n");
    errno = 0;
    const bool written = !c->junit || (c->report && fclose(c->report) == 0 && rename(temp, c->junit) == 0);
    if (!written) {
        cli_error(name, EXIT_FAILED, "output '%s' cannot be written: %s", c->junit, strerror(errno));
        if (temp) remove(temp);
    }
    free(temp);
    return code >= 0 ? code : c->failed || !written ? EXIT_FAILED : EXIT_DONE;
}

static int list(const conformance *c)
{
    for (size_t i = 0; i < suite_count(c->suite); i++)
        if (selected(c, i, NULL)) puts(suite_name(c->suite, i));
    return EXIT_DONE;
}

int cmd_conformance(int argc, const char **argv)
{
    conformance c = {.seed = (long)time(NULL)};
    struct poptOption options[] = {
        {"filter", 'f', POPT_ARG_STRING, &c.filter, 0, "only cases whose name fits, as 'attention/*f16*'", "GLOB"},
        {"full", 0, POPT_ARG_NONE, &c.full, 0,
         "also the large cases, which take minutes to hours, and where a driver compiles kernels all fp16 forms of decoders, all systems and "
         "fixtures: else "
         "a third of these, drawn by the seed",
         NULL},
        {"junit", 0, POPT_ARG_STRING, &c.junit, 0, "also write the verdicts as JUnit XML", "FILE"},
        {"list", 'l', POPT_ARG_NONE, &c.list, 0, "print the names of the cases and stop", NULL},
        {"seed", 's', POPT_ARG_LONG, &c.seed, 0, "repeat the random inputs of an earlier run; default: the time", "N"},
        {"require", 0, POPT_ARG_STRING, &c.require, 0, "fail where one of these backends has no device", "host,vulkan,opencl"},
        CLI_DEVICE_OPTIONS(c.device),
        POPT_AUTOHELP POPT_TABLEEND};
    poptContext parse;
    const char **rest;
    int code = cli_parse(name, "conformance [--device ID|all]", argc, argv, options, &parse, &rest);
    if (code >= 0) return code;
    c.suite = suite_create();
    if (rest[0])
        code = cli_error(name, EXIT_INPUT, "unexpected argument '%s'", rest[0]);
    else if (!c.suite)
        code = cli_error(name, EXIT_FAILED, "no memory for the suite");
    else if ((code = check_filter(&c)) < 0)
        code = c.list ? list(&c) : run(&c);
    suite_destroy(c.suite);
    cli_close(&c.device);
    char *const owned[] = {c.filter, c.junit, c.require, c.device.selector, c.device.budget, c.device.submission};
    for (size_t i = 0; i < sizeof(owned) / sizeof(owned[0]); i++) free(owned[i]);
    poptFreeContext(parse);
    return code;
}
