/* The public face of decoders. */
#include "tessera/tessera_decode.h"

#include "net.h"

#define NOT_YET tsr_fail(TSR_ERROR_UNSUPPORTED, "decoders are being rebuilt")

tsr_status tsr_decoder_create(tsr_device *dev, const tsr_tensors *weights, const tsr_decoder_desc *desc, tsr_decoder **out)
{
    (void)dev, (void)weights, (void)desc, (void)out;
    return NOT_YET;
}
void tsr_decoder_destroy(tsr_decoder *dec) { (void)dec; }
tsr_status tsr_decoder_get_info(const tsr_decoder *dec, tsr_decoder_info *out)
{
    (void)dec, (void)out;
    return NOT_YET;
}
uint64_t tsr_decoder_frames(const tsr_decoder *dec, uint64_t n)
{
    (void)dec;
    return n;
}
tsr_status tsr_decoder_plan_clip(tsr_decoder *dec, const tsr_clip *clip, tsr_decoder_plan *out)
{
    (void)dec, (void)clip, (void)out;
    return NOT_YET;
}
tsr_status tsr_decoder_start(tsr_decoder *dec, const tsr_clip *clip)
{
    (void)dec, (void)clip;
    return NOT_YET;
}
tsr_status tsr_decoder_push(tsr_decoder *dec, const float *latent)
{
    (void)dec, (void)latent;
    return NOT_YET;
}
tsr_status tsr_decoder_finish(tsr_decoder *dec)
{
    (void)dec;
    return NOT_YET;
}
tsr_status tsr_decoder_pull(tsr_decoder *dec, float *frame, int *got)
{
    (void)dec, (void)frame, (void)got;
    return NOT_YET;
}
void tsr_decoder_set_progress(tsr_decoder *dec, int (*progress)(void *, double), void *user) { (void)dec, (void)progress, (void)user; }
tsr_status tsr_decoder_get_layer(const tsr_decoder *dec, uint32_t index, const tsr_clip *clip, tsr_decoder_layer *out)
{
    (void)dec, (void)index, (void)clip, (void)out;
    return NOT_YET;
}
