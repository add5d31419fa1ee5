/* Reads NumPy's .npy files, versions 1 to 3: a header in the form of a Python dictionary, then one array. */
#include <ctype.h>
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#include "tensors.h"

#define FAIL TSR_FILE_FAIL

typedef struct cursor {
    const char *at, *end;
} cursor;

static const struct {
    char kind;
    size_t size;
    tsr_dtype dtype;
} types[] = {{'f', 4, TSR_F32}, {'f', 2, TSR_F16}, {'f', 8, TSR_F64}, {'u', 1, TSR_U8}, {'b', 1, TSR_U8},
             {'i', 1, TSR_I8},  {'i', 2, TSR_I16}, {'i', 4, TSR_I32}, {'i', 8, TSR_I64}};

static void blanks(cursor *c)
{
    while (c->at < c->end && isspace((unsigned char)*c->at)) c->at++;
}

static bool take(cursor *c, const char *text)
{
    blanks(c);
    const size_t n = strlen(text);
    if ((size_t)(c->end - c->at) < n || memcmp(c->at, text, n) != 0) return false;
    c->at += n;
    return true;
}

/* A string in single or double quotes, without escapes, of at most size - 1 characters. */
static bool take_string(cursor *c, char *out, size_t size)
{
    blanks(c);
    if (c->at == c->end || (*c->at != '\'' && *c->at != '"')) return false;
    const char quote = *c->at++;
    size_t n = 0;
    while (c->at < c->end && *c->at != quote && *c->at != '\\' && isprint((unsigned char)*c->at) && n + 1 < size) out[n++] = *c->at++;
    out[n] = '\0';
    return c->at < c->end && *c->at++ == quote;
}

static tsr_status take_shape(const tsr_tensors *file, cursor *c, tsr_tensor_view *view)
{
    bool comma = true, ok = take(c, "(");
    while (ok && !take(c, ")")) {
        int64_t n = 0;
        blanks(c);
        ok = comma && c->at < c->end && isdigit((unsigned char)*c->at);
        for (; ok && c->at < c->end && isdigit((unsigned char)*c->at); c->at++) ok = tsr_mul(n, 10, &n) && tsr_add(n, *c->at - '0', &n);
        if (ok && view->rank == TSR_MAX_RANK) return FAIL(file, "has more than %d axes", TSR_MAX_RANK);
        if (ok) view->shape[view->rank++] = n;
        comma = take(c, ",");
    }
    return ok ? TSR_OK : FAIL(file, "%s", "has a 'shape' that is no list of whole numbers");
}

static tsr_status take_type(const tsr_tensors *file, const char *descr, tsr_tensor_view *view)
{
    const size_t size = strlen(descr) == 3 ? (size_t)(descr[2] - '0') : 0;
    if (descr[0] == '>') return FAIL(file, "has numbers of type '%s', big-endian; save array.astype('<f4')", descr);
    for (size_t i = 0; i < sizeof(types) / sizeof(types[0]); i++)
        if (size == types[i].size && descr[1] == types[i].kind && strchr("<|=", descr[0])) {
            view->dtype = types[i].dtype;
            return TSR_OK;
        }
    return FAIL(file, "has numbers of type '%s'; expected <f4, <f2, <f8 or integers", descr);
}

static tsr_status read_header(const tsr_tensors *file, cursor c, tsr_tensor_view *view)
{
    unsigned seen = 0;
    bool more = take(&c, "{");
    while (more && !take(&c, "}")) {
        char key[32], descr[32];
        if (!take_string(&c, key, sizeof(key)) || !take(&c, ":")) break;
        static const char *const keys[] = {"descr", "fortran_order", "shape"};
        unsigned bit = 0;
        while (bit < 3 && strcmp(key, keys[bit]) != 0) bit++;
        if (bit == 3 || seen >> bit & 1) return FAIL(file, "has an unknown or second '%s' in its header", key);
        seen |= 1u << bit;
        tsr_status status = TSR_OK;
        if (bit == 0)
            status = take_string(&c, descr, sizeof(descr)) ? take_type(file, descr, view)
                                                           : FAIL(file, "%s", "has no single type of numbers; expected <f4, <f2, <f8 or integers");
        else if (bit == 2)
            status = take_shape(file, &c, view);
        else if (take(&c, "True"))
            status = FAIL(file, "%s", "is in Fortran's order; save numpy.ascontiguousarray(array)");
        else if (!take(&c, "False"))
            status = FAIL(file, "%s", "has a 'fortran_order' that is neither True nor False");
        if (status != TSR_OK) return status;
        more = take(&c, ",") || (c.at < c.end && *c.at == '}');
    }
    blanks(&c);
    if (seen != 7 || c.at != c.end) return FAIL(file, "%s", "has a header that is no dictionary of descr, fortran_order and shape");
    return TSR_OK;
}

tsr_status tsr_npy_read(tsr_tensors *file)
{
    const unsigned char *map = file->map;
    const unsigned version = map[6];
    const size_t fixed = version == 1 ? 10 : 12;
    if (version < 1 || version > 3) return FAIL(file, "has version %u of the .npy format; expected 1 to 3", version);
    if (file->map_size < fixed) return FAIL(file, "has %zu bytes (truncated?)", file->map_size);
    uint64_t length = map[8] | (uint64_t)map[9] << 8;
    if (version > 1) length |= (uint64_t)map[10] << 16 | (uint64_t)map[11] << 24;
    if (length > file->map_size - fixed)
        return FAIL(file, "the header's length is %" PRIu64 "; only %zu bytes follow (truncated?)", length, file->map_size - fixed);
    tsr_tensor_view *view = file->views = calloc(1, sizeof(*view));
    if (!view) return tsr_fail(TSR_ERROR_HOST_MEMORY, "%s: no memory for its array", file->path);
    const char *text = (const char *)map + fixed;
    const tsr_status status = read_header(file, (cursor){text, text + length}, view);
    if (status != TSR_OK) return status;
    const size_t there = file->map_size - fixed - (size_t)length;
    if (!tsr_tensors_size(view, &view->size)) return FAIL(file, "%s", "has a shape whose bytes do not fit 64 bits");
    if (view->size != there) return FAIL(file, "has %zu bytes of data; its shape and type need %" PRIu64, there, view->size);
    view->name = "array";
    view->data = text + length;
    file->count = 1;
    return TSR_OK;
}
