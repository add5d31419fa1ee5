/* Ends a kernel file, so that the C build can include several of them. */
#undef SPECS_
#undef MANY_PARAMS
#undef SHAPES_
#undef PARAMS_
#undef ARGS_
#undef SMEM_
