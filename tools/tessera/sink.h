/* Where decoded frames go: one interface, a file for each format. */
#ifndef SINK_H
#define SINK_H

#include <stdbool.h>
#include <stdint.h>

/* What is known before the first frame. */
typedef struct sink_desc {
    const char *path;
    uint32_t width, height, frames; /* frames to come */
    int fps;
} sink_desc;

typedef struct sink sink;

/* Every format fills these. write takes fp32 [3][H][W] in [0,1]; close finishes the file if whole is
 * true and removes what there is if not, and frees the sink. false: error says why. */
struct sink {
    bool (*write)(sink *self, const float *frame);
    bool (*close)(sink *self, bool whole);
    sink_desc desc;
    char *temporary;
    char error[256];
    void *state;
};

/* The format follows from the ending: .y4m .png .safetensors .mp4. NULL: error says what was expected. */
sink *sink_open(const sink_desc *desc, char *error, unsigned error_size);

/* Is there a format for this ending? */
bool sink_known(const char *path);

bool sink_open_y4m(sink *s);
bool sink_open_png(sink *s);
bool sink_open_mp4(sink *s);
bool sink_open_tensors(sink *s);

/* Rounds to 8 bits, interleaved RGB. */
void sink_to_rgb8(const sink_desc *desc, const float *frame, uint8_t *rgb);

#endif
