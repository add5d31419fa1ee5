/* Weight files of the Wan line's architecture, with any widths and all zeros in them. */
#ifndef WAN_FILE_H
#define WAN_FILE_H

#include <stdbool.h>

#include "tessera/tessera.h"

enum { WAN_TENSORS = 400, WAN_LEVELS = 4 };

typedef struct wan_tensor {
    char name[112];
    int64_t shape[5];
    uint32_t rank;
    tsr_dtype dtype;
} wan_tensor;

typedef struct wan_file {
    wan_tensor tensors[WAN_TENSORS];
    size_t count;
} wan_file;

typedef struct wan_desc {
    const char *prefix;
    bool diffusers; /* names of diffusers, else the original ones */
    bool wan22;
    int64_t latent, widths[WAN_LEVELS], last; /* channels: of latents, of levels from the latent on, of the last layer */
} wan_desc;

void wan_make(wan_file *file, const wan_desc *desc); /* the decoder's tensors */
void wan_add(wan_file *file, const char *name, tsr_dtype dtype, uint32_t rank, const int64_t *shape);
/* Index of the tensor of that name; file->count if there is none. */
size_t wan_find(const wan_file *file, const char *name);
tsr_status wan_save(const wan_file *file, const char *path);

#endif
