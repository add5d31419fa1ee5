/* Tessera: video and image latents to frames, and back.
 *
 * A decoder is built from a weight file alone: the family and all widths are read from tensor names and shapes. A clip is decoded as a stream:
 * push a latent frame, pull the frames that it completed. Results do not depend on how pushes are grouped: every layer
 * keeps the frames that later ones need. Threads, ownership: as tessera.h says. */
#ifndef TESSERA_DECODE_H
#define TESSERA_DECODE_H

#include "tessera.h"

#ifdef __cplusplus
extern "C" {
#endif

typedef struct tsr_decoder tsr_decoder;

typedef enum tsr_precision {
    TSR_PRECISION_AUTO = 0, /* fp32 on CPUs, fp16 on GPUs */
    TSR_PRECISION_F32 = 1,
    TSR_PRECISION_F16 = 2 /* features (and weights, where they fit) in fp16, sums in fp32; a layer whose results do not fit fp16 is kept in fp32
                             from then on */
} tsr_precision;

typedef enum tsr_latents { TSR_LATENTS_NORMALIZED = 0, TSR_LATENTS_RAW = 1 } tsr_latents;

typedef struct tsr_decoder_desc {
    const char *family;  /* NULL: told from the file. "wan2.1", .. where a file fits several */
    const char *variant; /* NULL: the most common one. What names and shapes do not tell, such as a scale: "sdxl", "cogvideox-5b", "lighttae" */
    tsr_precision precision;
    tsr_latents latents; /* what is pushed: the diffusion model's (normalised) or de-normalised ones. Of encoders: what is pulled */
    uint32_t encoder;    /* 1: build the other way round. push takes frames [3,H,W] in [0,1], pull gives latents [C,h,w] */
    uint64_t noise_seed; /* for the families that add noise (LTX 0.9.1 and later, with time step) */
    uint32_t tile;       /* a tsr_tile: convolutions run in that tile model where the device and their types allow it. 0: chosen */
    uint32_t reserved[5];
} tsr_decoder_desc;

/* A missing, extra or mis-shaped tensor is TSR_ERROR_FILE and named, with both shapes; so is a family that cannot be told, with the nearest one and
 * what differs. The file may be closed after. desc may be NULL. */
TSR_API tsr_status tsr_decoder_create(tsr_device *dev, const tsr_tensors *weights, const tsr_decoder_desc *desc, tsr_decoder **out);
TSR_API void tsr_decoder_destroy(tsr_decoder *dec);

typedef struct tsr_decoder_info {
    char family[32];  /* "wan2.1" */
    char variant[64]; /* widths and the like: "96,192,384,384" */
    uint32_t latent_channels;
    uint32_t frame_channels;          /* 3, or 4 with alpha */
    uint32_t time_scale, space_scale; /* frames and pixels for each latent step */
    uint32_t frames_lost;             /* n latents make n time_scale - frames_lost frames; see tsr_decoder_frames */
    uint32_t fps;                     /* of the models that this family belongs to */
    uint32_t layers;
    uint64_t parameters;
    tsr_precision precision; /* as chosen */
    uint32_t layers_in_f32;  /* that overflowed fp16 since start */
    uint64_t memory;         /* device bytes held now */
    uint64_t host_memory;    /* host bytes held now by frames that do not fit on the device */
} tsr_decoder_info;

TSR_API tsr_status tsr_decoder_get_info(const tsr_decoder *dec, tsr_decoder_info *out);
/* Frames made of n latents (latents made of n frames); 0 if that many cannot be decoded (encoded). */
TSR_API uint64_t tsr_decoder_frames(const tsr_decoder *dec, uint64_t n);

/* How frames are cut to keep memory within a limit. Exact modes give the numbers of the whole frame. */
typedef enum tsr_tiling {
    TSR_TILING_EXACT = 0,  /* layer by layer in rows, as far as the limit asks for it */
    TSR_TILING_BLENDED = 1 /* tiles decoded apart and cross-faded, as diffusers does it: for those who must match its pixels */
} tsr_tiling;

typedef struct tsr_clip {
    uint32_t height, width; /* of the latent; of frames, for an encoder */
    uint64_t latents;       /* how many will be pushed, 0: not known. Families whose statistics or rules need the number say so */
    uint64_t memory_limit;  /* device bytes for this decoder, weights included; 0: the device's budget */
    uint32_t stripe_rows;   /* 0: chosen. Else frames of all layers are cut into so many rows of latents: for tests */
    uint32_t host_caches;   /* 1: frames of earlier latents wait in host memory whatever the limit: for tests */
    tsr_tiling tiling;
    uint32_t tile, tile_stride; /* blended: latent rows and columns of a tile, and from one tile to the next; 0: the family's own */
    uint32_t allow_nan;         /* 1: latents may hold NaN and infinity */
    uint32_t reserved[6];
} tsr_clip;

typedef struct tsr_decoder_plan {
    uint64_t device_bytes; /* of weights, features and workspace: what tsr_decoder_start then holds */
    uint64_t weight_bytes, feature_bytes, workspace_bytes;
    uint64_t host_bytes; /* of frames kept in host memory */
    uint64_t largest_buffer;
    uint32_t stripe_rows; /* latent rows of a stripe; height: whole frames */
    uint32_t hosted;      /* features whose frames wait in host memory */
    uint32_t tiles;       /* blended tiles; 1 without */
    double flops;         /* of the clip, or of 100 latents where their number is not known */
} tsr_decoder_plan;

/* What a start would allocate. DEVICE_MEMORY where nothing fits the limit, with the smallest limit that would do. */
TSR_API tsr_status tsr_decoder_plan_clip(tsr_decoder *dec, const tsr_clip *clip, tsr_decoder_plan *out);
/* Starts a clip; what was left of the last one is dropped. Compiles and allocates all that streaming needs. */
TSR_API tsr_status tsr_decoder_start(tsr_decoder *dec, const tsr_clip *clip);

/* Hands over the next latent frame, fp32 [C,height,width] in host memory (encoders: a frame [3,height,width] in [0,1]). NaN or infinity is
 * an ARGUMENT error that names the frame and leaves the stream as it was. The work is done by tsr_decoder_pull, which must have said that nothing is
 * left before the next push. */
TSR_API tsr_status tsr_decoder_push(tsr_decoder *dec, const float *latent);
/* No more latents: what waited for later ones can be pulled. (Blended tiles are decoded here.) */
TSR_API tsr_status tsr_decoder_finish(tsr_decoder *dec);
/* Decodes until the next frame is ready, copies it, fp32 [3,H,W] in [0,1] (encoders: a latent [C,h,w]), and sets *got to 1; to 0 if there is none
 * without more latents. If device memory runs out on the way, more frames move to host memory or stripes get smaller, the context's
 * log has a notice, and decoding goes on. After another failure the clip is over: start anew. */
TSR_API tsr_status tsr_decoder_pull(tsr_decoder *dec, float *frame, int *got);

/* Called between layers by pull and finish; returning not 0 stops the call with TSR_ERROR_CANCELLED, after which only start and destroy
 * may follow. NULL: none. */
TSR_API void tsr_decoder_set_progress(tsr_decoder *dec, int (*progress)(void *user, double share_of_call), void *user);

typedef struct tsr_decoder_layer {
    char name[96];
    char text[96];                  /* "3x3x3 384 > 384" */
    uint64_t frames, height, width; /* made by a clip of `latents` latents */
    double flops;                   /* for all of them */
    uint32_t in_f32;                /* kept in fp32 after an overflow */
    char why[256];                  /* that tile of a convolution; "" for other layers */
} tsr_decoder_layer;

/* The index-th layer (below info.layers) for a clip of that size. */
TSR_API tsr_status tsr_decoder_get_layer(const tsr_decoder *dec, uint32_t index, const tsr_clip *clip, tsr_decoder_layer *out);

/* Families and their variants, for messages: NULL past the last. */
TSR_API const char *tsr_decoder_family(size_t index);

#ifdef __cplusplus
}
#endif
#endif
