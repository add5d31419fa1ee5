/* The interface of the sort_scan kernel. */
#include "sort_args.h"
