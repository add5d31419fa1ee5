/* Bars of what tessera tune measured, as SVG: a panel for each problem, longer is faster. */
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#include "bench_svg.h"
#include "tune.h"

enum { WIDTH = 980, LEFT = 420, RIGHT = 120, TOP = 70, HEADING = 44, BAR = 20, GAP = 6 };

static bool timed(const tsr_tune_result *r) { return r->state <= TSR_TUNE_STOPPED && r->seconds > 0; }

static double panel_height(const tsr_tune_report *r) { return HEADING + (BAR + GAP) * (double)r->count; }

static void draw_panel(FILE *f, const tsr_tune_report *r, double y)
{
    bench_svg_text(f, 24, y + 24, 14, "start", bench_ink, " font-weight=\"600\"", "%s: %s", r->kernel, r->problem);
    const double best = r->results[r->best].seconds;
    y += HEADING;
    for (uint32_t i = 0; i < r->count; i++, y += BAR + GAP) {
        const tsr_tune_result *one = &r->results[i];
        bench_svg_text(f, LEFT - 10, y + 14, 11, "end", bench_ink, "", "%s%s", one->shape, i == 0 ? " (default)" : "");
        if (!timed(one)) {
            bench_svg_text(f, LEFT, y + 14, 11, "start", bench_pale, "", "%s", one->state == TSR_TUNE_WRONG ? "wrong result" : "not timed");
            continue;
        }
        const double length = best / one->seconds * (WIDTH - LEFT - RIGHT);
        fprintf(f, "<rect x=\"%d\" y=\"%.1f\" width=\"%.1f\" height=\"%d\" fill=\"%s\"/>\n", LEFT, y, length, BAR,
                i == r->best ? "#1f6f8b"
                : i == 0     ? "#e09f3e"
                             : "#b8c4cc");
        bench_svg_text(f, LEFT + length + 6, y + 14, 11, "start", bench_ink, "", "%.3g ms, %.2f x", one->seconds * 1e3,
                       r->results[0].seconds / one->seconds);
    }
}

int tune_plot(const tune *t)
{
    char *temp = cli_temporary(t->plot);
    FILE *f = temp ? fopen(temp, "wx") : NULL;
    double height = TOP + 20, y = TOP;
    bool ok = f != NULL;
    for (size_t i = 0; i < t->done; i++) height += panel_height(&t->problems[i].report);
    if (f) {
        const tsr_device_info *info = tsr_device_info_of(t->device.dev);
        bench_svg_begin(f, WIDTH, height);
        bench_svg_text(f, 24, 32, 19, "start", bench_ink, " font-weight=\"600\"", "Shapes of kernels on %s", info->name);
        bench_svg_text(f, 24, 54, 12, "start", bench_pale, "", "%s, driver %s %s, tessera %s; longer is faster", info->id, info->driver,
                       info->version, tsr_version());
        for (size_t i = 0; i < t->done; i++) {
            draw_panel(f, &t->problems[i].report, y);
            y += panel_height(&t->problems[i].report);
        }
        fputs("</svg>\n", f);
        ok = !ferror(f);
        ok = fclose(f) == 0 && ok && rename(temp, t->plot) == 0;
        if (!ok) unlink(temp);
    }
    free(temp);
    return ok ? -1 : cli_error(TUNE_NAME, EXIT_INPUT, "plot '%s' cannot be written", t->plot);
}
