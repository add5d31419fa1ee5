/* Reads values from a recipe's JSON, and remembers where it is, so that errors name the place. */
#ifndef TSR_READER_H
#define TSR_READER_H

#include <cjson/cJSON.h>
#include <stdbool.h>

#include "backend.h"

/* Whole numbers in recipes: sums and products of two fit 64 bits. */
#define TSR_RECIPE_MAX (INT64_C(1) << 30)

/* The fallback of a value that has to be there. */
#define TSR_REQUIRED INT64_MIN

/* Once something failed, everything returns fallbacks and the first error stays. */
typedef struct tsr_reader {
    tsr_status status;
    char path[768]; /* "set.union[1].window", cut off where it is longer */
    size_t length;
    const char *text; /* what is read, so that errors name lines; NULL: they do not */
    size_t text_size;
    double (*formula)(void *user, const char *text); /* the number that a string stands for; NULL: strings are no numbers */
    void *user;
} tsr_reader;

/* One step down the path; returns what tsr_reader_leave takes. */
size_t tsr_reader_enter(tsr_reader *r, const char *key);
size_t tsr_reader_enter_index(tsr_reader *r, size_t index);
void tsr_reader_leave(tsr_reader *r, size_t length);

/* "line LINE: PATH TEXT", as TSR_ERROR_FILE. */
void tsr_reader_fail(tsr_reader *r, const char *format, ...) __attribute__((format(printf, 2, 3)));

/* What the library just said, behind the path. */
void tsr_reader_pass(tsr_reader *r, tsr_status status);

/* "null", "a list", ...: what an item is, for errors. */
const char *tsr_reader_kind(const cJSON *item);

/* A whole number from lo to hi; why, or "", is appended to the error. */
int64_t tsr_reader_whole(tsr_reader *r, const cJSON *item, int64_t lo, int64_t hi, const char *why);

/* The members of one object: asked for by name, and none may be left over. */
enum { TSR_FIELDS_MAX = 24 };
typedef struct tsr_fields {
    tsr_reader *r;
    const cJSON *object;
    const char *names[TSR_FIELDS_MAX];
    int count;
} tsr_fields;

tsr_fields tsr_fields_open(tsr_reader *r, const cJSON *object);
const cJSON *tsr_fields_get(tsr_fields *f, const char *name); /* NULL: not there */
bool tsr_fields_has(const tsr_fields *f, const char *name);
int64_t tsr_fields_whole(tsr_fields *f, const char *name, int64_t lo, int64_t hi, int64_t fallback);
double tsr_fields_number(tsr_fields *f, const char *name, double fallback); /* within fp32's range */
bool tsr_fields_flag(tsr_fields *f, const char *name, bool fallback);

/* The index of a string among choices (NULL-terminated). */
int tsr_fields_choice(tsr_fields *f, const char *name, const char *const *choices, int fallback);

/* A key that was not asked for, or is there twice, is an error. */
void tsr_fields_close(tsr_fields *f);

/* A string, or a list of strings as lines; malloc'd. NULL: failed. */
char *tsr_reader_text(tsr_reader *r, const cJSON *item);

/* A list of at least one whole number from lo to hi; malloc'd. NULL: failed. */
int64_t *tsr_reader_list(tsr_reader *r, const cJSON *item, int64_t lo, int64_t hi, size_t *count);

#endif
