/* A bar chart of attention rates as SVG: a panel for each device, a group of bars for each shape. */
#include <math.h>
#include <stdio.h>
#include <string.h>

#include "bench_svg.h"

enum { LEFT = 84, RIGHT = 36, TOP = 92, HEADING = 56, CHART = 250, LABELS = 84, MIN_WIDTH = 860, MIN_GROUP = 150 };

static const char *const colours[] = {"#1f6f8b", "#e09f3e", "#9e7bb5", "#7a9e5f", "#8a8f98", "#b5565b", "#4f7cac", "#c8b88a", "#5d5d81"};
static double rate(const bench_result *r, const bench_side *s) { return bench_has_rate(s) ? r->flops / s->times.median / 1e9 : 0; }

/* A rate with as many digits as it is worth. */
static void number(char out[32], double value) { snprintf(out, 32, value < 10 ? "%.2f" : value < 100 ? "%.1f" : "%.0f", value); }

/* The panel's results: those of one device, which follow each other. */
typedef struct panel {
    const bench_result *results;
    size_t count;
    double peak, top, step; /* GFLOP/s */
    bool peak_fits;
} panel;

static panel take_panel(const bench *b, size_t first)
{
    panel p = {.results = &b->results[first], .peak = b->results[first].peak / 1e9};
    double highest = 0;
    for (; first + p.count < b->count && strcmp(p.results[p.count].device.id, p.results->device.id) == 0; p.count++) {
        const bench_result *r = &p.results[p.count];
        highest = fmax(highest, rate(r, &r->ours));
        for (int i = 0; i < r->peer_count; i++) highest = fmax(highest, rate(r, &r->peers[i]));
    }
    if (!(highest > 0)) highest = p.peak;
    /* A peak far above every bar would leave nothing of them to see. */
    p.peak_fits = p.peak < 6 * highest;
    const double top = 1.04 * (p.peak_fits ? fmax(highest, p.peak) : 1.1 * highest);
    p.step = bench_svg_step(top);
    p.top = p.step * ceil(top / p.step);
    return p;
}

static void draw_heading(FILE *f, const panel *p, double y, double width)
{
    const bench_result *r = p->results;
    bench_svg_text(f, LEFT, y + 18, 15, "start", bench_ink, " font-weight=\"600\"", "%s: %s", r->device.id, r->device.name);
    bench_svg_text(f, LEFT, y + 36, 12, "start", bench_pale, "", "driver %s %s", r->device.driver, r->device.version);
    double x = width - RIGHT;
    for (int i = r->peer_count; i >= 0; i--) {
        const char *name = i ? r->peers[i - 1].name : "tessera";
        x -= 8.0 * (double)strlen(name) + 10;
        fprintf(f, "<rect x=\"%.1f\" y=\"%.1f\" width=\"12\" height=\"12\" rx=\"2\" fill=\"%s\"/>\n", x - 8, y + 8, colours[i]);
        bench_svg_text(f, x + 9, y + 18, 13, "start", bench_ink, "", "%s", name);
        x -= 24;
    }
}

static void draw_axis(FILE *f, const panel *p, double base, double width)
{
    const double scale = CHART / p->top;
    for (double v = 0; v <= p->top * 1.0001; v += p->step) {
        const double y = base - v * scale;
        bench_svg_line(f, LEFT, y, width - RIGHT, y, v > 0 ? "#e4e8ec" : "#9aa5af", "");
        bench_svg_text(f, LEFT - 8, y + 4, 12, "end", bench_pale, "", "%g", v);
    }
    fprintf(f, "<g transform=\"translate(26 %.1f) rotate(-90)\">", base - CHART / 2.0);
    bench_svg_text(f, 0, 0, 12, "middle", bench_pale, "", "GFLOP/s");
    fputs("</g>\n", f);
    if (!p->peak_fits) {
        bench_svg_text(f, width - RIGHT, base - CHART - 8, 12, "end", "#b23a48", "", "measured FMA peak %.0f GFLOP/s: beyond this scale", p->peak);
        return;
    }
    const double y = base - p->peak * scale;
    bench_svg_line(f, LEFT, y, width - RIGHT, y, "#b23a48", " stroke-width=\"1.5\" stroke-dasharray=\"6 4\"");
    bench_svg_text(f, width - RIGHT, y - 6, 12, "end", "#b23a48", "", "measured FMA peak %.0f", p->peak);
}

