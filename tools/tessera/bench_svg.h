/* What the plots of tessera bench are drawn with. */
#ifndef BENCH_SVG_H
#define BENCH_SVG_H

#include "bench.h"

extern const char *const bench_ink, *const bench_pale; /* colours of text */

/* An empty white sheet; the caller ends it by </svg>. */
void bench_svg_begin(FILE *f, double width, double height);

/* Text with what XML reserves written out; extra: further attributes. */
void bench_svg_text(FILE *f, double x, double y, int size, const char *anchor, const char *colour, const char *extra, const char *format, ...)
    __attribute__((format(printf, 8, 9)));
void bench_svg_line(FILE *f, double x1, double y1, double x2, double y2, const char *colour, const char *extra);

/* 1, 2 or 5 times a power of ten, so that about five steps reach the top. */
double bench_svg_step(double top);

#endif
