/* Time against the share of the keys as SVG: a panel for each device, a line for each family of windows, the ideal beside them. */
#include <math.h>
#include <string.h>

#include "bench_svg.h"
#include "bench_windows.h"

enum { LEFT = 96, RIGHT = 250, TOP = 92, HEADING = 56, CHART = 380, LABELS = 70, WIDTH = 1000 };

static const struct {
    const char *colour, *name;
} styles[BENCH_FAMILIES] = {
    {"#1f6f8b", "1-D"},      {"#7a9e5f", "1-D causal"},           {"#e09f3e", "grid windows"}, {"#9e7bb5", "fitted windows"},
    {"#22303c", "as asked"}, {"#b23a48", "NATTEN's cases, here"},
};

/* A device's cases, which follow each other, and where shares and times lie on the sheet. */
typedef struct panel {
    const bench_case *cases;
    size_t count;
    double share_top, share_step, time_top, time_step;
    double base; /* y of zero */
} panel;

/* Where NATTEN's own time by its dense time on an H100 would lie. */
static double published_time(const bench_case *c) { return c->published->window[BENCH_H100] / c->published->dense[BENCH_H100]; }

static panel take_panel(const bench *b, size_t first)
{
    panel p = {.cases = &b->cases[first]};
    double share = 0.01, time = 0.01;
    for (; first + p.count < b->case_count && strcmp(p.cases[p.count].device.id, p.cases->device.id) == 0; p.count++) {
        const bench_case *c = &p.cases[p.count];
        share = fmax(share, c->plan.density);
        time = fmax(time, fmax(bench_case_time(c), c->published ? published_time(c) : 0));
    }
    p.share_step = bench_svg_step(share);
    p.share_top = p.share_step * ceil(1.04 * share / p.share_step);
    p.time_step = bench_svg_step(time);
    p.time_top = p.time_step * ceil(1.04 * time / p.time_step);
    return p;
}

static double at_x(const panel *p, double share) { return LEFT + share / p->share_top * (WIDTH - LEFT - RIGHT); }

static double at_y(const panel *p, double time) { return p->base - time / p->time_top * CHART; }

static void draw_axes(FILE *f, const panel *p)
{
    const char *const grey[2] = {"#9aa5af", "#e4e8ec"};
    const double right = at_x(p, p->share_top), ideal = fmin(p->share_top, p->time_top);
    for (double v = 0; v <= p->time_top * 1.0001; v += p->time_step) {
        bench_svg_line(f, LEFT, at_y(p, v), right, at_y(p, v), grey[v > 0], "");
        bench_svg_text(f, LEFT - 8, at_y(p, v) + 4, 12, "end", bench_pale, "", "%g", v);
    }
    for (double v = 0; v <= p->share_top * 1.0001; v += p->share_step) {
        bench_svg_line(f, at_x(p, v), p->base, at_x(p, v), p->base - CHART, grey[v > 0], "");
        bench_svg_text(f, at_x(p, v), p->base + 18, 12, "middle", bench_pale, "", "%g %%", v * 100);
    }
    bench_svg_text(f, (LEFT + right) / 2, p->base + 40, 12, "middle", bench_pale, "", "share of the keys that a query sees");
    fprintf(f, "<g transform=\"translate(30 %.1f) rotate(-90)\">", p->base - CHART / 2.0);
    bench_svg_text(f, 0, 0, 12, "middle", bench_pale, "", "time / dense time");
    fputs("</g>\n", f);
    bench_svg_line(f, LEFT, p->base, at_x(p, ideal), at_y(p, ideal), "#b23a48", " stroke-width=\"1.5\" stroke-dasharray=\"6 4\"");
}

/* The family's case with the next larger share than this; NULL: none. */
static const bench_case *next_of(const panel *p, bench_family family, const bench_case *from)
{
    const bench_case *next = NULL;
    for (size_t i = 0; i < p->count; i++) {
        const bench_case *c = &p->cases[i];
        if (c->family != family || bench_case_is_wrong(c) || (from && c->plan.density <= from->plan.density)) continue;
        if (!next || c->plan.density < next->plan.density) next = c;
    }
    return next;
}

