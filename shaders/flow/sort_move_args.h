/* The interface of the sort_move kernel. */
#include "sort_args.h"
