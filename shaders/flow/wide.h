/* Loads of VW adjacent elements of a storage type, and the columns that one invocation of a flow kernel sees to. */
#ifndef TSR_FLOW_WIDE_H
#define TSR_FLOW_WIDE_H

/* Adjacent vectors that are worked on side by side: rows are then read a cache line after another. */
#if VW > 1
#define VECTORS 4
HELPER fv load_wide(i32 dtype, ptr p)
{
    if (dtype == 0) return FV_LDG(p, 0);
    if (dtype == 1) return FV_LDGH(p, 0);
    return FV_LDGB(p, 0);
}
#else
#define VECTORS 1
HELPER fv load_wide(i32 dtype, ptr p) { return load_as(dtype, p, 0); }
#endif

/* One element, for all lanes of a vector. */
HELPER fv load_one(i32 dtype, ptr p) { return FV(load_as(dtype, p, 0)); }

#endif
