/* A pool of threads that share out the workgroups of one dispatch. */
#include "pool.h"

#include <pthread.h>
#include <sched.h>
#include <stdbool.h>
#include <stdlib.h>
#include <unistd.h>

enum { MAX_THREADS = 256, SCRATCH_ALIGN = 4096 };

typedef struct hk_worker {
    hk_pool *pool;
    pthread_t thread;
    void *scratch;
} hk_worker;

struct hk_pool {
    pthread_mutex_t lock;
    pthread_cond_t start, done;
    unsigned threads; /* workers[0] is the caller's */
    unsigned running; /* workers still in this round */
    uint64_t round;
    bool quit;
    size_t scratch_size;
    void (*work)(const void *job, uint32_t index, void *scratch);
    const void *job;
    uint32_t first, count;
    atomic_uint_fast64_t next; /* 64 bits: threads may step past count */
    const atomic_bool *stop;   /* NULL: none */
    hk_worker workers[MAX_THREADS];
};

static unsigned usable_threads(void)
{
    long n = 0;
#ifdef __linux__
    cpu_set_t set;
    if (sched_getaffinity(0, sizeof(set), &set) == 0) n = CPU_COUNT(&set);
#endif
    if (n < 1) n = sysconf(_SC_NPROCESSORS_ONLN);
    return n < 1 ? 1 : n > MAX_THREADS ? MAX_THREADS : (unsigned)n;
}

static void share_work(hk_pool *pool, void *scratch)
{
    for (;;) {
        const uint64_t i = atomic_fetch_add(&pool->next, 1);
        if (i >= pool->count || (pool->stop && atomic_load_explicit(pool->stop, memory_order_relaxed))) return;
        pool->work(pool->job, pool->first + (uint32_t)i, scratch);
    }
}

static void *worker_main(void *arg)
{
    hk_worker *self = arg;
    hk_pool *pool = self->pool;
    uint64_t seen = 0;
    pthread_mutex_lock(&pool->lock);
    for (;;) {
        while (!pool->quit && pool->round == seen) pthread_cond_wait(&pool->start, &pool->lock);
        if (pool->quit) break;
        seen = pool->round;
        pthread_mutex_unlock(&pool->lock);
        share_work(pool, self->scratch);
        pthread_mutex_lock(&pool->lock);
        if (--pool->running == 0) pthread_cond_signal(&pool->done);
    }
    pthread_mutex_unlock(&pool->lock);
    return NULL;
}

hk_pool *hk_pool_create(void)
{
    hk_pool *pool = calloc(1, sizeof(*pool));
    if (!pool) return NULL;
    pthread_mutex_init(&pool->lock, NULL);
    pthread_cond_init(&pool->start, NULL);
    pthread_cond_init(&pool->done, NULL);
    pool->threads = 1;
    const unsigned wanted = usable_threads();
    while (pool->threads < wanted) {
        hk_worker *w = &pool->workers[pool->threads];
        w->pool = pool;
        if (pthread_create(&w->thread, NULL, worker_main, w) != 0) break; /* fewer threads will do */
        pool->threads++;
    }
    return pool;
}

void hk_pool_destroy(hk_pool *pool)
{
    if (!pool) return;
    pthread_mutex_lock(&pool->lock);
    pool->quit = true;
    pthread_cond_broadcast(&pool->start);
    pthread_mutex_unlock(&pool->lock);
    for (unsigned i = 0; i < pool->threads; i++) {
        if (i > 0) pthread_join(pool->workers[i].thread, NULL);
        free(pool->workers[i].scratch);
    }
    pthread_cond_destroy(&pool->start);
    pthread_cond_destroy(&pool->done);
    pthread_mutex_destroy(&pool->lock);
    free(pool);
}

int hk_pool_reserve(hk_pool *pool, size_t size)
{
    if (size <= pool->scratch_size) return 1;
    size = (size + SCRATCH_ALIGN - 1) / SCRATCH_ALIGN * SCRATCH_ALIGN;
    for (unsigned i = 0; i < pool->threads; i++) {
        void *scratch = NULL;
        if (posix_memalign(&scratch, SCRATCH_ALIGN, size) != 0) return 0;
        free(pool->workers[i].scratch);
        pool->workers[i].scratch = scratch;
    }
    pool->scratch_size = size;
    return 1;
}

void hk_pool_run(hk_pool *pool, void (*work)(const void *job, uint32_t index, void *scratch), const void *job, uint32_t first, uint32_t count)
{
    pthread_mutex_lock(&pool->lock);
    pool->work = work;
    pool->job = job;
    pool->first = first;
    pool->count = count;
    atomic_store(&pool->next, 0);
    const bool alone = count < 2;
    if (!alone) {
        pool->running = pool->threads - 1;
        pool->round++;
        pthread_cond_broadcast(&pool->start);
    }
    pthread_mutex_unlock(&pool->lock);
    share_work(pool, pool->workers[0].scratch);
    if (alone) return;
    pthread_mutex_lock(&pool->lock);
    while (pool->running > 0) pthread_cond_wait(&pool->done, &pool->lock);
    pthread_mutex_unlock(&pool->lock);
}

void hk_pool_stop_at(hk_pool *pool, const atomic_bool *stop) { pool->stop = stop; }

unsigned hk_pool_threads(const hk_pool *pool) { return pool->threads; }
