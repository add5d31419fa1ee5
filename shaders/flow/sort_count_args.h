/* The interface of the sort_count kernel. */
#include "sort_args.h"
