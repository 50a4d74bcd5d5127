// The plugin edge_processes.
#include "tests/integration/edge/processes_tasks.hpp"

#include <signal.h>
#include <sys/resource.h>
#include <unistd.h>

#include <chrono>
#include <cstdlib>
#include <fstream>

#include <flame/plugin.hpp>

#include "tests/support/eventually.hpp"

namespace edge_processes {

std::int64_t process() {
  return ::getpid();
}

std::int64_t open_files() {
  rlimit limit{};
  ::getrlimit(RLIMIT_NOFILE, &limit);
  return static_cast<std::int64_t>(limit.rlim_cur);
}

void crash() {
  ::raise(SIGKILL);
}

void leave(std::int32_t code) {
  std::exit(code);
}

void hold(flame::Context& context) {
  static_cast<void>(flame::test::eventually([&] { return context.stop_requested(); }, std::chrono::minutes(5)));
}

void work_for(std::int32_t milliseconds) {
  static_cast<void>(flame::test::eventually([] { return false; }, std::chrono::milliseconds(milliseconds)));
}

std::string echo(std::string text) {
  return text;
}

void stand_still(std::string file) {
  std::ofstream(file + ".part") << ::getpid() << "\n";
  ::rename((file + ".part").c_str(), file.c_str());
  ::raise(SIGSTOP);
}

void keep_daemon(flame::Context& context, std::string file) {
  if (::fork() == 0) {
    ::setsid();
    if (::fork() == 0) {
      std::ofstream(file + ".part") << ::getpid() << "\n";
      ::rename((file + ".part").c_str(), file.c_str());
      for (;;) ::pause();
    }
    ::_exit(0);
  }
  hold(context);
}

}  // namespace edge_processes

FLAME_PLUGIN("edge_processes", "1.0.0", p) {
  p.task<edge_processes::process>();
  p.task<edge_processes::open_files>();
  p.task<edge_processes::crash>();
  p.task<edge_processes::leave>();
  p.task<edge_processes::hold>();
  p.task<edge_processes::work_for>();
  p.task<edge_processes::echo>();
  p.task<edge_processes::stand_still>();
  p.task<edge_processes::keep_daemon>();
}
