/* The results of tessera bench as JSON: an array, each row whole in itself. */
#include "bench.h"

cJSON *bench_json_row(bench *b, const char *what)
{
    const tsr_device_info *info = tsr_device_info_of(b->device.dev);
    cJSON *o = cJSON_CreateObject();
    cJSON_AddItemToArray(b->json_rows, o);
    cJSON_AddStringToObject(o, "date", b->date);
    cJSON_AddStringToObject(o, "tool", "tessera");
    cJSON_AddStringToObject(o, "tool_version", tsr_version());
    cJSON_AddStringToObject(o, "device", info->id);
    cJSON_AddStringToObject(o, "device_name", info->name);
    cJSON_AddStringToObject(o, "driver", info->driver);
    cJSON_AddStringToObject(o, "driver_version", info->version);
    cJSON_AddNumberToObject(o, "peak_gflops_per_second", b->peak / 1e9);
    cJSON_AddNumberToObject(o, "matrix_peak_gflops_per_second", b->matrix / 1e9);
    cJSON_AddNumberToObject(o, "copy_gbytes_per_second", b->copy / 1e9);
    cJSON_AddStringToObject(o, "case", what);
    return o;
}

void bench_json_times(cJSON *o, const bench_times *t, double flops, double peak)
{
    const double rate = flops / t->median;
    cJSON_AddNumberToObject(o, "seconds_first", t->first);
    cJSON_AddNumberToObject(o, "seconds_median", t->median);
    cJSON_AddNumberToObject(o, "spread", t->spread);
    cJSON_AddItemToObject(o, "seconds", cJSON_CreateDoubleArray(t->seconds, t->count));
    cJSON_AddNumberToObject(o, "gflops", flops / 1e9);
    cJSON_AddNumberToObject(o, "gflops_per_second", rate / 1e9);
    cJSON_AddNumberToObject(o, "share_of_peak", rate / peak);
}

static void add_side(cJSON *o, const bench_result *r, const bench_side *s)
{
    cJSON_AddStringToObject(o, "kv_dtype", s->kv_dtype);
    if (s->failure[0]) {
        cJSON_AddStringToObject(o, "failure", s->failure);
        return;
    }
    bench_json_times(o, &s->times, r->flops, r->peak);
    cJSON_AddNumberToObject(o, "error", s->error);
    cJSON_AddNumberToObject(o, "error_allowed", s->tolerance);
    cJSON_AddBoolToObject(o, "wrong", bench_is_wrong(s));
}

static void add_peer(cJSON *list, const bench_result *r, const bench_side *p)
{
    cJSON *o = cJSON_CreateObject();
    cJSON_AddItemToArray(list, o);
    cJSON_AddStringToObject(o, "name", p->name);
    cJSON_AddStringToObject(o, "version", p->version);
    cJSON_AddStringToObject(o, "device", p->device);
    if (bench_ratio(r, p) > 0)
        cJSON_AddNumberToObject(o, "ratio_ours_to_peer", bench_ratio(r, p));
    else
        cJSON_AddNullToObject(o, "ratio_ours_to_peer");
    add_side(o, r, p);
}

void bench_json_result(bench *b, const bench_result *r)
{
    char what[160];
    bench_label(r, what, sizeof(what));
    cJSON *o = bench_json_row(b, what);
    cJSON_AddNumberToObject(o, "batch", (double)r->shape.batch);
    cJSON_AddNumberToObject(o, "heads", (double)r->shape.heads);
    cJSON_AddNumberToObject(o, "queries", (double)r->shape.queries);
    cJSON_AddNumberToObject(o, "keys", (double)r->shape.keys);
    cJSON_AddNumberToObject(o, "head_dim", (double)r->shape.dim);
    cJSON_AddStringToObject(o, "dtype", r->dtype);
    cJSON_AddBoolToObject(o, "causal", r->causal);
    cJSON_AddNumberToObject(o, "seed", (double)r->seed);
    cJSON_AddStringToObject(o, "kernel", r->kernel);
    cJSON_AddNumberToObject(o, "share_of_roof", r->flops / r->ours.times.median / r->roof);
    cJSON_AddNumberToObject(o, "bytes", r->bytes);
    cJSON_AddNumberToObject(o, "gbytes_per_second", r->bytes / r->ours.times.median / 1e9);
    add_side(o, r, &r->ours);
    cJSON *list = cJSON_AddArrayToObject(o, "peers");
    for (int i = 0; i < r->peer_count; i++) add_peer(list, r, &r->peers[i]);
}

bool bench_json_write(const bench *b, FILE *file)
{
    char *text = cJSON_Print(b->json_rows);
    const bool ok = text && fputs(text, file) >= 0 && fputc('\n', file) >= 0;
    cJSON_free(text);
    return ok;
}
