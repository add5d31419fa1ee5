/* The file under a video. See video_file.h. */
#include "decode/video_file.h"

#ifdef TESSERA_LIBAV

#include <errno.h>
#include <fcntl.h>
#include <libavformat/avio.h>
#include <libavutil/error.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

struct video_file {
    int fd, reserve; /* reserve -1: given back */
    int error;
    bool full;
};

video_file *video_file_open(const char *path, uint64_t reserve, char *error, size_t error_size)
{
    video_file *f = calloc(1, sizeof(*f));
    const size_t size = strlen(path) + 8;
    char *beside = malloc(size);
    int code = f && beside ? 0 : ENOMEM;
    if (f) f->fd = f->reserve = -1;
    if (code == 0) {
        snprintf(beside, size, "%s.room", path);
        f->fd = open(path, O_RDWR | O_CREAT | O_TRUNC | O_CLOEXEC, 0666);
        f->reserve = f->fd >= 0 ? open(beside, O_RDWR | O_CREAT | O_EXCL | O_CLOEXEC, 0600) : -1;
        if (f->fd < 0 || f->reserve < 0) code = errno;
        if (f->reserve >= 0) {
            unlink(beside); /* its blocks stay taken while it is open */
            if (code == 0) code = posix_fallocate(f->reserve, 0, (off_t)reserve);
        }
    }
    free(beside);
    if (code == 0) return f;
    snprintf(error, error_size, "%s", strerror(code));
    if (f) {
        if (f->reserve >= 0) close(f->reserve);
        if (f->fd >= 0) close(f->fd);
        unlink(path);
    }
    free(f);
    return NULL;
}

int video_file_close(video_file *f)
{
    int error = f->error;
    if (f->reserve >= 0) close(f->reserve);
    if (close(f->fd) != 0 && !error) error = errno;
    free(f);
    return error;
}

bool video_file_full(const video_file *f) { return f->full; }

#if LIBAVFORMAT_VERSION_MAJOR >= 61
int video_file_write(void *file, const uint8_t *bytes, int size)
#else
int video_file_write(void *file, uint8_t *bytes, int size)
#endif
{
    video_file *f = file;
    for (int at = 0; at < size;) {
        const ssize_t n = write(f->fd, bytes + at, (size_t)(size - at));
        if (n > 0)
            at += (int)n;
        else if (n < 0 && errno == EINTR)
            continue;
        else if (n < 0 && (errno == ENOSPC || errno == EDQUOT) && f->reserve >= 0) {
            close(f->reserve);
            f->reserve = -1;
            f->full = true;
        } else
            return f->error = n < 0 ? errno : EIO, AVERROR(f->error);
    }
    return size;
}

int64_t video_file_seek(void *file, int64_t offset, int whence)
{
    const video_file *f = file;
    struct stat st;
    if (whence & AVSEEK_SIZE) return fstat(f->fd, &st) == 0 ? st.st_size : AVERROR(errno);
    const off_t at = lseek(f->fd, offset, whence & ~AVSEEK_FORCE);
    return at >= 0 ? at : AVERROR(errno);
}

#endif
