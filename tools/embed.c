/* Build-time tool: turns kernel texts and SPIR-V into C arrays.
 *
 *   embed flatten IN.k OUT [PREAMBLE] resolves #include "..." once each, with #line; behind the text of PREAMBLE
 *   embed bytes IN OUT.h NAME         char NAME[], NUL-terminated
 *   embed words IN OUT.h NAME         uint32_t NAME[] */
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { MAX_FILES = 64, MAX_PATH_LENGTH = 4096, MAX_LINE = 4096 };

static char seen[MAX_FILES][MAX_PATH_LENGTH];
static int seen_count;

static void die(const char *what, const char *which)
{
    fprintf(stderr, "embed: %s: %s\n", what, which);
    exit(1);
}

/* dir of base + relative, with "x/.." folded so that one file has one name */
static void join(char *out, const char *base, const char *relative)
{
    const char *slash = strrchr(base, '/');
    const int length = slash ? (int)(slash - base + 1) : 0;
    if (snprintf(out, MAX_PATH_LENGTH, "%.*s%s", length, base, relative) >= MAX_PATH_LENGTH) die("path too long", relative);
    char *up;
    while ((up = strstr(out, "/../"))) {
        char *start = up;
        while (start > out && start[-1] != '/') start--;
        memmove(start, up + 4, strlen(up + 4) + 1);
    }
}

/* Headers come once; #line makes a compiler's errors name the file that was written. */
static void flatten(const char *path, FILE *out)
{
    for (int i = 0; i < seen_count; i++)
        if (strcmp(seen[i], path) == 0) return;
    if (seen_count == MAX_FILES) die("too many includes at", path);
    snprintf(seen[seen_count++], MAX_PATH_LENGTH, "%s", path);
    FILE *in = fopen(path, "r");
    if (!in) die("cannot read", path);
    char line[MAX_LINE], target[MAX_LINE], resolved[MAX_PATH_LENGTH];
    fprintf(out, "#line 1 \"%s\"\n", path);
    for (int number = 1; fgets(line, sizeof(line), in); number++) {
        if (!strchr(line, '\n') && !feof(in)) die("line too long in", path);
        if (sscanf(line, " #include \"%[^\"]\"", target) != 1) {
            fputs(line, out);
            continue;
        }
        join(resolved, path, target);
        /* The C header is never compiled from flattened text. */
        if (strcmp(target, "c.h") != 0) flatten(resolved, out);
        fprintf(out, "#line %d \"%s\"\n", number + 1, path);
    }
    fclose(in);
}

static unsigned char *read_all(const char *path, size_t *size)
{
    FILE *in = fopen(path, "rb");
    if (!in) die("cannot read", path);
    unsigned char *data = NULL;
    size_t room = 0;
    *size = 0;
    for (;;) {
        if (*size == room) {
            room = room ? 2 * room : 65536;
            data = realloc(data, room);
            if (!data) die("no memory for", path);
        }
        const size_t n = fread(data + *size, 1, room - *size, in);
        if (n == 0) break;
        *size += n;
    }
    fclose(in);
    return data;
}

static void copy(const char *path, FILE *out)
{
    size_t size;
    unsigned char *data = read_all(path, &size);
    if (fwrite(data, 1, size, out) != size) die("cannot copy", path);
    free(data);
}

static void write_array(const char *path, const char *target, const char *name, int words)
{
    size_t size;
    unsigned char *data = read_all(path, &size);
    FILE *out = fopen(target, "w");
    if (!out) die("cannot write", target);
    if (words) {
        fprintf(out, "#include <stdint.h>\nstatic const uint32_t %s[] = {", name);
        for (size_t i = 0; i + 4 <= size; i += 4) {
            uint32_t word;
            memcpy(&word, data + i, 4);
            fprintf(out, "%s0x%08xu,", i / 4 % 8 ? "" : "\n", (unsigned)word);
        }
        fprintf(out, "\n};\n");
    } else {
        fprintf(out, "static const char %s[] = {", name);
        for (size_t i = 0; i < size; i++) fprintf(out, "%s%d,", i % 20 ? "" : "\n", data[i]);
        fprintf(out, "0\n};\n");
    }
    if (fclose(out) != 0) die("cannot write", target);
    free(data);
}

int main(int argc, char **argv)
{
    if (argc >= 4 && strcmp(argv[1], "flatten") == 0) {
        FILE *out = fopen(argv[3], "w");
        if (!out) die("cannot write", argv[3]);
        if (argc > 4) copy(argv[4], out);
        flatten(argv[2], out);
        if (fclose(out) != 0) die("cannot write", argv[3]);
        return 0;
    }
    if (argc == 5 && (strcmp(argv[1], "bytes") == 0 || strcmp(argv[1], "words") == 0)) {
        write_array(argv[2], argv[3], argv[4], argv[1][0] == 'w');
        return 0;
    }
    fprintf(stderr, "usage: embed flatten IN OUT [PREAMBLE] | embed bytes|words IN OUT NAME\n");
    return 2;
}
