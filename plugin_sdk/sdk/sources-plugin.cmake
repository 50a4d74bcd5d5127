# The plugin's side of the SDK: context, exception firewall, trampolines, unit-test harness.
target_sources(flame_sdk PRIVATE
  sdk/context.cpp
  sdk/demangle.cpp
  sdk/firewall.cpp
  sdk/local_object.cpp
  sdk/plugin_call.cpp
  sdk/process_parent.cpp
  sdk/stop_watcher.cpp
  sdk/testing.cpp
  sdk/throw_site.cpp)
find_package(Threads REQUIRED)
target_link_libraries(flame_sdk PUBLIC Threads::Threads)
