# What this repository's own targets share: warnings, sanitizers, third-party packages. Not installed.
include_guard(GLOBAL)

find_package(Threads REQUIRED)
find_package(PkgConfig REQUIRED)
find_package(Boost 1.81 REQUIRED)
find_package(fmt REQUIRED)
find_package(spdlog REQUIRED)
find_package(cppzmq REQUIRED)
find_package(nlohmann_json REQUIRED)
find_package(CLI11 REQUIRED)
pkg_check_modules(zmq REQUIRED IMPORTED_TARGET libzmq)
pkg_check_modules(sodium REQUIRED IMPORTED_TARGET libsodium)
pkg_check_modules(tomlplusplus REQUIRED IMPORTED_TARGET tomlplusplus)
# Debian's libzmq adds the directories of its own dependencies, one of them after a lone "-isystem", which FindPkgConfig
# understands in the first configure of a build tree and not in the next: without this, a second one rebuilds all users.
set_target_properties(PkgConfig::zmq PROPERTIES
  INTERFACE_INCLUDE_DIRECTORIES "${zmq_INCLUDEDIR}" INTERFACE_COMPILE_OPTIONS "")
find_library(FLAME_FLATBUFFERS flatbuffers REQUIRED)
find_program(FLAME_FLATC flatc REQUIRED)

if(FLAME_COMPILE_BUDGET)  # read by tests/style/compile_budget.py
  set_property(GLOBAL PROPERTY RULE_LAUNCH_COMPILE
    "${CMAKE_CURRENT_LIST_DIR}/cpu_time ${PROJECT_BINARY_DIR}/cpu_seconds.log <OBJECT>")
endif()

if(FLAME_PRECOMPILE AND CMAKE_CXX_COMPILER_ID MATCHES "Clang")
  add_compile_options("SHELL:-Xclang -fno-pch-timestamp")  # or ccache never has one
endif()

if(PROJECT_IS_TOP_LEVEL)
  # No garbage collection in the compiler before it uses 1 GiB: a fifth of its time, for 150 MB more of memory.
  add_compile_options($<$<CXX_COMPILER_ID:GNU>:--param=ggc-min-heapsize=1048576>)
endif()

# flame_unity_at_most(TARGET N): its sources are so dear that more of them in one unit break tests/style/compile_budget.py.
function(flame_unity_at_most target sources)
  if(FLAME_COMPILE_BUDGET)
    set_target_properties(${target} PROPERTIES UNITY_BUILD_BATCH_SIZE ${sources})
  endif()
endfunction()

# flame_unity_alone(TARGET FILE...): of these sources none is put into one unit with others.
function(flame_unity_alone target)
  if(FLAME_COMPILE_BUDGET)
    set_source_files_properties(${ARGN} TARGET_DIRECTORY ${target} PROPERTIES SKIP_UNITY_BUILD_INCLUSION ON)
  endif()
endfunction()

# flame_precompile(TARGET HEADER...): its sources are compiled after these headers, which are read once for all of them.
# Builds without FLAME_PRECOMPILE (releases, clang-tidy's) prove that each source includes what it needs.
function(flame_precompile target)
  if(FLAME_PRECOMPILE)
    target_precompile_headers(${target} PRIVATE ${ARGN})
  endif()
endfunction()

# flame_options: compile options of every target of this repository, never of a user's target.
add_library(flame_options INTERFACE)
target_compile_options(flame_options INTERFACE
  -Wall -Wextra -Wpedantic -Wshadow -Wconversion -Wnon-virtual-dtor -Wold-style-cast -Wno-missing-field-initializers
  $<$<CXX_COMPILER_ID:GNU>:-Wno-restrict>  # false positives of g++ 12 on operator+ of strings (its bug 105651)
  # In a unity build g++ takes every source for a header that is included.
  $<$<AND:$<CXX_COMPILER_ID:GNU>,$<BOOL:${CMAKE_UNITY_BUILD}>>:-Wno-subobject-linkage>
  $<$<BOOL:${FLAME_WERROR}>:-Werror>)
target_include_directories(flame_options INTERFACE $<BUILD_INTERFACE:${PROJECT_SOURCE_DIR}>)
# No effect on consumers; exported because static libraries record whom they link.
set_target_properties(flame_options PROPERTIES EXPORT_NAME options)
install(TARGETS flame_options EXPORT flamePluginTargets)
if(FLAME_SANITIZE)
  add_compile_options(-fsanitize=${FLAME_SANITIZE} -fno-omit-frame-pointer -fno-sanitize-recover=all)
  add_link_options(-fsanitize=${FLAME_SANITIZE})
  # The instrumentation hides initialisations from g++.
  target_compile_options(flame_options INTERFACE $<$<CXX_COMPILER_ID:GNU>:-Wno-maybe-uninitialized>)
  if(CMAKE_CXX_COMPILER_ID MATCHES "Clang" AND FLAME_SANITIZE MATCHES "address|thread")
    string(TOUPPER ${CMAKE_MATCH_0} kind)
    add_compile_definitions(__SANITIZE_${kind}__=1)  # g++'s word for it, which the sources ask for
    if(kind STREQUAL "ADDRESS")  # tests measure stacks, and so does the plugins' limit on them
      add_compile_options(-fsanitize-address-use-after-return=never)
    endif()
  endif()
endif()
if(FLAME_SANITIZE MATCHES "thread")  # in every executable that links libzmq, and in flame-zygote
  add_library(flame_thread_sanitizer OBJECT ${PROJECT_SOURCE_DIR}/plugin_sdk/base/thread_sanitizer.cpp)
  set_property(TARGET PkgConfig::zmq APPEND PROPERTY
    INTERFACE_LINK_LIBRARIES $<TARGET_OBJECTS:flame_thread_sanitizer>)
endif()
