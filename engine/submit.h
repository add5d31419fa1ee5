/* A device's way from dispatches to submissions: what is under way, and what stops it. */
#ifndef TSR_SUBMIT_H
#define TSR_SUBMIT_H

#include <stdatomic.h>

#include "pace.h"

/* Under way at once: the device always has the next one, and a measurement is never far behind. */
enum { TSR_IN_FLIGHT = 2, TSR_LOST_TEXT = 512 };

typedef struct tsr_queue {
    tsr_pace pace;
    tsr_submission now, flight[TSR_IN_FLIGHT]; /* flight[0] is the oldest; none where nothing is timed */
    uint32_t in_flight;
    double finished; /* when a submission was last seen to be done */
    atomic_bool cancelled;
    bool lost;
    char lost_text[TSR_LOST_TEXT];
    tsr_device_stats stats;
} tsr_queue;

/* Reads the description and the environment; before the backend's device is used. */
tsr_status tsr_queue_open(tsr_device *dev, const tsr_device_desc *desc);
/* Waits, without fail, and frees; after it nothing is dispatched. */
void tsr_queue_close(tsr_device *dev);

/* OK, or why the device takes no work: it is lost (or, with work, cancelled). */
tsr_status tsr_queue_ready(tsr_device *dev, bool work);
/* Passes a backend's status on, and remembers a lost device. */
tsr_status tsr_queue_note(tsr_device *dev, tsr_status status);
/* Before memory goes: what may read it is never submitted later, nor are rates kept. */
void tsr_queue_forget(tsr_device *dev, const bk_buffer *buf);

#endif
