# flame_add_plugin(): the build recipe of a plugin. The same file serves the build tree and find_package(flame).
include_guard(GLOBAL)
set(FLAME_PLUGIN_VERSION_SCRIPT "${CMAKE_CURRENT_LIST_DIR}/plugin.map")
set(FLAME_PLUGIN_LINT "${CMAKE_CURRENT_LIST_DIR}/FlamePluginLint.cmake")

# flame_add_plugin(<target> VERSION <x.y.z> SOURCES <file>... [LINK <library>...] [OUTPUT_DIRECTORY <dir>] [PRECOMPILE])
#
# Builds <dir>/<target>.so (default: ${CMAKE_BINARY_DIR}/plugins) with exactly one exported symbol. After the link
# FlamePluginLint.cmake reads the file: the build fails with a sentence when it could harm the process that loads it.
#   VERSION           semantic version; has to be the one in FLAME_PLUGIN("name", "version", p), else it does not compile
#   LINK              libraries; static ones are hidden in the plugin
#   OUTPUT_DIRECTORY  where the .so goes; a directory for [plugins] path in flame.toml
#   PRECOMPILE        precompiles <flame/plugin.hpp>: faster for plugins of several files, 70 MB of disk
function(flame_add_plugin name)
  cmake_parse_arguments(PARSE_ARGV 1 arg "PRECOMPILE" "VERSION;OUTPUT_DIRECTORY" "SOURCES;LINK")
  _flame_check_plugin_arguments()
  if(NOT arg_OUTPUT_DIRECTORY)
    set(arg_OUTPUT_DIRECTORY "${CMAKE_BINARY_DIR}/plugins")
  endif()

  add_library(${name} MODULE ${arg_SOURCES})
  set_target_properties(${name} PROPERTIES
    PREFIX ""
    SUFFIX ".so"
    LIBRARY_OUTPUT_DIRECTORY "${arg_OUTPUT_DIRECTORY}"
    CXX_VISIBILITY_PRESET hidden
    C_VISIBILITY_PRESET hidden
    VISIBILITY_INLINES_HIDDEN ON
    POSITION_INDEPENDENT_CODE ON
    LINK_DEPENDS "${FLAME_PLUGIN_VERSION_SCRIPT};${FLAME_PLUGIN_LINT}")
  target_compile_features(${name} PRIVATE cxx_std_20)
  target_compile_definitions(${name} PRIVATE "FLAME_PLUGIN_BUILD_VERSION=\"${arg_VERSION}\"")
  target_compile_options(${name} PRIVATE -ffunction-sections -fdata-sections
    # Unique symbols are shared between plugins even when they are hidden.
    $<$<COMPILE_LANG_AND_ID:CXX,GNU>:-fno-gnu-unique>
    # A static constructor that throws ends the process that loads the plugin: use p.start<>() instead.
    $<$<COMPILE_LANG_AND_ID:CXX,Clang>:-Wglobal-constructors>
    $<$<COMPILE_LANG_AND_ID:CXX,Clang>:-Wexit-time-destructors>
    # The body of FLAME_PLUGIN runs in the compiler; its default allows about a hundred tasks.
    $<$<COMPILE_LANG_AND_ID:CXX,Clang>:-fconstexpr-steps=100000000>)
  target_link_options(${name} PRIVATE
    "LINKER:--version-script=${FLAME_PLUGIN_VERSION_SCRIPT}"
    LINKER:-z,now LINKER:-z,relro LINKER:-z,noexecstack
    LINKER:--gc-sections LINKER:--build-id=sha1 LINKER:--exclude-libs,ALL)
  _flame_is_sanitized_clang(sanitized_clang)
  if(NOT sanitized_clang)  # its sanitizer runtime lives in the executable, so a plugin has undefined __asan_* symbols
    target_link_options(${name} PRIVATE LINKER:-z,defs)
  endif()
  target_link_libraries(${name} PRIVATE flame::plugin_sdk ${arg_LINK})
  if(arg_PRECOMPILE)
    target_precompile_headers(${name} PRIVATE <flame/plugin.hpp>)
  endif()
  if(CMAKE_READELF)  # comes with the compiler's linker
    add_custom_command(TARGET ${name} POST_BUILD VERBATIM
      COMMAND ${CMAKE_COMMAND} -DPLUGIN=$<TARGET_FILE:${name}> -DREADELF=${CMAKE_READELF} -P ${FLAME_PLUGIN_LINT})
  else()
    message(WARNING "flame_add_plugin(${name}): no readelf (binutils), so nothing checks the plugin after the link")
  endif()
endfunction()

# Stops the configuration with a sentence when the caller's arguments are wrong.
macro(_flame_check_plugin_arguments)
  if(arg_UNPARSED_ARGUMENTS)
    message(FATAL_ERROR "flame_add_plugin(${name}): unknown arguments: ${arg_UNPARSED_ARGUMENTS}\n"
      "usage: flame_add_plugin(name VERSION x.y.z SOURCES file... [LINK library...] [OUTPUT_DIRECTORY dir] [PRECOMPILE])")
  endif()
  if(NOT arg_SOURCES)
    message(FATAL_ERROR "flame_add_plugin(${name}): SOURCES is missing")
  endif()
  if(NOT "${arg_VERSION}" MATCHES
      "^(0|[1-9][0-9]*)[.](0|[1-9][0-9]*)[.](0|[1-9][0-9]*)(-[0-9A-Za-z-]+([.][0-9A-Za-z-]+)*)?([+][0-9A-Za-z-]+([.][0-9A-Za-z-]+)*)?$")
    message(FATAL_ERROR "flame_add_plugin(${name}): VERSION \"${arg_VERSION}\" is no semantic version; write e.g. VERSION 1.4.0")
  endif()
endmacro()

function(_flame_is_sanitized_clang result)
  get_directory_property(options COMPILE_OPTIONS)
  set(${result} FALSE PARENT_SCOPE)
  if(CMAKE_CXX_COMPILER_ID MATCHES "Clang" AND "${options} ${CMAKE_CXX_FLAGS}" MATCHES "-fsanitize=")
    set(${result} TRUE PARENT_SCOPE)
  endif()
endfunction()