static void draw_bar(FILE *f, const bench_result *r, const bench_side *s, const char *colour, double x, double base, double width, double scale)
{
    const double value = rate(r, s), height = value * scale;
    if (value > 0) {
        char label[32];
        number(label, value);
        fprintf(f, "<rect x=\"%.1f\" y=\"%.1f\" width=\"%.1f\" height=\"%.1f\" fill=\"%s\"/>\n", x, base - height, width, height, colour);
        bench_svg_text(f, x + width / 2, base - height - 5, 12, "middle", bench_ink, "", "%s", label);
        return;
    }
    char turn[96];
    snprintf(turn, sizeof(turn), " font-weight=\"600\" transform=\"rotate(-90 %.1f %.1f)\"", x + width / 2 + 4, base - 8);
    bench_svg_text(f, x + width / 2 + 4, base - 8, 12, "start", colour, turn, "%s", s->failure[0] ? "failed" : "wrong result");
}

static void draw_group(FILE *f, const panel *p, const bench_result *r, double x, double base, double width)
{
    const int bars = 1 + r->peer_count;
    const double bar = fmin(52, (width - 24) / bars - 4), start = x + (width - bars * (bar + 4) + 4) / 2;
    char label[128];
    draw_bar(f, r, &r->ours, colours[0], start, base, bar, CHART / p->top);
    for (int i = 0; i < r->peer_count; i++) draw_bar(f, r, &r->peers[i], colours[1 + i], start + (1 + i) * (bar + 4), base, bar, CHART / p->top);
    bench_label(r, label, sizeof(label));
    bench_svg_text(f, x + width / 2, base + 20, 12, "middle", bench_ink, "", "%s", label);
    for (int i = 0; i < r->peer_count; i++) {
        const bench_side *s = &r->peers[i];
        const double y = base + 38 + 17 * i;
        char kv[24] = "";
        if (strcmp(s->kv_dtype, r->dtype) != 0 && s->kv_dtype[0]) snprintf(kv, sizeof(kv), " (K/V %s)", s->kv_dtype);
        if (bench_ratio(r, s) > 0)
            bench_svg_text(f, x + width / 2, y, 12, "middle", bench_pale, "", "%.2f x %s%s", bench_ratio(r, s), s->name, kv);
        else
            bench_svg_text(f, x + width / 2, y, 12, "middle", bench_pale, "", "%s%s: no rate", s->name, kv);
    }
}

bool bench_plot_write(const bench *b, FILE *f)
{
    size_t panels = 0, widest = 0;
    for (size_t i = 0; i < b->count; panels++) {
        const size_t count = take_panel(b, i).count;
        if (count > widest) widest = count;
        i += count;
    }
    const double width = fmax(MIN_WIDTH, LEFT + RIGHT + (double)widest * MIN_GROUP), height = TOP + (double)panels * (HEADING + CHART + LABELS);
    bench_svg_begin(f, width, height);
    bench_svg_text(f, LEFT, 40, 21, "start", bench_ink, " font-weight=\"600\"", "Attention rates, median of %d runs each", b->runs);
    char peers[256] = "";
    size_t at = 0;
    for (int i = 0; i < b->results->peer_count && at < sizeof(peers); i++)
        at += (size_t)snprintf(peers + at, sizeof(peers) - at, ", %s %.40s", b->results->peers[i].name, b->results->peers[i].version);
    bench_svg_text(f, LEFT, 62, 12, "start", bench_pale, "", "%s, tessera %s%s; taller is better", b->date, tsr_version(), peers);
    double y = TOP;
    for (size_t i = 0; i < b->count; y += HEADING + CHART + LABELS) {
        const panel p = take_panel(b, i);
        const double base = y + HEADING + CHART, group = (width - LEFT - RIGHT) / (double)p.count;
        draw_heading(f, &p, y, width);
        draw_axis(f, &p, base, width);
        for (size_t n = 0; n < p.count; n++) draw_group(f, &p, &p.results[n], LEFT + (double)n * group, base, group);
        i += p.count;
    }
    fputs("</svg>\n", f);
    return !ferror(f);
}
