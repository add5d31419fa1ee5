/* Writes a result file of tessera bench whole or not at all. */
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "bench.h"

bool bench_save(const bench *b, const char *path, bool (*write)(const bench *, FILE *))
{
    char *temp = cli_temporary(path);
    errno = temp ? 0 : ENOMEM;
    FILE *file = temp ? fopen(temp, "w") : NULL;
    bool ok = file && write(b, file);
    if (file) ok = fclose(file) == 0 && ok;
    ok = ok && rename(temp, path) == 0;
    if (!ok) cli_error("bench", EXIT_INPUT, "output '%s' cannot be written: %s", path, errno ? strerror(errno) : "no memory");
    if (!ok && temp) remove(temp);
    free(temp);
    return ok;
}
