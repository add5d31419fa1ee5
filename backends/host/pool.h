/* A pool of threads that share out the workgroups of one dispatch. */
#ifndef TSR_HOST_POOL_H
#define TSR_HOST_POOL_H

#include <stdatomic.h>
#include <stddef.h>
#include <stdint.h>

typedef struct hk_pool hk_pool;

/* As many threads as this process may use, the caller among them. NULL: no memory. */
hk_pool *hk_pool_create(void);
void hk_pool_destroy(hk_pool *pool);

/* Gives every thread at least size bytes of scratch, aligned for vectors. 0: no memory. */
int hk_pool_reserve(hk_pool *pool, size_t size);

/* Once *stop is set, threads begin no more of the work that they were called for. NULL: never. */
void hk_pool_stop_at(hk_pool *pool, const atomic_bool *stop);

/* Calls work(job, index, scratch) for every index in [first, first + count), in any order, and returns
 * when all are done. One caller at a time. */
void hk_pool_run(hk_pool *pool, void (*work)(const void *job, uint32_t index, void *scratch), const void *job, uint32_t first, uint32_t count);

unsigned hk_pool_threads(const hk_pool *pool);

#endif
