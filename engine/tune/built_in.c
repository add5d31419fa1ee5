/* The table of built-in choices: classes of devices, what suits them, and how that is known. "Lab" is the vendor lab of tools/lab: what
 * the compilers of these devices say of registers, shared memory and waves. A row counts only where the engine lists such a shape. */
#include "built_in.h"

#include <ctype.h>
#include <stdio.h>
#include <string.h>

typedef struct row {
    const char *class;  /* for people */
    const char *vendor; /* any of these words, between bars, in vendor or driver; NULL: all */
    const char *names;  /* likewise, in the device's name */
    const char *kernel; /* NULL: all */
    tsr_device_type type;
    bool typed;      /* of that type only */
    uint32_t widths; /* least vector width; 0: not asked */
    tsr_tile tile;
    int32_t lanes, chunk; /* 0: the first; chunk: of head dims, or of input channels */
    const char *why;
} row;

#define AMD "amd|advanced micro|radv|radeon"
#define INTEL "intel"
#define NVIDIA "nvidia|nvk"
#define QUALCOMM "qualcomm|turnip|adreno"
#define VEGA "vega|gfx90|radeon vii|instinct mi"
#define RDNA1 "navi1|gfx101|rx 5500|rx 5600|rx 5700"
#define RDNA12 RDNA1 "|navi2|gfx103|rx 6|vangogh|rembrandt|680m|660m"
/* Vega, its APUs, and RDNA1: arithmetic of two fp16 values at a time. */
#define PAIRS "vega|gfx90|raven|picasso|renoir|lucienne|cezanne|barcelo|" RDNA1
#define RDNA3 "navi3|gfx110|gfx115|rx 7|780m|880m|890m|phoenix|strix"
#define RDNA4 "navi4|gfx120|rx 9"
#define TURING "rtx 20|gtx 16|quadro rtx|tesla t4|tu1"
#define AMPERE "rtx 30|rtx 40|rtx 50|rtx a|a100|a40|l4|h100|h200|b200|ga1|ad1"
/* Tensor cores four times as fast as those of other cards of their time, beside the same shared memory. */
#define DATA_CENTRE "a100|a800|nvidia a30|h100|h200|h800|gh200|ga100"
#define ARC "arc|dg2|bmg|battlemage|lnl|mtl"
#define XE_HPC "max 1|pvc|ponte"

/* Most particular first: architecture, maker, kind of device. */
static const row rows[] = {
    {"RDNA4", AMD, RDNA4, NULL, 0, false, 0, TSR_TILE_MATRIX, 0, 0, "its matrix units do the products (Lab)"},
    {"RDNA3", AMD, RDNA3, NULL, 0, false, 0, TSR_TILE_MATRIX, 0, 0, "its matrix units do the products (Lab)"},
    {"NVIDIA's data-centre cards", NVIDIA, DATA_CENTRE, "flash", 0, false, 0, TSR_TILE_MATRIX, 64, 64,
     "sub-groups of 32 queries read keys and values half as often, and shared memory no longer bounds their tensor cores (Lab)"},
    {"NVIDIA from Ampere on", NVIDIA, AMPERE, NULL, 0, false, 0, TSR_TILE_MATRIX, 0, 0, "its tensor cores do the products (Lab)"},
    {"Turing", NVIDIA, TURING, NULL, 0, false, 0, TSR_TILE_MATRIX, 0, 0, "its tensor cores, where it has them, do the products"},
    {"Intel Xe-HPC", INTEL, XE_HPC, NULL, 0, false, 0, TSR_TILE_MATRIX, 0, 0, "its matrix engines do the products"},
    {"Intel Arc", INTEL, ARC, NULL, 0, false, 0, TSR_TILE_MATRIX, 0, 0, "its matrix engines do the products"},
    {"cards with matrices", NULL, NULL, NULL, 0, false, 0, TSR_TILE_MATRIX, 0, 0, "its matrix units do the products (Lab: those of AMD and NVIDIA)"},
    {"cards with dot products", NULL, NULL, NULL, 0, false, 0, TSR_TILE_PACKED, 0, 0,
     "no matrices; two products of fp16, or four of codes, in an instruction (Lab: RDNA2, Turing)"},
    {"Vega and RDNA1", AMD, PAIRS, "flash", 0, false, 0, TSR_TILE_PACKED, 0, 0,
     "no dot products of fp16; values are multiplied two at a time in fp16, and take half of the shared memory's time (Lab)"},
    {"RDNA3 and 4", AMD, RDNA3 "|" RDNA4, "flash", 0, false, 0, TSR_TILE_SIMT, 0, 16,
     "16 head dims staged at a time leave room for several waves (Lab)"},
    {"RDNA1 and 2", AMD, RDNA12, "flash", 0, false, 0, TSR_TILE_SIMT, 0, 16,
     "no matrices; 16 head dims staged at a time leave room for several waves (Lab)"},
    {"GCN and Vega", AMD, VEGA, "flash", 0, false, 0, TSR_TILE_SIMT, 0, 16,
     "16 head dims staged at a time leave room for two waves of a SIMD, 32 for one (Lab)"},
    {"Intel", INTEL, NULL, "flash", 0, false, 0, TSR_TILE_SIMT, 0, 0,
     "4 x 4 sums; 32 or 24 head dims staged at a time are a loop that its compiler leaves rolled: no spills (Lab)"},
    {"NVIDIA", NVIDIA, NULL, "flash", 0, false, 0, TSR_TILE_SIMT, 0, 0,
     "no tensor cores for this; no spills, several warps on Turing and Ampere (Lab)"},
    {"Adreno", QUALCOMM, NULL, "flash", 0, false, 0, TSR_TILE_SIMT, 0, 16, "no matrices; half of the registers, so that two waves fit (Lab)"},
    {"AMD", AMD, NULL, "flash", 0, false, 0, TSR_TILE_SIMT, 0, 16, "16 head dims staged at a time suit every AMD card of the Lab"},
    {"CPUs of 16 fp32 lanes", NULL, NULL, NULL, TSR_DEVICE_CPU, true, 16, TSR_TILE_VECTOR, 0, 0,
     "32 vector registers hold 16 or more sums (measured)"},
    {"CPUs of 4 and 8 fp32 lanes", NULL, NULL, NULL, TSR_DEVICE_CPU, true, 4, TSR_TILE_VECTOR, 0, 0, "16 vector registers hold 12 sums (measured)"},
    {"CPUs behind a GPU's interface", NULL, NULL, NULL, TSR_DEVICE_CPU, true, 0, TSR_TILE_SUBGROUP, 0, 0,
     "a sub-group is one vector, and barriers are dear: 4 times simt (measured)"},
};

