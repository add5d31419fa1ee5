# seal.cmake: links a static library's objects into one, in which only tsr_ names are global: what an
# application links beside it (a Vulkan loader, another volk) must not meet our pointers of the same names.
execute_process(COMMAND ${LINKER} -r --whole-archive ${ARCHIVE} -o ${ARCHIVE}.o COMMAND_ERROR_IS_FATAL ANY)
execute_process(COMMAND ${OBJCOPY} -w --keep-global-symbol=tsr_* ${ARCHIVE}.o COMMAND_ERROR_IS_FATAL ANY)
file(REMOVE ${ARCHIVE})
execute_process(COMMAND ${AR} rcs ${ARCHIVE} ${ARCHIVE}.o COMMAND_ERROR_IS_FATAL ANY)
file(REMOVE ${ARCHIVE}.o)
