/* MP4, WebM and Matroska through libav, with range, matrix and place of chroma told to players. */
#include "decode/sink.h"

#ifndef TESSERA_LIBAV

bool sink_open_video(sink *s)
{
    snprintf(s->error, sizeof(s->error), "this build has no libav, which writes it; .y4m needs none");
    return false;
}

#else

#include <errno.h>
#include <libavcodec/avcodec.h>
#include <libavformat/avformat.h>
#include <libavutil/opt.h>
#include <stdlib.h>
#include <string.h>

#include "decode/colour.h"
#include "decode/video_file.h"

/* Encoders in the order in which they are taken. Quality is told on libx264's scale, 0 to 51; scale and offset make it the encoder's own. */
static const struct encoder {
    const char *name, *option; /* NULL: by fixed quantisers; "": by rate */
    double scale;
    unsigned largest;
    bool webm;
    int chroma_444;
} encoders[] = {
    {"libx264", "crf", 1, 16384, false, 1},           {"libopenh264", "", 0, 3840, false, 0},           {"mpeg4", NULL, 30.0 / 51, 8191, false, 0},
    {"libvpx-vp9", "crf", 63.0 / 51, 65535, true, 1}, {"libaom-av1", "crf", 63.0 / 51, 65535, true, 1}, {"libvpx", "crf", 63.0 / 51, 16383, true, 0},
};

enum { ENCODERS = sizeof(encoders) / sizeof(encoders[0]), IO_BUFFER = 1 << 16 };

typedef struct video {
    AVFormatContext *format;
    AVCodecContext *codec;
    AVFrame *frame;
    AVPacket *packet;
    AVStream *stream;
    video_file *out;
    int64_t next;
} video;

static bool failed(sink *s, const char *what, int code)
{
    char text[AV_ERROR_MAX_STRING_SIZE] = "";
    av_strerror(code, text, sizeof(text));
    if (!s->error[0]) snprintf(s->error, sizeof(s->error), "%s: %s", what, text);
    return false;
}

/* Packets that are ready go to the file. budget: bytes that may still be written where the disk is full; NULL: no limit. */
static bool drain(sink *s, int64_t *budget)
{
    video *v = s->state;
    for (;;) {
        int code = avcodec_receive_packet(v->codec, v->packet);
        if (code == AVERROR(EAGAIN) || code == AVERROR_EOF) return true;
        if (code < 0) return failed(s, "the encoder failed", code);
        if (budget && (*budget -= v->packet->size) < 0) return av_packet_unref(v->packet), true;
        av_packet_rescale_ts(v->packet, v->codec->time_base, v->stream->time_base);
        v->packet->stream_index = v->stream->index;
        if ((code = av_interleaved_write_frame(v->format, v->packet)) < 0) return failed(s, "cannot be written", code);
    }
}

static bool video_write(sink *s, const float *frame)
{
    video *v = s->state;
    int code = av_frame_make_writable(v->frame);
    if (code < 0) return failed(s, "no memory for a frame", code);
    colour_planes(frame, s->desc.width, s->desc.height, s->desc.chroma, v->frame->data, v->frame->linesize);
    v->frame->pts = v->next++;
    if ((code = avcodec_send_frame(v->codec, v->frame)) < 0) return failed(s, "the encoder failed", code);
    if (!drain(s, NULL)) return false;
    if (video_file_full(v->out)) return snprintf(s->error, sizeof(s->error), "%s", strerror(ENOSPC)), false;
    return true;
}

static void release(video *v)
{
    av_packet_free(&v->packet);
    av_frame_free(&v->frame);
    avcodec_free_context(&v->codec);
    if (v->format) {
        if (v->format->pb) av_freep(&v->format->pb->buffer);
        avio_context_free(&v->format->pb);
        avformat_free_context(v->format);
    }
    free(v);
}

/* Frames that the encoder holds back come first, as far as the reserve lasts; then the index, without which an MP4 does not play. */
static bool video_finish(sink *s, sink_end end)
{
    video *v = s->state;
    bool ok = true;
    if (end != SINK_NOTHING) {
        int64_t left = (int64_t)s->desc.width * s->desc.height / 2;
        int code = avcodec_send_frame(v->codec, NULL);
        ok = code < 0 ? failed(s, "the encoder failed", code) : drain(s, video_file_full(v->out) ? &left : NULL);
        if ((code = av_write_trailer(v->format)) < 0 && ok) ok = failed(s, "cannot be written", code);
        avio_flush(v->format->pb);
        if (v->format->pb->error < 0 && ok) ok = failed(s, "cannot be written", v->format->pb->error);
    }
    const int error = video_file_close(v->out);
    if (error && end != SINK_NOTHING && ok) ok = failed(s, "cannot be written", AVERROR(error));
    release(v);
    return ok;
}

static bool fits(sink *s, const struct encoder *e)
{
    const sink_desc *d = &s->desc;
    if (d->width > e->largest || d->height > e->largest)
        return snprintf(s->error, sizeof(s->error), "%s holds at most %ux%u; the frames are %ux%u", e->name, e->largest, e->largest, d->width,
                        d->height),
               false;
    if (d->chroma == 444 && !e->chroma_444) return snprintf(s->error, sizeof(s->error), "%s holds no 4:4:4 chroma; expected 420", e->name), false;
    if (d->chroma != 444 && (d->width % 2 || d->height % 2))
        return snprintf(s->error, sizeof(s->error), "4:2:0 chroma holds even sizes alone; the frames are %ux%u (--chroma 444, or .y4m)", d->width,
                        d->height),
               false;
    return true;
}

