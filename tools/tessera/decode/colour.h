/* RGB to luma and chroma of 8 bits, and back. */
#ifndef COLOUR_H
#define COLOUR_H

#include <stdbool.h>
#include <stdint.h>

/* Rounds to the nearest of 0 to 255; NaN is 0. */
static inline uint8_t colour_byte(float x) { return (uint8_t)(!(x > 0.0f) ? 0 : x >= 255.0f ? 255 : (int)(x + 0.5f)); }

/* BT.709 is for frames of high definition, BT.601 for smaller ones: what players assume where no tag says it. */
bool colour_is_709(uint32_t width, uint32_t height);

/* fp32 [3][H][W] in [0,1] to three planes with pitches in bytes. chroma 444: each pixel; 420: half in both directions (rounded up), samples
 * beside the left pixels of each pair and between its rows. */
void colour_planes(const float *frame, uint32_t width, uint32_t height, int chroma, uint8_t *const planes[3], const int pitches[3]);

/* Back, from planes without padding; full: 0 to 255 is the range. centred: chroma lies between the pixels of a pair, as in JPEG. */
void colour_frame(const uint8_t *const planes[3], uint32_t width, uint32_t height, int chroma, bool full, bool centred, float *frame);

#endif
