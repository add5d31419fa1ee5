/* Recipes as a list: what they say of themselves, and their density at a shape. */
#ifndef FLOW_RECIPES_H
#define FLOW_RECIPES_H

#include "call.h"
#include "recipe_file.h"

typedef struct recipe_shape {
    long tokens;     /* 0: not told */
    int64_t grid[3]; /* all zero: not told */
} recipe_shape;

typedef struct recipe_row {
    const char *name, *system, *paper, *exact, *simplified;
    double density; /* below 0: not known */
    char shape[32]; /* "8x16x16", "2048" */
    char why[256];  /* there is no density */
} recipe_row;

/* Fills in density and shape, or why not. recipe: the text's JSON. */
void recipe_density(tsr_device *dev, const char *text, const cJSON *recipe, const recipe_shape *shape, recipe_row *row);

#endif
