/* Drivers that fail: ways for a device to be lost, at a submission of the test's choice. */
#ifndef LOSS_H
#define LOSS_H

#include <stdbool.h>

#include "tessera/tessera.h"

typedef enum loss_way {
    LOSS_BACKEND, /* the backend says so: for every device */
    LOSS_SUBMIT,  /* the driver refuses a submission */
    LOSS_WAIT,    /* ... or says so to who waits for it */
    LOSS_SILENCE, /* the submission is never done */
    LOSS_WAYS
} loss_way;

/* From its at-th submission on (0: the next one) the device's driver fails. false: this backend has no such way. */
bool loss_arm_vulkan(tsr_device *dev, loss_way way, int at);
bool loss_arm_opencl(tsr_device *dev, loss_way way, int at);

#endif