static const struct encoder *choose(sink *s, const AVCodec **codec)
{
    const bool webm = strcmp(s->desc.path + strlen(s->desc.path) - 5, ".webm") == 0;
    for (int i = 0; i < ENCODERS; i++)
        if (encoders[i].webm == webm && (*codec = avcodec_find_encoder_by_name(encoders[i].name))) return &encoders[i];
    snprintf(s->error, sizeof(s->error), "libav has none of %s here", webm ? "libvpx-vp9, libaom-av1 and libvpx" : "libx264, libopenh264 and mpeg4");
    return NULL;
}

static void describe(const sink_desc *d, AVCodecContext *c, const struct encoder *e)
{
    c->width = (int)d->width;
    c->height = (int)d->height;
    c->time_base = (AVRational){1, d->fps};
    c->framerate = (AVRational){d->fps, 1};
    c->pix_fmt = d->chroma == 444 ? AV_PIX_FMT_YUV444P : AV_PIX_FMT_YUV420P;
    c->color_range = AVCOL_RANGE_MPEG;
    c->colorspace = colour_is_709(d->width, d->height) ? AVCOL_SPC_BT709 : AVCOL_SPC_SMPTE170M;
    c->color_primaries = AVCOL_PRI_BT709;
    c->color_trc = AVCOL_TRC_BT709;
    c->chroma_sample_location = AVCHROMA_LOC_LEFT;
    if (!e->option) {
        c->flags |= AV_CODEC_FLAG_QSCALE;
        c->global_quality = (int)(FF_QP2LAMBDA * (1 + d->crf * e->scale));
    } else if (e->option[0]) {
        av_opt_set_double(c->priv_data, e->option, d->crf * e->scale, 0);
        av_opt_set(c->priv_data, "cpu-used", "4", 0);
        av_opt_set(c->priv_data, "row-mt", "1", 0);
    } else
        c->bit_rate = (int64_t)d->width * d->height * d->fps / 4;
}

static int open_stream(sink *s, video *v, const AVCodec *codec, const struct encoder *e, char *url)
{
    int code = avformat_alloc_output_context2(&v->format, NULL, NULL, s->desc.path);
    if (code < 0) return code;
    unsigned char *buffer = av_malloc(IO_BUFFER);
    v->format->pb = buffer ? avio_alloc_context(buffer, IO_BUFFER, 1, v->out, NULL, video_file_write, video_file_seek) : NULL;
    v->format->url = av_strdup(url);
    v->stream = avformat_new_stream(v->format, NULL);
    v->codec = avcodec_alloc_context3(codec);
    v->frame = av_frame_alloc();
    v->packet = av_packet_alloc();
    if (!v->format->pb) av_free(buffer);
    if (!v->format->pb || !v->format->url || !v->stream || !v->codec || !v->frame || !v->packet) return AVERROR(ENOMEM);
    describe(&s->desc, v->codec, e);
    if (v->format->oformat->flags & AVFMT_GLOBALHEADER) v->codec->flags |= AV_CODEC_FLAG_GLOBAL_HEADER;
    if ((code = avcodec_open2(v->codec, codec, NULL)) < 0 || (code = avcodec_parameters_from_context(v->stream->codecpar, v->codec)) < 0) return code;
    v->stream->time_base = v->codec->time_base;
    v->stream->avg_frame_rate = v->codec->framerate;
    v->frame->format = v->codec->pix_fmt;
    v->frame->width = v->codec->width;
    v->frame->height = v->codec->height;
    v->frame->color_range = v->codec->color_range;
    v->frame->colorspace = v->codec->colorspace;
    if ((code = av_frame_get_buffer(v->frame, 0)) < 0) return code;
    AVDictionary *options = NULL;
    av_dict_set(&options, "movflags", "+faststart", 0);
    code = avformat_write_header(v->format, &options);
    av_dict_free(&options);
    return code < 0 ? code : 0;
}

bool sink_open_video(sink *s)
{
    const AVCodec *codec = NULL;
    const struct encoder *e = choose(s, &codec);
    if (!e || !fits(s, e)) return false;
    if (!s->desc.chroma) s->desc.chroma = 420;
    av_log_set_level(AV_LOG_FATAL); /* what went wrong is told by codes */
    video *v = calloc(1, sizeof(*v));
    char *url = malloc(strlen(s->temporary) + 6);
    /* Room for the frames that the encoder holds back and for the index, kept free until the disk is full. */
    const uint64_t reserve = (1 << 20) + (uint64_t)s->desc.width * s->desc.height / 2 + 64 * s->desc.frames;
    if (url) sprintf(url, "file:%s", s->temporary); /* else a colon in the name would make it a protocol */
    if (v) v->out = video_file_open(s->temporary, reserve, s->error, sizeof(s->error));
    if (!v || !url || !v->out) {
        free(url);
        free(v);
        return false;
    }
    const int code = open_stream(s, v, codec, e, url);
    free(url);
    s->state = v;
    s->write = video_write;
    s->finish = video_finish;
    if (code == 0) return true;
    failed(s, e->name, code);
    video_file_close(v->out);
    release(v);
    remove(s->temporary);
    return false;
}

#endif
