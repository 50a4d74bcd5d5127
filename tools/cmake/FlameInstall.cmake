# The package that find_package(flame) finds. Each target and header is installed where it is made, into one of two
# export sets, because a machine that only builds plugins needs none of the host's dependencies.
include_guard(GLOBAL)
include(CMakePackageConfigHelpers)
set(FLAME_INSTALL_CMAKEDIR ${CMAKE_INSTALL_LIBDIR}/cmake/flame)

foreach(targets IN ITEMS flamePluginTargets flameHostTargets)
  install(EXPORT ${targets} NAMESPACE flame:: DESTINATION ${FLAME_INSTALL_CMAKEDIR})
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
