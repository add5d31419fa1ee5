/* The file under a video: with a reserve of disk, given back when it fills, so that what was written can be completed. */
#ifndef VIDEO_FILE_H
#define VIDEO_FILE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

typedef struct video_file video_file;

/* NULL: error. */
video_file *video_file_open(const char *path, uint64_t reserve, char *error, size_t error_size);
/* 0, or the first error's number. */
int video_file_close(video_file *f);
/* Has the reserve been touched? */
bool video_file_full(const video_file *f);

/* As libavformat calls them. */
#ifdef TESSERA_LIBAV
#include <libavformat/version.h>
#if LIBAVFORMAT_VERSION_MAJOR >= 61
int video_file_write(void *file, const uint8_t *bytes, int size);
#else
int video_file_write(void *file, uint8_t *bytes, int size);
#endif
int64_t video_file_seek(void *file, int64_t offset, int whence);
#endif

#endif
