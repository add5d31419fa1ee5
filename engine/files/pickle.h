/* Python pickles, as far as tensors need them: data alone. Nothing is imported and nothing called: what a pickle names goes to a reader, which
 * knows a few names and refuses all others. Values, memory and time are bounded by the pickle's length. */
#ifndef TSR_PICKLE_H
#define TSR_PICKLE_H

#include "tensors.h"

typedef enum tsr_pickle_kind {
    TSR_PICKLE_NONE,
    TSR_PICKLE_BOOL,
    TSR_PICKLE_INT,
    TSR_PICKLE_OTHER, /* a fraction, or a whole number beyond 64 bits */
    TSR_PICKLE_TEXT,
    TSR_PICKLE_TUPLE,
    TSR_PICKLE_LIST,
    TSR_PICKLE_DICT,
    TSR_PICKLE_NAME,   /* the reader's, by index */
    TSR_PICKLE_OBJECT, /* the reader's: what a persistent id stands for, or a name was called with. index is the reader's, first the tuple */
    TSR_PICKLE_MARK
} tsr_pickle_kind;

typedef struct tsr_pickle_value {
    uint32_t kind;
    uint32_t index;
    union {
        int64_t integer;
        struct {
            uint32_t at, length; /* of the pickle's bytes */
        } text;
        struct {
            uint32_t first, last; /* cells; a dictionary's are key, value, key, value */
        } items;
    };
} tsr_pickle_value;

typedef struct tsr_pickle_cell {
    uint32_t value, next; /* 0: the end */
} tsr_pickle_cell;

typedef struct tsr_pickle tsr_pickle;

/* Of a file; a tensor takes about thirty. */
enum { TSR_PICKLE_VALUES = 1 << 21 };

#define TSR_PICKLE_FAIL(p, format, ...) TSR_FILE_FAIL((p)->file, "the pickle " format " (at byte %zu)", __VA_ARGS__, (p)->opcode)
/* For what is refused and may be well meant: with the way to convert. */
#define TSR_PICKLE_REFUSE(p, format, ...)                                                                                                            \
    TSR_FILE_FAIL((p)->file,                                                                                                                         \
                  "the pickle " format ", which is no part of a tensor and is not run (at byte %zu); if you trust the file, convert it: "            \
                  "python3 -c \"import sys, torch; from safetensors.torch import save_file; "                                                        \
                  "save_file(torch.load(sys.argv[1], 'cpu', weights_only=False), sys.argv[2])\" IN OUT.safetensors",                                 \
                  __VA_ARGS__, (p)->opcode)

/* How the reader sees names and calls. Errors begin with the file's path. */
typedef struct tsr_pickle_reader {
    tsr_status (*name)(tsr_pickle *p, const char *module, size_t module_length, const char *name, size_t name_length, uint32_t *index);
    /* The value made of a persistent id (a tuple), or by calling a name with a tuple. */
    tsr_status (*persistent)(tsr_pickle *p, uint32_t id, uint32_t *value);
    tsr_status (*call)(tsr_pickle *p, uint32_t name, uint32_t arguments, uint32_t *value);
} tsr_pickle_reader;

struct tsr_pickle {
    const tsr_tensors *file;
    const tsr_pickle_reader *reader;
    const unsigned char *bytes;
    size_t size, at, opcode; /* opcode: where the current one lies */
    tsr_pickle_value *values;
    tsr_pickle_cell *cells;
    uint32_t *stack, *memo;
    uint32_t value_count, value_room, cell_count, cell_room, depth, stack_room, memo_count, memo_room;
};

/* Runs one pickle from p->at on; its value is *result. The caller frees. */
tsr_status tsr_pickle_run(tsr_pickle *p, uint32_t *result);
void tsr_pickle_free(tsr_pickle *p);

/* One more of count elements fits, or the limit is told. */
tsr_status tsr_pickle_grow(tsr_pickle *p, void **array, size_t size, uint32_t count, uint32_t *room);
/* A new item of a container. */
tsr_status tsr_pickle_append(tsr_pickle *p, uint32_t container, uint32_t value);
/* A new value; the reader fills it. */
tsr_status tsr_pickle_add(tsr_pickle *p, tsr_pickle_kind kind, uint32_t *value);
/* Cells of a tuple, list or dictionary into out; false: another kind, or not least to most of them. *count may be NULL. */
bool tsr_pickle_items(const tsr_pickle *p, uint32_t value, tsr_pickle_kind kind, uint32_t least, uint32_t most, uint32_t *out, uint32_t *count);
/* The text of a value; NULL: no text. Not terminated. */
const char *tsr_pickle_text(const tsr_pickle *p, uint32_t value, size_t *length);

#endif
