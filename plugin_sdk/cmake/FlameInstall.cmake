# Install rules: the SDK, the host library, the programs, and the package that find_package(flame) finds. Two export
# sets, because a machine that only builds plugins needs none of the host's dependencies.
include_guard(GLOBAL)
include(CMakePackageConfigHelpers)
set(FLAME_INSTALL_CMAKEDIR ${CMAKE_INSTALL_LIBDIR}/cmake/flame)

# Puts those of the targets that exist into export set `set`, as flame::<name without flame_>.
function(_flame_install_libraries set)
  foreach(target IN LISTS ARGN)
    if(NOT TARGET ${target})
      continue()
    endif()
    get_target_property(name ${target} EXPORT_NAME)
    if(NOT name)
      string(REGEX REPLACE "^flame_" "" name ${target})
      set_target_properties(${target} PROPERTIES EXPORT_NAME ${name})
    endif()
    install(TARGETS ${target} EXPORT ${set} ARCHIVE DESTINATION ${CMAKE_INSTALL_LIBDIR})
  endforeach()
  install(EXPORT ${set} NAMESPACE flame:: DESTINATION ${FLAME_INSTALL_CMAKEDIR})
endfunction()

# flame_options has no effect on consumers; it is exported because static libraries record whom they link.
_flame_install_libraries(flamePluginTargets flame_abi flame_options flame_sdk)
_flame_install_libraries(flameHostTargets flame_base flame_wire flame_manifest flame_host_core flame_backend_local
  flame_backends flame_host)

install(DIRECTORY ${PROJECT_SOURCE_DIR}/plugin_sdk/include/flame ${PROJECT_SOURCE_DIR}/host/include/flame
  DESTINATION ${CMAKE_INSTALL_INCLUDEDIR} FILES_MATCHING PATTERN "*.hpp")
install(FILES ${PROJECT_SOURCE_DIR}/plugin_sdk/abi/flame_abi.h DESTINATION ${CMAKE_INSTALL_INCLUDEDIR})

# Installing a program twice into one place is harmless, so this does not care who else does it.
foreach(program IN ITEMS flame-runner flame-zygote flame)
  if(TARGET ${program})
    install(TARGETS ${program} RUNTIME DESTINATION ${CMAKE_INSTALL_BINDIR})
  endif()
endforeach()

configure_package_config_file(${PROJECT_SOURCE_DIR}/plugin_sdk/cmake/flameConfig.cmake.in
  ${PROJECT_BINARY_DIR}/package/flameConfig.cmake INSTALL_DESTINATION ${FLAME_INSTALL_CMAKEDIR}
  PATH_VARS CMAKE_INSTALL_BINDIR)
write_basic_package_version_file(${PROJECT_BINARY_DIR}/package/flameConfigVersion.cmake
  VERSION ${PROJECT_VERSION} COMPATIBILITY SameMinorVersion)
install(FILES ${PROJECT_BINARY_DIR}/package/flameConfig.cmake ${PROJECT_BINARY_DIR}/package/flameConfigVersion.cmake
    ${PROJECT_SOURCE_DIR}/plugin_sdk/cmake/FlamePlugin.cmake ${PROJECT_SOURCE_DIR}/plugin_sdk/cmake/FlamePluginLint.cmake
    ${PROJECT_SOURCE_DIR}/plugin_sdk/cmake/plugin.map
  DESTINATION ${FLAME_INSTALL_CMAKEDIR})
