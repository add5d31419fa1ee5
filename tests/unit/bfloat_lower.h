/* What bf16 in SPIR-V means, in words that every driver knows. */
#ifndef BFLOAT_LOWER_H
#define BFLOAT_LOWER_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* A module with bf16 (SPV_KHR_bfloat16) as one whose bf16 are their 16 bits, rounded to nearest even where fp32 becomes one, and whose matrices
 * of them become fp32 before they are multiplied. NULL: the module has none, or no memory; the caller frees it. */
uint32_t *bfloat_lower(const uint32_t *words, size_t count, size_t *out_count);

#endif
