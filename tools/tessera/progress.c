/* What the terminal shows while the work goes on; nothing where standard error is none. */
#include <errno.h>
#include <pthread.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include "cli.h"

static double start = -1, last;

/* Of the thread that waits. */
static pthread_mutex_t lock = PTHREAD_MUTEX_INITIALIZER;
static pthread_cond_t ended = PTHREAD_COND_INITIALIZER;
static pthread_t watcher;
static bool watching;
static unsigned long told; /* lines of others since it began */
static char waited[200];
static bool shown;

static void show(const char *line)
{
    fprintf(stderr, "\r%s \033[K", line);
    fflush(stderr);
    shown = true;
}

static void clear(void)
{
    if (shown) fprintf(stderr, "\r\033[K");
    shown = false;
}

void cli_progress(const char *what, double done)
{
    const double now = cli_now();
    if (start < 0) start = now;
    if (!isatty(2) || now - start < 1 || now - last < 0.1) return;
    last = now;
    const double left = done > 0 ? (now - start) / done * (1 - done) : 0;
    char line[256], share[48] = "";
    if (done >= 0) snprintf(share, sizeof(share), " %3.0f %%, %.0f s left", done * 100, left);
    snprintf(line, sizeof(line), "%.200s%s", what, share);
    pthread_mutex_lock(&lock);
    told++;
    show(line);
    pthread_mutex_unlock(&lock);
}

static void *watch(void *user)
{
    (void)user;
    const double since = cli_now();
    pthread_mutex_lock(&lock);
    while (watching) {
        struct timespec until;
        char line[256];
        const unsigned long before = told;
        clock_gettime(CLOCK_REALTIME, &until);
        until.tv_sec++;
        if (pthread_cond_timedwait(&ended, &lock, &until) != ETIMEDOUT || !watching || told != before) continue;
        snprintf(line, sizeof(line), "%s%s (%.0f s)", cli_interrupted() ? "interrupted; still " : "", waited, cli_now() - since);
        show(line);
    }
    pthread_mutex_unlock(&lock);
    return NULL;
}

void cli_waits(const char *what)
{
    cli_waits_end();
    if (!isatty(2)) return;
    snprintf(waited, sizeof(waited), "%s", what);
    /* Signals are for the thread that works. */
    sigset_t all, before;
    sigfillset(&all);
    pthread_sigmask(SIG_SETMASK, &all, &before);
    watching = true;
    if (pthread_create(&watcher, NULL, watch, NULL) != 0) watching = false;
    pthread_sigmask(SIG_SETMASK, &before, NULL);
}

void cli_waits_first(const cli_device *d)
{
    const tsr_device_info *info = tsr_device_info_of(d->dev);
    char what[160];
    snprintf(what, sizeof(what), "waiting for %s, which compiles kernels when they first run", info->id);
    if (!d->quiet && strcmp(info->backend, "host") != 0) cli_waits(what);
}

void cli_waits_end(void)
{
    pthread_mutex_lock(&lock);
    const bool was = watching;
    watching = false;
    pthread_cond_signal(&ended);
    pthread_mutex_unlock(&lock);
    if (!was) return;
    pthread_join(watcher, NULL);
    clear();
}

void cli_progress_end(void)
{
    cli_waits_end();
    clear();
    start = -1;
}
