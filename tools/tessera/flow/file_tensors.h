/* q, k, v and a recipe's inputs from a safetensors file. */
#ifndef FILE_TENSORS_H
#define FILE_TENSORS_H

#include "call.h"

typedef struct file_tensors {
    tsr_tensors *file;
    tsr_tensor_view views[3];
    tsr_buffer *buffers[4]; /* q, k, v, o */
} file_tensors;

/* The tensors of the file by each input's name; those that are not there keep their defaults. -1: done; else the exit code. */
int file_inputs(const char *command, const tsr_tensors *file, const cJSON *recipe, flow_call *c);

/* A call's layouts and inputs. -1: done; else the exit code. Closed in either case, after the call. */
int file_tensors_open(const char *command, const char *path, const cJSON *recipe, flow_call *c, file_tensors *t);
tsr_status file_tensors_upload(file_tensors *t, flow_call *c);
void file_tensors_close(file_tensors *t);

#endif
