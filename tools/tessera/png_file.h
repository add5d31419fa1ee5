/* PNG files of RGB pixels, written under a temporary name until they are whole. */
#ifndef PNG_FILE_H
#define PNG_FILE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* false: error says why, and nothing is left behind. */
bool png_file_write(const char *path, const uint8_t *rgb, uint32_t width, uint32_t height, char *error, size_t error_size);

/* Gives what was written for path the name of target (path itself, once it is whole), or takes it away (NULL). path NULL: false. */
bool png_file_finish(const char *path, const char *target);

#endif
