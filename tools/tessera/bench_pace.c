/* How fast a device is: what chooses the sizes of benches. */
#include "bench_pace.h"

#include <math.h>

static const char *const name = "bench";

/* A short dense attention: how fast the device is, and how its tiles are. */
int bench_measure_pace(bench *b, bench_problem *problem, bench_pace *pace)
{
    const bench_shape shape = {1, 1, 2048, 2048, b->ask.dim ? b->ask.dim : 64};
    if (!bench_problem_fill(problem, &shape, b->dtype, false, b->seed, bench_memory_free(b))) return EXIT_INPUT;
    bench_tensors tensors = {0};
    bench_ours ours = {0};
    double first, best = HUGE_VAL;
    tsr_status status = bench_tensors_upload(&tensors, b->device.dev, problem);
    if (status == TSR_OK) status = bench_ours_prepare(&ours, b->device.dev, problem, &(bench_sets){0}, b->peak, &first);
    for (int i = 0; i < 3 && status == TSR_OK; i++) {
        double seconds = 0;
        status = bench_ours_run(&ours, b->device.dev, &tensors, &seconds);
        best = fmin(best, seconds);
    }
    if (status == TSR_OK) {
        tsr_attention_info info;
        tsr_attention_get_info(ours.plan, &info);
        *pace = (bench_pace){(double)info.flops / fmax(best, 1e-9), (int32_t)info.query_tile, (int32_t)info.key_tile};
    }
    bench_ours_release(&ours);
    bench_tensors_release(&tensors);
    if (status != TSR_OK) return cli_fail(name, status);
    return cli_interrupted() ? cli_error(name, EXIT_INTERRUPTED, "interrupted") : -1;
}
