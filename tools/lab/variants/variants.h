/* What the files of the variants share: a device whose kernels are built and never run. */
#ifndef LAB_VARIANTS_H
#define LAB_VARIANTS_H

#include "internal.h"

typedef struct lab {
    tsr_device *dev;
    bool quick, list;    /* the variants that CI builds alone; names alone */
    const char *filter;  /* a part of the name; NULL: all */
    const char *recipes; /* the folder of tools/recipes */
    char variant[128];   /* that is being prepared */
    double begun;
    int failures;
} lab;

/* Is the variant of this name wanted? If so, its kernels are its own until lab_end, which writes a line about it. quick: CI builds it too. */
bool lab_begin(lab *l, bool quick, const char *format, ...) __attribute__((format(printf, 3, 4)));
void lab_end(lab *l, tsr_status status);

/* watch.c: from here on the device's backend sets TESSERA_LAB_LABEL before it builds a kernel: variant, kernel, tile model, and
 * the specialisation constants as NAME=VALUE, with tabs between. */
void lab_watch(lab *l);

void lab_attention(lab *l);
void lab_decode(lab *l);
void lab_streams(lab *l);
void lab_flows(lab *l);

#endif
