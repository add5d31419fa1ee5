/* PNG files by libpng. */
#include "png_file.h"

#include <png.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#include "cli.h"

bool png_file_write(const char *path, const uint8_t *rgb, uint32_t width, uint32_t height, char *error, size_t error_size)
{
    png_image image = {.version = PNG_IMAGE_VERSION, .width = width, .height = height, .format = PNG_FORMAT_RGB};
    char *temp = cli_temporary(path);
    const bool ok = temp && png_image_write_to_file(&image, temp, 0, rgb, 0, NULL) != 0;
    if (!ok) {
        snprintf(error, error_size, "%s", image.message[0] ? image.message : "cannot be written");
        if (temp) unlink(temp);
    }
    free(temp);
    return ok;
}

bool png_file_finish(const char *path, const char *target)
{
    char *temp = path ? cli_temporary(path) : NULL;
    const bool ok = temp && (target ? rename(temp, target) : unlink(temp)) == 0;
    free(temp);
    return ok;
}
