/* Text, lines and steps of axes, as SVG. */
#include <math.h>
#include <stdarg.h>

#include "bench_svg.h"

const char *const bench_ink = "#22303c", *const bench_pale = "#6b7783";

void bench_svg_begin(FILE *f, double width, double height)
{
    fprintf(f, "<svg xmlns=\"http://www.w3.org/2000/svg\" width=\"%.0f\" height=\"%.0f\" viewBox=\"0 0 %.0f %.0f\"", width, height, width, height);
    fputs(" font-family=\"DejaVu Sans, Helvetica, Arial, sans-serif\">\n<rect width=\"100%\" height=\"100%\" fill=\"#ffffff\"/>\n", f);
}

void bench_svg_text(FILE *f, double x, double y, int size, const char *anchor, const char *colour, const char *extra, const char *format, ...)
{
    char line[512];
    va_list args;
    va_start(args, format);
    vsnprintf(line, sizeof(line), format, args);
    va_end(args);
    fprintf(f, "<text x=\"%.1f\" y=\"%.1f\" font-size=\"%d\" text-anchor=\"%s\" fill=\"%s\"%s>", x, y, size, anchor, colour, extra);
    for (const char *c = line; *c; c++) {
        if (*c == '&')
            fputs("&amp;", f);
        else if (*c == '<')
            fputs("&lt;", f);
        else if ((unsigned char)*c >= ' ')
            fputc(*c, f);
    }
    fputs("</text>\n", f);
}

void bench_svg_line(FILE *f, double x1, double y1, double x2, double y2, const char *colour, const char *extra)
{
    fprintf(f, "<line x1=\"%.1f\" y1=\"%.1f\" x2=\"%.1f\" y2=\"%.1f\" stroke=\"%s\"%s/>\n", x1, y1, x2, y2, colour, extra);
}

double bench_svg_step(double top)
{
    const double power = pow(10, floor(log10(top / 5))), part = top / 5 / power;
    return power * (part <= 1 ? 1 : part <= 2 ? 2 : part <= 5 ? 5 : 10);
}
