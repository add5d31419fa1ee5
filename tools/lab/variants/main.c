/* Prepares every operation as users do, for one device, and runs nothing: its compiler builds the kernels, and an instrument beside it
 * (tools/lab/layer for Vulkan) looks at what came out.
 *
 * tessera-lab-variants [--quick] [--list] [--filter TEXT] --recipes FOLDER DEVICE
 * Writes a JSON line for each variant: its name, seconds, and the error where it could not be prepared. Exits with 1 if there were any. */
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include "variants.h"

bool lab_begin(lab *l, bool quick, const char *format, ...)
{
    va_list args;
    va_start(args, format);
    vsnprintf(l->variant, sizeof(l->variant), format, args);
    va_end(args);
    if ((l->quick && !quick) || (l->filter && !strstr(l->variant, l->filter))) return false;
    if (l->list) {
        puts(l->variant);
        return false;
    }
    l->begun = tsr_now();
    return true;
}

static void print_text(const char *text)
{
    for (; *text; text++) {
        if (*text == '"' || *text == '\\') putchar('\\');
        putchar((unsigned char)*text < 0x20 ? ' ' : *text);
    }
}

void lab_end(lab *l, tsr_status status)
{
    printf("{\"variant\": \"%s\", \"seconds\": %.3f", l->variant, tsr_now() - l->begun);
    if (status != TSR_OK) {
        printf(", \"error\": \"%s: ", tsr_status_name(status));
        print_text(tsr_last_error());
        putchar('"');
        l->failures++;
    }
    puts("}");
    fflush(stdout);
}

int main(int argc, char **argv)
{
    lab l = {0};
    const char *device = NULL;
    for (int i = 1; i < argc; i++) {
        if (strcmp(argv[i], "--quick") == 0)
            l.quick = true;
        else if (strcmp(argv[i], "--list") == 0)
            l.list = true;
        else if (strcmp(argv[i], "--filter") == 0 && i + 1 < argc)
            l.filter = argv[++i];
        else if (strcmp(argv[i], "--recipes") == 0 && i + 1 < argc)
            l.recipes = argv[++i];
        else
            device = argv[i];
    }
    if (!device || !l.recipes) {
        fputs("usage: tessera-lab-variants [--quick] [--list] [--filter TEXT] --recipes FOLDER DEVICE\n", stderr);
        return 2;
    }
    const tsr_context_desc desc = {.cache_dir = ""};
    tsr_context *ctx;
    tsr_status status = tsr_context_create(&desc, &ctx);
    if (status == TSR_OK) status = tsr_device_open(ctx, device, NULL, &l.dev);
    if (status == TSR_OK) {
        lab_watch(&l);
        lab_attention(&l);
        lab_decode(&l);
        lab_streams(&l);
        lab_flows(&l);
        if (!l.list) puts("{\"variant\": \"all\"}"); /* drivers have been seen to end the process */
        tsr_device_destroy(l.dev);
    } else {
        fprintf(stderr, "tessera-lab-variants: %s: %s\n", device, tsr_last_error());
        l.failures++;
    }
    tsr_context_destroy(ctx);
    return l.failures > 0;
}