static void dot(FILE *f, double x, double y, const char *colour, bool hollow)
{
    fprintf(f, "<circle cx=\"%.1f\" cy=\"%.1f\" r=\"4\" fill=\"%s\" stroke=\"%s\" stroke-width=\"1.5\"/>\n", x, y, hollow ? "none" : colour, colour);
}

static void draw_case(FILE *f, const panel *p, const bench_case *c)
{
    const double x = at_x(p, c->plan.density);
    if (!bench_case_is_wrong(c)) dot(f, x, at_y(p, bench_case_time(c)), styles[c->family].colour, false);
    if (c->published) dot(f, x, at_y(p, published_time(c)), styles[c->family].colour, true);
}

static void draw_line(FILE *f, const panel *p, bench_family family)
{
    const bench_case *last = NULL;
    for (const bench_case *c = next_of(p, family, NULL); c; last = c, c = next_of(p, family, c))
        if (last)
            bench_svg_line(f, at_x(p, last->plan.density), at_y(p, bench_case_time(last)), at_x(p, c->plan.density), at_y(p, bench_case_time(c)),
                           styles[family].colour, " stroke-width=\"2\"");
}

static void draw_legend(FILE *f, const panel *p)
{
    const double x = at_x(p, p->share_top) + 24;
    double y = p->base - CHART + 12;
    size_t wrong = 0;
    bench_svg_line(f, x - 8, y - 4, x + 8, y - 4, "#b23a48", " stroke-width=\"1.5\" stroke-dasharray=\"6 4\"");
    bench_svg_text(f, x + 16, y, 13, "start", bench_ink, "", "ideal: time = share");
    for (int family = 0; family < BENCH_FAMILIES; family++) {
        if (!next_of(p, (bench_family)family, NULL)) continue;
        y += 22;
        dot(f, x, y - 4, styles[family].colour, false);
        bench_svg_text(f, x + 16, y, 13, "start", bench_ink, "", "%s", styles[family].name);
        if (family != BENCH_NATTEN) continue;
        y += 22;
        dot(f, x, y - 4, styles[family].colour, true);
        bench_svg_text(f, x + 16, y, 13, "start", bench_ink, "", "their times on an H100");
    }
    for (size_t i = 0; i < p->count; i++) wrong += bench_case_is_wrong(&p->cases[i]);
    if (wrong) bench_svg_text(f, x - 8, y + 22, 13, "start", "#b23a48", "", "%zu left out: wrong result", wrong);
}

static void draw_panel(FILE *f, const panel *p, double y)
{
    const bench_case *first = p->cases;
    bench_svg_text(f, LEFT, y + 18, 15, "start", bench_ink, " font-weight=\"600\"", "%s: %s", first->device.id, first->device.name);
    bench_svg_text(f, LEFT, y + 36, 12, "start", bench_pale, "", "driver %s %s; head dim %lld, %s", first->device.driver, first->device.version,
                   (long long)first->shape.dim, first->dtype);
    draw_axes(f, p);
    for (int family = 0; family < BENCH_NATTEN; family++) draw_line(f, p, (bench_family)family);
    for (size_t i = 0; i < p->count; i++) draw_case(f, p, &p->cases[i]);
    draw_legend(f, p);
}

bool bench_windows_plot(const bench *b, FILE *f)
{
    size_t panels = 0;
    for (size_t i = 0; i < b->case_count; panels++) i += take_panel(b, i).count;
    bench_svg_begin(f, WIDTH, TOP + (double)panels * (HEADING + CHART + LABELS));
    bench_svg_text(f, LEFT, 40, 21, "start", bench_ink, " font-weight=\"600\"", "Windowed attention: time against the share of the keys");
    bench_svg_text(f, LEFT, 62, 12, "start", bench_pale, "", "%s, tessera %s; by dense attention in turn, medians of %d runs each", b->date,
                   tsr_version(), b->runs);
    double y = TOP;
    for (size_t i = 0; i < b->case_count; y += HEADING + CHART + LABELS) {
        panel p = take_panel(b, i);
        p.base = y + HEADING + CHART;
        draw_panel(f, &p, y);
        i += p.count;
    }
    fputs("</svg>\n", f);
    return !ferror(f);
}
