# Install rules: libraries, headers, the command, a CMake package and a pkg-config file.
include(CMakePackageConfigHelpers)

install(TARGETS tessera tessera_static EXPORT tesseraTargets
  LIBRARY DESTINATION ${CMAKE_INSTALL_LIBDIR} ARCHIVE DESTINATION ${CMAKE_INSTALL_LIBDIR})
set(interop "")
if(TESSERA_VULKAN)
  list(APPEND interop engine/include/tessera/tessera_vulkan.h)
endif()
if(TESSERA_OPENCL)
  list(APPEND interop engine/include/tessera/tessera_opencl.h)
endif()
install(FILES engine/include/tessera/tessera.h engine/include/tessera/tessera_set.h engine/include/tessera/tessera_expression.h engine/include/tessera/tessera_probe.h engine/include/tessera/tessera_stream.h engine/include/tessera/tessera_tune.h engine/include/tessera/tessera_flow.h
        engine/include/tessera/tessera_decode.h ${interop} DESTINATION ${CMAKE_INSTALL_INCLUDEDIR}/tessera)
if(TESSERA_TOOL)
  install(TARGETS tessera_tool RUNTIME DESTINATION ${CMAKE_INSTALL_BINDIR})
endif()

set(package ${CMAKE_INSTALL_LIBDIR}/cmake/tessera)
install(EXPORT tesseraTargets NAMESPACE tessera:: DESTINATION ${package})
configure_package_config_file(cmake/tesseraConfig.cmake.in ${PROJECT_BINARY_DIR}/tesseraConfig.cmake INSTALL_DESTINATION ${package})
write_basic_package_version_file(${PROJECT_BINARY_DIR}/tesseraConfigVersion.cmake COMPATIBILITY SameMinorVersion)
install(FILES ${PROJECT_BINARY_DIR}/tesseraConfig.cmake ${PROJECT_BINARY_DIR}/tesseraConfigVersion.cmake DESTINATION ${package})

# Paths relative to the file itself: cmake --install --prefix may put it anywhere.
set(pc ${CMAKE_INSTALL_FULL_LIBDIR}/pkgconfig)
file(RELATIVE_PATH TESSERA_PC_PREFIX ${pc} ${CMAKE_INSTALL_PREFIX})
file(RELATIVE_PATH TESSERA_PC_INCLUDE ${pc} ${CMAKE_INSTALL_FULL_INCLUDEDIR})
configure_file(cmake/tessera.pc.in ${PROJECT_BINARY_DIR}/tessera.pc @ONLY)
install(FILES ${PROJECT_BINARY_DIR}/tessera.pc DESTINATION ${CMAKE_INSTALL_LIBDIR}/pkgconfig)
