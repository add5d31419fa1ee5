/* Opens the OpenCL ICD loader at run time, so that a program starts on a machine without it. */
#include <dlfcn.h>
#include <string.h>

#include "internal.h"

static bool fetch(void *library, const char *name, void *slot)
{
    void *symbol = dlsym(library, name);
    memcpy(slot, &symbol, sizeof(symbol)); /* ISO C has no cast from an object to a function pointer */
    return symbol != NULL;
}

bool cl_load(cl_table *table, void **library)
{
    static const char *const names[] = {"libOpenCL.so.1", "libOpenCL.so", "libOpenCL.dylib"};
    *library = NULL;
    /* NODELETE: drivers keep threads and lists, which an unloaded loader would crash or leak. */
    for (size_t i = 0; i < sizeof(names) / sizeof(names[0]) && !*library; i++) *library = dlopen(names[i], RTLD_NOW | RTLD_LOCAL | RTLD_NODELETE);
    if (!*library) return false;
    bool ok = true;
#define CL_FETCH(name) ok = fetch(*library, #name, &table->name) && ok;
    CL_FUNCTIONS(CL_FETCH)
#undef CL_FETCH
    if (!ok) {
        dlclose(*library);
        *library = NULL;
    }
    return ok;
}

void cl_unload(void *library)
{
    if (library) dlclose(library);
}
