/* What tessera attend shows of the map of probabilities: sums by key and block, and chosen rows. */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>

#include "attend.h"
#include "tessera/tessera_probe.h"

/* Whole numbers apart by commas: up to room of them into out (NULL: only counted); -1: no such text. */
static int64_t parse_list(const char *text, int64_t *out, int64_t room)
{
    int64_t count = 0;
    for (const char *at = text;; at++) {
        char *end;
        errno = 0;
        const long long value = strtoll(at, &end, 10);
        if (end == at || errno || value < 0 || (*end && *end != ',')) return -1;
        if (out && count < room) out[count] = value;
        count++;
        if (!*end) return count;
        at = end;
    }
}

bool attend_looks(const attend *a) { return a->key_sums || a->block_sums || a->map_rows; }

bool attend_probe_options(attend *a)
{
    if (a->block_sums && (parse_list(a->block_sums, a->blocks, 2) != 2 || !a->blocks[0] || !a->blocks[1])) {
        cli_error(ATTEND_NAME, EXIT_INPUT, "argument --block-sums is '%s'; expected QUERIES,KEYS, each 1 or more", a->block_sums);
        return false;
    }
    if (a->map_rows && (a->row_count = parse_list(a->map_rows, NULL, 0)) < 0) {
        cli_error(ATTEND_NAME, EXIT_INPUT, "argument --map-rows is '%s'; expected indices of queries, apart by commas", a->map_rows);
        return false;
    }
    return true;
}

static int64_t blocks_of(int64_t tokens, int64_t size) { return tokens / size + (tokens % size != 0); }

int attend_probe(attend *a)
{
    if (!attend_looks(a)) return -1;
    int64_t *rows = malloc(((size_t)a->row_count + 1) * sizeof(*rows));
    if (!rows) return cli_error(ATTEND_NAME, EXIT_INPUT, "not enough memory for %lld rows", (long long)a->row_count);
    if (a->map_rows) parse_list(a->map_rows, rows, a->row_count);
    const tsr_probe_desc desc = {.attention = a->desc,
                                 .key_sums = (uint32_t)a->key_sums,
                                 .block_q = a->blocks[0],
                                 .block_k = a->blocks[1],
                                 .rows = a->map_rows ? rows : NULL,
                                 .row_count = (uint64_t)a->row_count};
    const int64_t b = a->desc.q.shape[0], h = a->desc.q.shape[1], nq = a->desc.q.shape[2], nk = a->desc.k.shape[2];
    const int64_t shapes[ATTEND_LOOKS][4] = {{b, h, nk, 0},
                                             {b, h, a->block_sums ? blocks_of(nq, a->blocks[0]) : 0, a->block_sums ? blocks_of(nk, a->blocks[1]) : 0},
                                             {b, h, a->row_count, nk}};
    static const char *const names[ATTEND_LOOKS] = {"key_sums", "block_sums", "map_rows"};
    const bool wanted[ATTEND_LOOKS] = {a->key_sums, a->block_sums, a->map_rows};
    tsr_probe *probe = NULL;
    tsr_status s = tsr_probe_prepare(a->device.dev, &desc, &probe);
    for (int i = 0; i < ATTEND_LOOKS && s == TSR_OK; i++) {
        if (!wanted[i]) continue;
        tsr_tensor_view *const look = &a->looks[i];
        *look = (tsr_tensor_view){.name = names[i], .dtype = TSR_F32, .rank = i ? 4 : 3, .size = 4};
        for (uint32_t axis = 0; axis < look->rank; axis++) look->size *= (uint64_t)(look->shape[axis] = shapes[i][axis]);
        s = tsr_buffer_create(a->device.dev, look->size, &a->look_buffers[i]);
    }
    tsr_buffer **const in = a->buffers, **const out = a->look_buffers;
    const tsr_probe_args args = {.q = {in[0], 0},
                                 .k = {in[1], 0},
                                 .bias = {in[3], 0},
                                 .mask = {in[4], 0},
                                 .lse = {in[7], 0},
                                 .key_sums = {out[0], 0},
                                 .block_sums = {out[1], 0},
                                 .rows = {out[2], 0}};
    if (s == TSR_OK) s = tsr_probe_run(probe, &args);
    if (s == TSR_OK) s = tsr_device_wait(a->device.dev);
    tsr_probe_destroy(probe);
    free(rows);
    return s == TSR_OK ? -1 : cli_fail(ATTEND_NAME, s);
}
