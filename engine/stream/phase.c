/* Angles of rotary position: in turns and double precision, so that phases stay exact after any number of tokens. */
#include <math.h>
#include <string.h>

#include "stream/stream.h"

/* The fraction of a turn that is position * turns. The product's rounding error is added back: a whole turn more or less
 * drops out exactly, and two positions differ in phase by their distance, however far the stream has come. */
static double fraction(double position, double turns)
{
    const double product = position * turns, error = fma(position, turns, -product);
    return product - nearbyint(product) + error;
}

static uint64_t mix(uint64_t x)
{
    x = (x ^ (x >> 31)) * 0x7fb5d329728ea185u;
    x = (x ^ (x >> 27)) * 0x81dadef4bc2dd44du;
    return x ^ (x >> 33);
}

int32_t stream_angle_at(tsr_stream *s, int axis, int64_t position)
{
    static const double circle = 6.283185307179586476925;
    uint64_t i = mix((uint64_t)position * 4 + (uint64_t)axis) & (s->angle_room - 1);
    for (; s->angles[i].call == s->calls; i = (i + 1) & (s->angle_room - 1))
        if (s->angles[i].position == position && s->angles[i].axis == axis) return s->angles[i].at;
    uint64_t at;
    float *row = stream_stage(s, (uint64_t)s->pairs[axis] * 2 * sizeof(float), &at);
    for (int32_t p = 0; p < s->pairs[axis]; p++) {
        const double angle = circle * fraction((double)position, s->turns[s->first_pair[axis] + p]);
        row[2 * p] = (float)cos(angle);
        row[2 * p + 1] = (float)sin(angle);
    }
    s->angles[i] = (stream_angle){.position = position, .axis = axis, .at = (int32_t)((at - s->table_at) / sizeof(float)), .call = s->calls};
    return s->angles[i].at;
}
