# Dependencies, with the Debian package named where one is missing.
find_package(PkgConfig REQUIRED)

function(tessera_need_pkg prefix module package)
  pkg_check_modules(${prefix} ${module})
  if(NOT ${prefix}_FOUND)
    message(FATAL_ERROR "${module} is missing; on Debian: apt-get install ${package}")
  endif()
  foreach(suffix INCLUDE_DIRS LINK_LIBRARIES FOUND)
    set(${prefix}_${suffix} ${${prefix}_${suffix}} PARENT_SCOPE)
  endforeach()
endfunction()

function(tessera_need_header variable header package)
  find_path(${variable} ${header})
  if(NOT ${variable})
    message(FATAL_ERROR "${header} is missing; on Debian: apt-get install ${package}")
  endif()
endfunction()
