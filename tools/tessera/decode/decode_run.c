/* The loop of tessera decode: latents in, frames out as they are ready. */
#include <stdio.h>

#include "decode/decode.h"

/* Between layers: the line on the terminal, and whether to go on. */
static int on_progress(void *user, double share)
{
    const decode *d = user;
    char what[64];
    const double seconds = cli_now() - d->started;
    snprintf(what, sizeof(what), "decode: frame %llu, %.2f frames/s,", (unsigned long long)d->frames_done,
             seconds > 0 ? (double)d->frames_done / seconds : 0);
    const double frames = d->latent.frames ? (double)tsr_decoder_frames(d->decoder, d->latent.frames) : 0, done = (double)d->frames_done + share;
    if (!d->device.quiet) cli_progress(what, frames > 0 ? (done < frames ? done / frames : 1) : -1);
    return cli_interrupted();
}

static int pull_frames(decode *d)
{
    for (int got = 1, code; !cli_interrupted();) {
        const tsr_status s = tsr_decoder_pull(d->decoder, d->out, &got);
        if (s != TSR_OK) return cli_interrupted() ? -1 : cli_fail(DECODE_NAME, s);
        if (!got) break;
        if (d->frames_done == 0) {
            d->first_frame = cli_now() - d->started;
            cli_waits_end();
        }
        if ((code = decode_write(d)) >= 0) return code;
    }
    return -1;
}

/* -1: all is decoded; EXIT_DONE: nobody reads on. */
static int decode_all(decode *d)
{
    int code, got;
    tsr_status s;
    while (!cli_interrupted()) {
        if ((code = latent_frame(DECODE_NAME, &d->latent, d->latents_done, d->in, &got)) >= 0) return code;
        if (!got) break;
        if (d->frames_done == 0) cli_waits_first(&d->device);
        s = tsr_decoder_push(d->decoder, d->in);
        if (s != TSR_OK) return cli_interrupted() ? -1 : cli_fail(DECODE_NAME, s);
        d->latents_done++;
        if ((code = pull_frames(d)) >= 0) return code;
        cli_waits_end(); /* a stream's next latent may take its time */
    }
    if (cli_interrupted()) return -1;
    if (d->latents_done == 0) return cli_error(DECODE_NAME, EXIT_INPUT, "the stream of latents ended before its first frame");
    if (d->frames_done == 0) cli_waits_first(&d->device);
    if ((s = tsr_decoder_finish(d->decoder)) != TSR_OK) return cli_interrupted() ? -1 : cli_fail(DECODE_NAME, s);
    return pull_frames(d);
}

/* An endless stream ends with Ctrl-C or its reader: what there is, is whole. A clip that is interrupted leaves nothing; one that fails leaves the
 * part that plays. */
int decode_latents(decode *d)
{
    tsr_decoder_set_progress(d->decoder, on_progress, d);
    d->started = cli_now();
    const int code = decode_all(d);
    d->seconds = cli_now() - d->started;
    tsr_decoder_set_progress(d->decoder, NULL, NULL);
    cli_progress_end();
    const bool endless = d->latent.stream >= 0, interrupted = cli_interrupted();
    const int closed = decode_close_sinks(d, interrupted && !endless           ? SINK_NOTHING
                                             : code > 0 && d->frames_done == 0 ? SINK_NOTHING
                                             : code > 0                        ? SINK_PART
                                                                               : SINK_WHOLE);
    if (interrupted)
        return endless ? cli_error(DECODE_NAME, EXIT_INTERRUPTED, "interrupted after %llu frames", (unsigned long long)d->frames_done)
                       : cli_error(DECODE_NAME, EXIT_INTERRUPTED, "interrupted; no file was written");
    return code > 0 ? code : closed;
}
