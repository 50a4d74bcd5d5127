# Tests of the plugin side of the SDK and of the manifest reader; included by CMakeLists.txt.
flame_add_test(manifest_test
  SOURCES manifest/semver_test.cpp manifest/elf_note_test.cpp manifest/elf_symbols_test.cpp
          manifest/manifest_test.cpp
  LINK flame_manifest)

# The same sources that would be a plugin, linked into a test: what FLAME_PLUGIN makes is read from the test itself.
flame_add_test(plugin_test
  SOURCES plugin/plugin_test.cpp plugin/sample.cpp plugin/context_test.cpp plugin/demangle_test.cpp plugin/firewall_test.cpp
          plugin/testing_test.cpp
  LINK flame_manifest)
target_compile_definitions(plugin_test PRIVATE FLAME_TEST_PROJECT_VERSION="${PROJECT_VERSION}")

flame_add_test(fixture_plugins_test
  SOURCES plugin/fixture_plugins_test.cpp
  LINK flame_manifest flame_fixture_plugins ${CMAKE_DL_LIBS})
add_dependencies(fixture_plugins_test flame_fixture_plugins)
