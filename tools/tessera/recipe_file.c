/* Finds and reads recipes. */
#include "recipe_file.h"

#include <errno.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "cli.h"

enum { RECIPE_MAX = 1 << 26 };

/* Names without a slash are looked up beside the command, where it was built or installed. */
static FILE *open_installed(const char *family, const char *name)
{
    static const char *const places[] = {"recipes", "../share/tessera/recipes"};
    char folder[PATH_MAX], path[PATH_MAX * 2];
    const ssize_t length = readlink("/proc/self/exe", folder, sizeof(folder) - 1);
    if (length < 1 || strchr(name, '/')) return NULL;
    folder[length] = '\0';
    char *slash = strrchr(folder, '/');
    if (slash) *slash = '\0';
    for (int i = 0; i < 2; i++) {
        snprintf(path, sizeof(path), "%s/%s/%s%s.json", folder, places[i], family, name);
        FILE *file = fopen(path, "rb");
        if (file) return file;
    }
    return NULL;
}

char *recipe_file_read(const char *command, const char *name) { return recipe_file_read_of(command, "", name); }

char *recipe_file_read_of(const char *command, const char *family, const char *name)
{
    struct stat st;
    FILE *file = stat(name, &st) == 0 && S_ISREG(st.st_mode) ? fopen(name, "rb") : open_installed(family, name);
    if (!file) {
        cli_error(command, EXIT_INPUT, "recipe '%s' is neither a file that can be read nor the name of an installed recipe", name);
        return NULL;
    }
    char *text = NULL;
    if (fstat(fileno(file), &st) != 0 || st.st_size > RECIPE_MAX)
        cli_error(command, EXIT_INPUT, "recipe '%s' has %lld bytes; expected at most %d", name, (long long)st.st_size, RECIPE_MAX);
    else if (!(text = malloc((size_t)st.st_size + 1)))
        cli_error(command, EXIT_INPUT, "no memory for recipe '%s'", name);
    else {
        const size_t size = fread(text, 1, (size_t)st.st_size, file);
        text[size] = '\0';
        if (size != (size_t)st.st_size || strlen(text) != size) {
            cli_error(command, EXIT_INPUT, "recipe '%s' %s", name, size != (size_t)st.st_size ? strerror(errno) : "has a NUL byte");
            free(text);
            text = NULL;
        }
    }
    fclose(file);
    return text;
}

int recipe_fail(const char *command, tsr_status status)
{
    const int code = cli_fail(command, status);
    return status == TSR_ERROR_COMPILE ? EXIT_INPUT : code;
}

bool recipe_parse_axes(const char *command, const char *option, const char *text, int64_t axes[3])
{
    for (int i = 0; i < 3; i++) axes[i] = text ? 1 : 0;
    if (!text) return true;
    long long n[3];
    int used[3] = {0, 0, 0};
    const int count = sscanf(text, "%lld%n,%lld%n,%lld%n", &n[0], &used[0], &n[1], &used[1], &n[2], &used[2]);
    if (count < 1 || text[used[count - 1]]) {
        cli_error(command, EXIT_INPUT, "argument %s is '%s'; expected T,H,W, each 1 or more", option, text);
        return false;
    }
    for (int i = 0; i < count; i++) {
        if (n[i] < 1) {
            cli_error(command, EXIT_INPUT, "argument %s is '%s'; expected T,H,W, each 1 or more", option, text);
            return false;
        }
        axes[3 - count + i] = n[i];
    }
    return true;
}
