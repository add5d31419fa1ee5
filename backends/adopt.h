/* What the engine offers the backends' interop calls: devices and buffers around objects of the application's. */
#ifndef TSR_ADOPT_H
#define TSR_ADOPT_H

#include "backend.h"

const bk_services *tsr_context_services(const tsr_context *ctx);
void *tsr_context_state(const tsr_context *ctx, const tsr_backend *backend); /* what its probe made, or NULL */

/* On success *out owns bk, else the caller does. */
tsr_status tsr_device_adopt(tsr_context *ctx, const tsr_backend *backend, bk_device *bk, const tsr_device_info *info, const tsr_device_desc *desc,
                            tsr_device **out);
/* bk stands for the bytes [offset, offset + size) of a buffer of whole bytes. */
tsr_status tsr_buffer_adopt(tsr_device *dev, bk_buffer *bk, uint64_t offset, uint64_t size, uint64_t whole, tsr_buffer **out);

/* The backend's own objects; NULL for those of another backend. */
bk_device *tsr_device_of(const tsr_device *dev, const tsr_backend *backend);
bk_buffer *tsr_buffer_of(const tsr_buffer *buf, const tsr_backend *backend);

#endif
