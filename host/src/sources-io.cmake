# Loop, transport and public API of the host. zmq.hpp is included by router.cpp, zap.cpp and zmq_*
# only.
target_sources(flame_host_core PRIVATE
  src/call.cpp
  src/control/answer.cpp
  src/control/client.cpp
  src/control/request.cpp
  src/control/server.cpp
  src/control/socket.cpp
  src/dynamic.cpp
  src/executor.cpp
  src/forked.cpp
  src/host.cpp
  src/host_setup.cpp
  src/inbox.cpp
  src/loop.cpp
  src/loop_control.cpp
  src/loop_seat.cpp
  src/machines.cpp
  src/objects.cpp
  src/pool_actions.cpp
  src/pool_core.cpp
  src/pool_driver.cpp
  src/pool_status.cpp
  src/queue_gate.cpp
  src/router.cpp
  src/runtime_dir.cpp
  src/scheduling_class.cpp
  src/session.cpp
  src/session_table.cpp
  src/tcp_guard.cpp
  src/thread_setting.cpp
  src/waitable.cpp
  src/zap.cpp
  src/zmq_threads.cpp)
target_link_libraries(flame_host_core PRIVATE cppzmq PkgConfig::zmq Threads::Threads
  $<BUILD_INTERFACE:nlohmann_json::nlohmann_json>)  # headers only, in control/*.cpp
