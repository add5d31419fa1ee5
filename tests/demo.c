/* The demo's latent, decoded on a device: like PyTorch to 1e-3, and at least 27 dB from the clip itself.
 *   demo FOLDER DEVICE [LATENTS]     77: the device is not there */
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "tessera/tessera.h"
#include "tessera/tessera_decode.h"

static tsr_tensors *files[4];
static tsr_tensor_view views[5];

static int fail(const char *what)
{
    fprintf(stderr, "%s: %s\n", what, tsr_last_error());
    return 1;
}

static int load(const char *folder)
{
    static const char *const names[4] = {"weights", "latent", "clip", "reference"}, *const keys[5] = {NULL, "latent", "frames", "frames", "index"};
    for (int i = 0; i < 5; i++) {
        char path[512];
        snprintf(path, sizeof(path), "%s/%s.safetensors", folder, names[i < 4 ? i : 3]);
        if (i < 4 && tsr_tensors_open(path, &files[i]) != TSR_OK) return fail(path);
        if (keys[i] && tsr_tensors_find(files[i < 4 ? i : 3], keys[i], &views[i]) != TSR_OK) return fail(path);
    }
    return 0;
}

int main(int argc, char **argv)
{
    if (argc < 3 || load(argv[1])) return 1;
    tsr_context *ctx = NULL;
    tsr_device *dev = NULL;
    tsr_decoder *dec = NULL;
    if (tsr_context_create(NULL, &ctx) != TSR_OK) return fail("context");
    const tsr_status opened = tsr_device_open(ctx, argv[2], NULL, &dev);
    if (opened == TSR_ERROR_NO_DEVICE) return printf("skipped: %s\n", tsr_last_error()), 77;
    if (opened != TSR_OK || tsr_decoder_create(dev, files[0], NULL, &dec) != TSR_OK) return fail("device or decoder");
    const size_t channels = (size_t)views[1].shape[1], all = (size_t)views[1].shape[2], plane = (size_t)(views[1].shape[3] * views[1].shape[4]),
                 pixels = 3 * 64 * plane;
    const size_t latents = argc > 3 && strtoul(argv[3], NULL, 10) < all ? strtoul(argv[3], NULL, 10) : all;
    float *in = malloc(channels * plane * sizeof(float)), *out = malloc(pixels * sizeof(float));
    const tsr_clip clip = {.height = (uint32_t)views[1].shape[3], .width = (uint32_t)views[1].shape[4], .latents = latents};
    if (!in || !out || tsr_decoder_start(dec, &clip) != TSR_OK) return fail("start");
    double worst = 0, square = 0;
    size_t frame = 0, compared = 0;
    for (size_t t = 0; t <= latents; t++) {
        for (size_t c = 0; c < channels && t < latents; c++)
            memcpy(in + c * plane, (const float *)views[1].data + (c * all + t) * plane, plane * sizeof(float));
        if ((t < latents ? tsr_decoder_push(dec, in) : tsr_decoder_finish(dec)) != TSR_OK) return fail("push or finish");
        for (int got = 1;; frame++) {
            if (tsr_decoder_pull(dec, out, &got) != TSR_OK) return fail("pull");
            if (!got) break;
            for (size_t i = 0; i < pixels; i++) {
                const double e = (double)out[i] - ((const uint8_t *)views[2].data)[frame * pixels + i] / 255.0;
                square += e * e;
            }
            for (int64_t r = 0; r < views[4].shape[0]; r++) {
                if ((size_t)((const int32_t *)views[4].data)[r] != frame) continue;
                compared++;
                for (size_t i = 0; i < pixels; i++) {
                    const double e = fabs((double)out[i] - (double)((const float *)views[3].data)[(size_t)r * pixels + i]);
                    if (!(e <= worst)) worst = e;
                }
            }
        }
    }
    const double psnr = -10 * log10(square / (double)(frame * pixels));
    printf("%s: %zu frames, %.2f dB from the clip (27 wanted), %.1e from PyTorch in %zu frames (1e-3 allowed)\n", tsr_device_info_of(dev)->id, frame,
           psnr, worst, compared);
    const int failed = !(psnr >= 27) || !(worst <= 1e-3) || compared == 0 || frame != 4 * (latents - 1) + 1;
    free(in);
    free(out);
    tsr_decoder_destroy(dec);
    tsr_device_destroy(dev);
    tsr_context_destroy(ctx);
    for (int i = 0; i < 4; i++) tsr_tensors_close(files[i]);
    return failed;
}
