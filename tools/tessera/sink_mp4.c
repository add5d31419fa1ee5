/* MP4 through an ffmpeg found on the PATH at run time: raw frames go into its standard input. */
#include <errno.h>
#include <fcntl.h>
#include <spawn.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#include "sink.h"

extern char **environ;

typedef struct mp4_state {
    pid_t child;
    int pipe;
    uint8_t *rgb;
} mp4_state;

static bool mp4_write(sink *s, const float *frame)
{
    mp4_state *m = s->state;
    sink_to_rgb8(&s->desc, frame, m->rgb);
    const size_t size = (size_t)s->desc.width * s->desc.height * 3;
    for (size_t at = 0; at < size;) {
        const ssize_t n = write(m->pipe, m->rgb + at, size - at);
        if (n < 0 && errno == EINTR) continue;
        if (n <= 0) return snprintf(s->error, sizeof(s->error), "ffmpeg stopped reading"), false;
        at += (size_t)n;
    }
    return true;
}

static bool mp4_close(sink *s, bool whole)
{
    mp4_state *m = s->state;
    close(m->pipe);
    int status = 0;
    while (waitpid(m->child, &status, 0) < 0 && errno == EINTR) continue;
    bool ok = WIFEXITED(status) && WEXITSTATUS(status) == 0;
    if (!ok) snprintf(s->error, sizeof(s->error), "ffmpeg failed (status %d); a .y4m output needs no ffmpeg", status);
    if (ok && whole && rename(s->temporary, s->desc.path) != 0) {
        ok = false;
        snprintf(s->error, sizeof(s->error), "%s", strerror(errno));
    }
    if (!ok || !whole) unlink(s->temporary);
    free(m->rgb);
    free(m);
    return ok;
}

/* The child reads the pipe, and is kept out of our terminal's signals by its own process group. */
static bool start_ffmpeg(sink *s, mp4_state *m)
{
    char size[32], rate[16];
    snprintf(size, sizeof(size), "%ux%u", s->desc.width, s->desc.height);
    snprintf(rate, sizeof(rate), "%d", s->desc.fps);
    char *target = malloc(strlen(s->temporary) + 6); /* else a colon in the name would make it a protocol */
    if (!target) return snprintf(s->error, sizeof(s->error), "no memory"), false;
    sprintf(target, "file:%s", s->temporary);
    const char *const argv[] = {"ffmpeg",
                                "-nostdin",
                                "-loglevel",
                                "error",
                                "-y",
                                "-f",
                                "rawvideo",
                                "-pix_fmt",
                                "rgb24",
                                "-s",
                                size,
                                "-r",
                                rate,
                                "-i",
                                "-",
                                "-vf",
                                "pad=ceil(iw/2)*2:ceil(ih/2)*2",
                                "-pix_fmt",
                                "yuv420p",
                                "-movflags",
                                "+faststart",
                                target,
                                NULL};
    int ends[2];
    if (pipe2(ends, O_CLOEXEC) != 0) {
        free(target);
        return false;
    }
    posix_spawn_file_actions_t actions;
    posix_spawnattr_t attributes;
    posix_spawn_file_actions_init(&actions);
    posix_spawn_file_actions_adddup2(&actions, ends[0], 0);
    posix_spawnattr_init(&attributes);
    posix_spawnattr_setflags(&attributes, POSIX_SPAWN_SETPGROUP);
    const int error = posix_spawnp(&m->child, "ffmpeg", &actions, &attributes, (char *const *)argv, environ);
    posix_spawn_file_actions_destroy(&actions);
    posix_spawnattr_destroy(&attributes);
    free(target);
    close(ends[0]);
    m->pipe = ends[1];
    if (error == 0) return true;
    close(ends[1]);
    snprintf(s->error, sizeof(s->error), "ffmpeg is not there (%s); a .y4m output needs none", strerror(error));
    return false;
}

bool sink_open_mp4(sink *s)
{
    mp4_state *m = calloc(1, sizeof(*m));
    if (!m) return false;
    m->rgb = malloc((size_t)s->desc.width * s->desc.height * 3);
    if (!m->rgb || !start_ffmpeg(s, m)) {
        free(m->rgb);
        free(m);
        return false;
    }
    s->state = m;
    s->write = mp4_write;
    s->close = mp4_close;
    return true;
}
