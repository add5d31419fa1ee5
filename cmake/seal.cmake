# seal.cmake: links a static library's objects, and what it needs of the archives in EXTRA, into one object in which only tsr_
# names are global: what an application links beside it (a Vulkan loader, another volk, another glslang) must not meet our symbols
# of the same names. Section groups are dissolved, for a linker would take another's inline function in place of a local one.
execute_process(COMMAND ${LINKER} -r --force-group-allocation --whole-archive ${ARCHIVE} --no-whole-archive
  --start-group ${EXTRA} --end-group -o ${ARCHIVE}.o COMMAND_ERROR_IS_FATAL ANY)
# C++'s unique symbols would stay global: they are made weak first.
execute_process(COMMAND ${NM} --defined-only --format=posix ${ARCHIVE}.o OUTPUT_VARIABLE symbols COMMAND_ERROR_IS_FATAL ANY)
string(REGEX MATCHALL "[^\n ]+ u " unique "${symbols}")
string(REPLACE " u ;" "\n" unique "${unique}")
string(REPLACE " u " "\n" unique "${unique}")
if(unique) # objcopy refuses an empty list
  file(WRITE ${ARCHIVE}.unique "${unique}")
  execute_process(COMMAND ${OBJCOPY} --weaken-symbols=${ARCHIVE}.unique ${ARCHIVE}.o COMMAND_ERROR_IS_FATAL ANY)
  file(REMOVE ${ARCHIVE}.unique)
endif()
execute_process(COMMAND ${OBJCOPY} -w --keep-global-symbol=tsr_* ${ARCHIVE}.o COMMAND_ERROR_IS_FATAL ANY)
file(REMOVE ${ARCHIVE})
execute_process(COMMAND ${AR} rcs ${ARCHIVE} ${ARCHIVE}.o COMMAND_ERROR_IS_FATAL ANY)
file(REMOVE ${ARCHIVE}.o)
