/* Numbers of a file's types. */
#ifndef NUMBER_H
#define NUMBER_H

#include "tessera/tessera.h"

/* The number of that type at an address, which need not be aligned. */
double number_load(tsr_dtype dtype, const void *at);

#endif
