/* Where in a JSON text a place is that a path names. */
#ifndef TSR_LINE_H
#define TSR_LINE_H

#include <stddef.h>

/* The line, from 1, of the member or element that a reader's path ("steps.map.dot.a", "set.union[1].window") names in a JSON text that was
 * parsed before; of what lies deepest on the way there where the path goes on beyond the text. */
int tsr_json_line(const char *text, size_t size, const char *path);

#endif
