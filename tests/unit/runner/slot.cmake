# Tests of slots and zygotes; included by tests/unit/runner/CMakeLists.txt.
if(NOT TARGET c_fixture_hostile)
  add_subdirectory(${PROJECT_SOURCE_DIR}/tests/fixtures/c_plugins ${PROJECT_BINARY_DIR}/tests/fixtures/c_plugins)
endif()
set(slot_tests ${CMAKE_CURRENT_LIST_DIR}/slot)

flame_add_test(slot_units
  SOURCES ${slot_tests}/printable_test.cpp ${slot_tests}/result_store_test.cpp ${slot_tests}/object_table_test.cpp
          ${slot_tests}/plugin_table_test.cpp ${slot_tests}/table_check_test.cpp ${slot_tests}/hostile_peer_test.cpp
          ${slot_tests}/followers_test.cpp ${slot_tests}/kept_threads_test.cpp
          ${slot_tests}/process_status_test.cpp ${slot_tests}/environment_test.cpp ${slot_tests}/watches_test.cpp
          ${slot_tests}/syscall_watch_test.cpp
          ${PROJECT_SOURCE_DIR}/runner/zygote/table_check.cpp
  LINK flame_slot flame_slot_handles)

flame_add_test(slot_processes
  SOURCES ${slot_tests}/slot_harness.cpp ${slot_tests}/calls_test.cpp ${slot_tests}/child_thread_test.cpp
          ${slot_tests}/deaths_test.cpp
          ${slot_tests}/hygiene_test.cpp ${slot_tests}/zygote_test.cpp
  LINK flame_slot_handles TIMEOUT 120)
target_compile_definitions(slot_processes PRIVATE
  FLAME_TEST_ZYGOTE="$<TARGET_FILE:flame-zygote>"
  FLAME_TEST_C_PLUGINS="${PROJECT_BINARY_DIR}/c_plugins")
add_dependencies(slot_processes flame-zygote c_fixture_hostile)
foreach(flaw IN ITEMS constructor start_crashes start_fails start_thread start_slot_fails major minor stride no_entry
                      undefined start_prints start_exits static_tls)
  add_dependencies(slot_processes c_fixture_${flaw})
endforeach()
