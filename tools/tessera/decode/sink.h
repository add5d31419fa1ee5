/* Where decoded frames go: one interface, a file for each format. */
#ifndef SINK_H
#define SINK_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>

/* What is known before the first frame. */
typedef struct sink_desc {
    const char *path; /* "-": standard output */
    uint32_t width, height;
    uint64_t frames; /* to come; 0: not known */
    int fps, crf;    /* crf: as of libx264, 0 (lossless) to 51 */
    int chroma;      /* 444 or 420; 0: the format's own */
    bool rgb24;      /* pipes: bytes of RGB, in place of .y4m */
} sink_desc;

/* How a sink ends. PART: what was written stays, playable, under another name; s->kept tells it. */
typedef enum sink_end { SINK_WHOLE, SINK_PART, SINK_NOTHING } sink_end;

typedef struct sink sink;

/* Every format fills write and finish. write takes fp32 [3][H][W] in [0,1]; finish completes and closes what was opened (unless NOTHING is to
 * stay) and frees state; names are given after it. false: error says why. */
struct sink {
    bool (*write)(sink *self, const float *frame);
    bool (*finish)(sink *self, sink_end end);
    bool (*name)(sink *self, sink_end end); /* gives what was written its name, or takes it away; NULL: that of one file */
    sink_desc desc;
    bool direct, closed; /* direct: a pipe or a device, written as it is; closed: its reader went away */
    FILE *file;          /* of the formats that write one in order */
    char *temporary, *kept;
    char error[256];
    void *state;
};

/* The format follows from the ending. NULL: error says what was expected, or why the format cannot hold the frames. */
sink *sink_open(const sink_desc *desc, char *error, size_t error_size);
/* false: s->error. */
bool sink_close(sink *s, sink_end end);
void sink_free(sink *s);

/* Is there a format for this ending (or "-")? */
bool sink_known(const char *path);
/* Is it a pipe or a device, to be written as it is? */
bool sink_direct(const char *path);

bool sink_open_y4m(sink *s);
bool sink_open_rgb24(sink *s);
bool sink_open_png(sink *s);
bool sink_open_video(sink *s);
bool sink_open_tensors(sink *s);

/* For formats: the file s->file, opened; its end, with what was written on the disk. */
bool sink_open_file(sink *s);
bool sink_close_file(sink *s);
/* Writes to s->file; notes a reader that went away. */
bool sink_put(sink *s, const void *bytes, size_t size);
/* "clip.part.mp4" of "clip.mp4"; malloc'd. */
char *sink_part_name(const char *path);

/* Rounds to 8 bits, interleaved RGB. */
void sink_to_rgb8(const sink_desc *desc, const float *frame, uint8_t *rgb);

#endif
