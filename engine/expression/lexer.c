/* Cuts an expression's text into words; any bytes will do. */
#include <math.h>

#include "lexer.h"

static bool is_digit(char c) { return c >= '0' && c <= '9'; }
static bool is_letter(char c) { return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || c == '_'; }

bool tsr_is_name(const char *text, size_t length)
{
    bool right = length > 0 && is_letter(text[0]);
    for (size_t i = 1; i < length && right; i++) right = is_letter(text[i]) || is_digit(text[i]);
    return right;
}

static void step(tsr_lexer *l)
{
    const unsigned char c = (unsigned char)*l->at++;
    if (c == '\n') {
        l->line++;
        l->column = 1;
    } else if ((c & 0xc0) != 0x80) { /* not a later byte of a character */
        l->column++;
    }
}

static void skip_blanks(tsr_lexer *l)
{
    bool comment = false;
    for (; l->at < l->end; step(l)) {
        const char c = *l->at;
        if (c == '#') comment = true;
        if (c == '\n') comment = false;
        if (!comment && c != ' ' && c != '\t' && c != '\r' && c != '\n') return;
    }
}

static char peek(const tsr_lexer *l) { return l->at < l->end ? *l->at : '\0'; }

static void bad(tsr_token *out, const char *expected)
{
    out->kind = TSR_TOKEN_BAD;
    out->expected = expected;
}

/* Digits as a whole number times a power of ten. strtod would read the locale's decimal point. */
typedef struct decimal {
    uint64_t digits;
    int exponent;
    bool any, overflow;
} decimal;

static void read_digits(tsr_lexer *l, decimal *d, int scale)
{
    for (; is_digit(peek(l)); step(l)) {
        const uint64_t digit = (uint64_t)(*l->at - '0');
        d->any = true;
        if (d->digits > (UINT64_MAX - digit) / 10) {
            d->overflow = true;
            d->exponent += scale + 1; /* the digits beyond 19 only scale */
        } else if (!d->overflow) {
            d->digits = d->digits * 10 + digit;
            d->exponent += scale;
        } else {
            d->exponent += scale + 1;
        }
    }
}

static void read_number(tsr_lexer *l, tsr_token *out)
{
    enum { LARGEST = 100000 };
    decimal d = {0};
    bool real = false;
    read_digits(l, &d, 0);
    if (peek(l) == '.') {
        real = true;
        step(l);
        read_digits(l, &d, -1);
    }
    if (!d.any) {
        bad(out, "digits beside the point");
        return;
    }
    if (peek(l) == 'e' || peek(l) == 'E') {
        real = true;
        step(l);
        const bool negative = peek(l) == '-';
        if (negative || peek(l) == '+') step(l);
        if (!is_digit(peek(l))) {
            bad(out, "digits after the exponent's e");
            return;
        }
        int e = 0;
        for (; is_digit(peek(l)); step(l)) e = e < LARGEST ? e * 10 + (*l->at - '0') : LARGEST;
        d.exponent += negative ? -e : e;
    }
    out->number = d.digits == 0 ? 0 : (double)((long double)d.digits * powl(10.0L, d.exponent));
    if (is_letter(peek(l))) {
        bad(out, "a number that ends before the letter");
    } else if (real) {
        out->kind = TSR_TOKEN_REAL;
        out->real = (float)((long double)d.digits * powl(10.0L, d.exponent));
        if (d.digits == 0) out->real = 0.0f;
        if (!isfinite(out->real)) bad(out, "a number within the range of fp32");
    } else if (d.overflow || d.digits > INT64_MAX) {
        bad(out, "a whole number below 2^63");
    } else {
        out->kind = TSR_TOKEN_WHOLE;
        out->whole = (int64_t)d.digits;
    }
}

static void read_sign(tsr_lexer *l, tsr_token *out)
{
    static const char single[] = "()[],;?:=<>+-*/%!";
    const char c = *l->at;
    step(l);
    const char next = peek(l);
    const bool doubled = (next == '=' && (c == '=' || c == '!' || c == '<' || c == '>')) || (c == next && (c == '&' || c == '|'));
    out->kind = TSR_TOKEN_SIGN;
    out->sign = TSR_SIGN(c, doubled ? next : 0);
    if (doubled) {
        step(l);
        return;
    }
    for (const char *s = single; *s; s++)
        if (c == *s) return;
    bad(out, c == '&' ? "'&&'" : c == '|' ? "'||'" : "a number, a name or an operator");
}

void tsr_lexer_next(tsr_lexer *l, tsr_token *out)
{
    skip_blanks(l);
    *out = (tsr_token){.kind = TSR_TOKEN_END, .line = l->line, .column = l->column, .text = l->at};
    if (l->at == l->end) return;
    if (is_digit(*l->at) || *l->at == '.') {
        read_number(l, out);
    } else if (is_letter(*l->at)) {
        out->kind = TSR_TOKEN_NAME;
        while (is_letter(peek(l)) || is_digit(peek(l))) step(l);
    } else {
        read_sign(l, out);
    }
    out->length = (size_t)(l->at - out->text);
}
