/* How far one output is from another. */
#include "compare.h"

#include <math.h>
#include <stdlib.h>

#include "number.h"

tsr_status flow_compare(tsr_buffer *a, tsr_buffer *b, tsr_dtype dtype, uint64_t count, flow_difference *out)
{
    const size_t size = tsr_dtype_size(dtype);
    unsigned char *x = malloc((size_t)count * size + 1), *y = malloc((size_t)count * size + 1);
    tsr_status s = x && y ? tsr_buffer_read(a, 0, x, count * size) : TSR_ERROR_HOST_MEMORY;
    if (s == TSR_OK) s = tsr_buffer_read(b, 0, y, count * size);
    double off = 0, sum = 0, xx = 0, yy = 0, xy = 0, most = 0;
    for (uint64_t i = 0; i < count && s == TSR_OK; i++) {
        const double u = number_load(dtype, x + i * size), v = number_load(dtype, y + i * size), d = fabs(u - v);
        off += d;
        sum += fabs(v);
        xx += u * u, yy += v * v, xy += u * v;
        if (!(d <= most)) most = d;
    }
    free(x);
    free(y);
    *out = (flow_difference){.l1 = off > 0 ? off / sum : off, .cosine = xy == 0 && xx == yy ? 1 : xy / sqrt(xx * yy), .most = most};
    return s;
}
