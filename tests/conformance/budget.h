/* What the cases of time limits share. */
#ifndef BUDGET_H
#define BUDGET_H

#include "suite.h"

/* The run's device once more, with that limit. */
tsr_status budget_open(suite_run_context *run, float submission_ms, tsr_device **out);

int suite_add_cancel(suite *s);

#endif
