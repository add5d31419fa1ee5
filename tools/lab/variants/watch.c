/* A backend that tells which kernel is being built, and else is the one that it stands before. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "variants.h"

static const tsr_backend *behind;
static tsr_backend before;
static const lab *watching;

static tsr_status kernel_create(bk_device *dev, const bk_kernel_desc *desc, bk_kernel **out)
{
    const bk_kernel_source *source = desc->source;
    char label[2048];
    size_t at = (size_t)snprintf(label, sizeof(label), "%s\t%s%s\t%s\t", watching->variant, source->name, desc->user ? "+user" : "",
                                 tsr_tile_name(source->tile));
    for (uint32_t i = 0; i < source->spec_count && at < sizeof(label); i++)
        at += (size_t)snprintf(label + at, sizeof(label) - at, "%s%s=%d", i ? " " : "", source->spec_names[i], desc->specs[i]);
    setenv("TESSERA_LAB_LABEL", label, 1);
    return behind->kernel_create(dev, desc, out);
}

void lab_watch(lab *l)
{
    behind = l->dev->backend;
    before = *behind;
    before.kernel_create = kernel_create;
    watching = l;
    l->dev->backend = &before;
}
