/* Numbers of a file's types, as doubles. */
#include "number.h"

#include <math.h>
#include <string.h>

static double from_half(uint16_t h)
{
    const int exponent = h >> 10 & 31, mantissa = h & 1023;
    const double value = exponent == 31 ? (mantissa ? NAN : INFINITY) : exponent ? ldexp(mantissa + 1024, exponent - 25) : ldexp(mantissa, -24);
    return h & 0x8000 ? -value : value;
}

double number_load(tsr_dtype dtype, const void *at)
{
    union {
        float f32;
        double f64;
        uint16_t u16;
        uint32_t u32;
        int16_t i16;
        int32_t i32;
        int64_t i64;
        uint8_t u8;
        int8_t i8;
    } value = {.i64 = 0}, wide;
    memcpy(&value, at, tsr_dtype_size(dtype));
    switch (dtype) {
    case TSR_F32:
        return (double)value.f32;
    case TSR_F16:
        return from_half(value.u16);
    case TSR_BF16:
        wide.u32 = (uint32_t)value.u16 << 16;
        return (double)wide.f32;
    case TSR_F64:
        return value.f64;
    case TSR_U8:
        return value.u8;
    case TSR_I8:
        return value.i8;
    case TSR_I16:
        return value.i16;
    case TSR_I32:
        return value.i32;
    default:
        return dtype == TSR_I64 ? (double)value.i64 : NAN;
    }
}
