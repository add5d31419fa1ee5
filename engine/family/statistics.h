/* Means and standard deviations of latents by channel, as the models that make them were trained: raw = normalised std + mean. */
#ifndef TSR_STATISTICS_H
#define TSR_STATISTICS_H

extern const float tsr_statistics_wan21_mean[16], tsr_statistics_wan21_std[16];   /* Wan 2.1 (Wan 2.2 14B, Qwen-Image) */
extern const float tsr_statistics_wan22_mean[48], tsr_statistics_wan22_std[48];   /* Wan 2.2 5B */
extern const float tsr_statistics_qwen21_mean[64], tsr_statistics_qwen21_std[64]; /* Qwen-Image 2.1 */

#endif
