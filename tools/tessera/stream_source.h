/* Endless tokens for tessera stream: the tensors of a file, or random ones, over and over, in chunks. */
#ifndef STREAM_SOURCE_H
#define STREAM_SOURCE_H

#include "cli.h"
#include "tessera/tessera_stream.h"

typedef struct stream_source {
    tsr_dtype dtype;
    int64_t tokens; /* before they begin again; a multiple of a chunk */
    int64_t batch, heads_q, heads_kv, d, dv;
    tsr_buffer *q, *k, *v; /* [batch, heads, tokens, channels], packed */
    int64_t chunk;         /* tokens */
    uint8_t *kinds;        /* [chunk] */
    int64_t *positions;    /* [chunk, axes], or NULL: by the grid */
    int64_t next, clock;   /* the next token; the time that it has */
} stream_source;

/* The shapes of a file's q, k and v, [B,H,N,D]; false: an error was printed. */
bool stream_source_shapes(stream_source *s, const tsr_tensors *file);

/* What lies in the buffers: the file's tensors, or normal numbers where file is NULL. -1: done; else the exit code. */
int stream_source_fill(stream_source *s, tsr_device *dev, const tsr_tensors *file, uint64_t seed);

/* What a chunk is made of: `frames` frames of each kind, of desc's frame sizes. false: no memory. */
bool stream_source_chunks(stream_source *s, const tsr_stream_desc *desc, int64_t frames);

/* The next chunk, as queries too. */
void stream_source_next(stream_source *s, const tsr_stream_desc *desc, tsr_buffer *out, tsr_stream_tokens *tokens, tsr_stream_queries *queries);

void stream_source_free(stream_source *s);

#endif
