/* Error texts, one for each thread, and the names of statuses. */
#include <stdarg.h>
#include <stdio.h>

#include "backend.h"

#define TSR_VERSION "0.1.0"

static _Thread_local char error_text[2048];

tsr_status tsr_fail(tsr_status status, const char *format, ...)
{
    va_list args;
    va_start(args, format);
    vsnprintf(error_text, sizeof(error_text), format, args);
    va_end(args);
    return status;
}

const char *tsr_last_error(void) { return error_text; }

const char *tsr_version(void) { return TSR_VERSION; }

const char *tsr_status_name(tsr_status status)
{
    switch (status) {
    case TSR_OK:
        return "ok";
    case TSR_ERROR_ARGUMENT:
        return "argument";
    case TSR_ERROR_UNSUPPORTED:
        return "unsupported";
    case TSR_ERROR_NO_DEVICE:
        return "no device";
    case TSR_ERROR_HOST_MEMORY:
        return "host memory";
    case TSR_ERROR_DEVICE_MEMORY:
        return "device memory";
    case TSR_ERROR_COMPILE:
        return "compile";
    case TSR_ERROR_DEVICE_LOST:
        return "device lost";
    case TSR_ERROR_FILE:
        return "file";
    case TSR_ERROR_CANCELLED:
        return "cancelled";
    case TSR_ERROR_INTERNAL:
        return "internal";
    }
    return "unknown";
}
