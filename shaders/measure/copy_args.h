/* The interface of the kernel that measures how fast a device copies: a workgroup takes steps runs of LANES x VW floats. */
#define COPY_SPECS(S) S(0, LANES, 64)
#define COPY_SHAPES(S)
#define COPY_PARAMS(F) F(i32, steps)
#define COPY_ARGS(RO, RW) RO(from) RW(to)
