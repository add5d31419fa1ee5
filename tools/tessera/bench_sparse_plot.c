/* Time against density as SVG: a panel for each device and length, given and chosen tiles, what choosing costs, and the ideal. */
#include <string.h>

#include "bench_sparse.h"
#include "bench_svg.h"

enum { LEFT = 96, RIGHT = 260, TOP = 92, HEADING = 56, CHART = 360, LABELS = 70, WIDTH = 1000 };
static const double top = 0.6;

static const struct {
    const char *colour, *name;
} styles[] = {{"#1f6f8b", "given tiles"}, {"#e09f3e", "chosen in each run"}, {"#9e7bb5", "of it, choosing"}};

/* Cases of one device and length, which follow each other. */
static size_t panel_count(const bench *b, size_t first)
{
    const bench_sparse_case *c = &b->sparse[first];
    size_t count = 0;
    while (first + count < b->sparse_count && strcmp(c[count].device.id, c->device.id) == 0 && c[count].shape.keys == c->shape.keys) count++;
    return count;
}

static double at_x(double density) { return LEFT + density / top * (WIDTH - LEFT - RIGHT); }

static void draw_series(FILE *f, const bench_sparse_case *cases, size_t count, int series, double base)
{
    double x = 0, y = 0;
    bool begun = false;
    for (size_t i = 0; i < count; i++) {
        const bench_sparse_case *c = &cases[i];
        if (c->choice != (series == 0 ? BENCH_GIVEN : BENCH_CHOSEN) || bench_sparse_is_wrong(c)) continue;
        const double to_x = at_x(c->report.density), value = series == 2 ? bench_sparse_select(c) : bench_sparse_time(c);
        const double to_y = base - (value < top ? value : top) / top * CHART;
        if (begun) bench_svg_line(f, x, y, to_x, to_y, styles[series].colour, " stroke-width=\"2\"");
        fprintf(f, "<circle cx=\"%.1f\" cy=\"%.1f\" r=\"4\" fill=\"%s\"/>\n", to_x, to_y, styles[series].colour);
        x = to_x, y = to_y, begun = true;
    }
}

static void draw_panel(FILE *f, const bench_sparse_case *cases, size_t count, double y)
{
    const double base = y + HEADING + CHART;
    const char *const grey[2] = {"#9aa5af", "#e4e8ec"};
    bench_svg_text(f, LEFT, y + 18, 15, "start", bench_ink, " font-weight=\"600\"", "%s: %s, %lld tokens", cases->device.id, cases->device.name,
                   (long long)cases->shape.keys);
    bench_svg_text(f, LEFT, y + 36, 12, "start", bench_pale, "", "driver %s %s; head dim %lld, %s, %s tensors", cases->device.driver,
                   cases->device.version, (long long)cases->shape.dim, cases->dtype, cases->tensors);
    for (int i = 0; i <= 6; i++) {
        const double v = 0.1 * i;
        bench_svg_line(f, LEFT, base - v / top * CHART, at_x(top), base - v / top * CHART, grey[i > 0], "");
        bench_svg_text(f, LEFT - 8, base - v / top * CHART + 4, 12, "end", bench_pale, "", "%g", v);
        bench_svg_line(f, at_x(v), base, at_x(v), base - CHART, grey[i > 0], "");
        bench_svg_text(f, at_x(v), base + 18, 12, "middle", bench_pale, "", "%g %%", v * 100);
    }
    bench_svg_text(f, (LEFT + at_x(top)) / 2, base + 40, 12, "middle", bench_pale, "", "density: pairs that are attended, of all");
    fprintf(f, "<g transform=\"translate(30 %.1f) rotate(-90)\">", base - CHART / 2.0);
    bench_svg_text(f, 0, 0, 12, "middle", bench_pale, "", "time / dense time");
    fputs("</g>\n", f);
    bench_svg_line(f, LEFT, base, at_x(top), base - CHART, "#b23a48", " stroke-width=\"1.5\" stroke-dasharray=\"6 4\"");
    const double x = at_x(top) + 24;
    bench_svg_line(f, x - 8, base - CHART + 8, x + 8, base - CHART + 8, "#b23a48", " stroke-width=\"1.5\" stroke-dasharray=\"6 4\"");
    bench_svg_text(f, x + 16, base - CHART + 12, 13, "start", bench_ink, "", "ideal: time = density");
    for (int series = 0; series < 3; series++) {
        draw_series(f, cases, count, series, base);
        fprintf(f, "<circle cx=\"%.1f\" cy=\"%.1f\" r=\"4\" fill=\"%s\"/>\n", x, base - CHART + 30 + 22 * series, styles[series].colour);
        bench_svg_text(f, x + 16, base - CHART + 34 + 22 * series, 13, "start", bench_ink, "", "%s", styles[series].name);
    }
}

bool bench_sparse_plot(const bench *b, FILE *f)
{
    size_t panels = 0;
    for (size_t i = 0; i < b->sparse_count; panels++) i += panel_count(b, i);
    bench_svg_begin(f, WIDTH, TOP + (double)panels * (HEADING + CHART + LABELS));
    bench_svg_text(f, LEFT, 40, 21, "start", bench_ink, " font-weight=\"600\"", "Block-sparse attention: time against density");
    bench_svg_text(f, LEFT, 62, 12, "start", bench_pale, "", "%s, tessera %s; by dense attention in turn, medians of %d runs each", b->date,
                   tsr_version(), b->runs);
    double y = TOP;
    for (size_t i = 0; i < b->sparse_count; y += HEADING + CHART + LABELS) {
        const size_t count = panel_count(b, i);
        draw_panel(f, &b->sparse[i], count, y);
        i += count;
    }
    fputs("</svg>\n", f);
    return !ferror(f);
}
