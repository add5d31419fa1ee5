/* What AMD's compiler of OpenCL C has to be told for cards whose sub-groups have 64 invocations: two waves of them have 128 registers each. It knows
 * nothing of waves that wait for memory, and would rather fill the registers of one. */
#define WAVES __attribute__((amdgpu_waves_per_eu(2)))

/* With addresses in shared memory, dozens of which all turns of a loop have in common. A number of which it knows the range alone ends that; and
 * addresses that differ by a constant then are one. */
#define LANE lane_
#define LANE_DECLARED i32 lane_ = (i32)get_local_id(0);
#define LANE_ANEW                                                                                  \
    __asm__ volatile("" : "+v"(lane_));                                                            \
    __builtin_assume(lane_ >= 0 && lane_ < LANES);

/* With the operands of all steps of a sum. */
#define SUM_LOOP ROLLED

/* With parameters: they are the same for all invocations, and written by none, for which there are other loads and registers; volatile where they
 * are too many for those. */
#ifdef MANY_PARAMS
#define PARAMS_SPACE volatile __constant
#else
#define PARAMS_SPACE __constant
#endif
#define PARAMS_ADDRESS(p) (ulong)(p)