/* Is any of the words, between bars, in the text, upper and lower case alike? */
static bool has_word(const char *text, const char *words)
{
    while (words) {
        const size_t length = strcspn(words, "|");
        for (const char *at = text; *at; at++) {
            size_t i = 0;
            while (i < length && at[i] && tolower((unsigned char)at[i]) == words[i]) i++;
            if (i == length) return true;
        }
        words = words[length] ? words + length + 1 : NULL;
    }
    return false;
}

static bool made_by(const tsr_device_info *info, const char *words) { return has_word(info->vendor, words) || has_word(info->driver, words); }

static bool suits(const row *r, const tsr_device_info *info, const char *kernel)
{
    return (!r->kernel || strcmp(r->kernel, kernel) == 0) && (!r->vendor || made_by(info, r->vendor)) &&
           (!r->names || has_word(info->name, r->names)) && (!r->typed || r->type == info->type) && info->vector_width >= r->widths &&
           (r->typed || info->type != TSR_DEVICE_CPU);
}

bool tsr_built_in_pairs(const tsr_device_info *info) { return made_by(info, AMD) && has_word(info->name, PAIRS); }

uint32_t tsr_built_in_shared(const tsr_device_info *info)
{
    const bool ampere = made_by(info, NVIDIA) && has_word(info->name, AMPERE);
    return (ampere ? 100 : 64) << 10;
}

/* A shape's number of that name; 0 if kernels have none. */
static int32_t number(const char *kernel, const tsr_tune_shape *shape, const char *name)
{
    size_t count;
    const char *const *names = tsr_tune_names(kernel, &count);
    for (size_t i = 0; i < count; i++)
        if (strcmp(names[i], name) == 0) return shape->numbers[i];
    return 0;
}

static bool matches(const row *r, const char *kernel, const tsr_tune_shape *shape)
{
    const int32_t chunk = number(kernel, shape, strcmp(kernel, "flash") == 0 ? "d_chunk" : "chunk");
    return shape->tile == r->tile && (!r->lanes || number(kernel, shape, "lanes") == r->lanes) && (!r->chunk || chunk == r->chunk);
}

size_t tsr_built_in_find(const tsr_device_info *info, const char *kernel, const tsr_tune_candidate *candidates, size_t count, char why[TSR_WHY])
{
    for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
        if (!suits(&rows[i], info, kernel)) continue;
        for (size_t c = 0; c < count; c++) {
            /* The engine lists it before simt where the device has the instruction for what is multiplied. */
            if (rows[i].tile == TSR_TILE_PACKED && candidates[c].shape.tile == TSR_TILE_SIMT) break;
            if (!matches(&rows[i], kernel, &candidates[c].shape)) continue;
            snprintf(why, TSR_WHY, "built in for %s: %s", rows[i].class, rows[i].why);
            return c;
        }
    }
    snprintf(why, TSR_WHY, "built in for all devices: the first shape of the tile model that suits it");
    return 0;
}
