// The plugin "brief_tasks".
#include "tests/integration/pool/brief_tasks.hpp"

#include <poll.h>
#include <sys/syscall.h>
#include <unistd.h>

#include <cstdlib>
#include <fstream>
#include <stdexcept>
#include <thread>

#include <flame/plugin.hpp>

#include "runner/protocol/protocol.hpp"

namespace brief {
namespace {

void wait_for(const std::string& file, flame::Context& context) {
  while (::access(file.c_str(), F_OK) != 0) {
    if (context.stop_requested()) throw std::runtime_error("stopped");
    ::poll(nullptr, 0, 1);
  }
}

// As only hostile code would: through the page that the slot shares with its supervisor.
void lie() {
  std::ifstream maps("/proc/self/maps");
  for (std::string line; std::getline(maps, line);) {
    if (line.find("flame-control") == std::string::npos) continue;
    auto* page = reinterpret_cast<flame::slot::ControlPage*>(std::stoull(line, nullptr, 16));
    page->claims.store(flame::slot::Claims{~0U, 0}.pack());
  }
  ::pause();
}

void make(const std::string& trouble, std::int64_t value, flame::Context& context) {
  if (trouble == "crash") std::abort();
  if (trouble == "exit") ::_exit(3);
  if (trouble == "throw") throw std::runtime_error("thrown by " + std::to_string(value));
  if (trouble == "thread") return std::thread([] { ::pause(); }).detach();
  if (trouble == "hang") ::pause();
  if (trouble == "lie") lie();
  if (trouble != "write") return wait_for(trouble, context);
  const std::string line = std::to_string(value) + "\n";
  if (::write(STDOUT_FILENO, line.data(), line.size()) < 0) throw std::runtime_error("no stdout");
}

}  // namespace

Stamp step(flame::Context& context, std::int64_t value, std::string trouble) {
  Stamp stamp{value, ::getpid(), ::syscall(SYS_gettid), {}};
  if (trouble.empty()) return stamp;
  if (trouble.find_first_not_of("0123456789") != std::string::npos) {
    make(trouble, value, context);
  } else {
    stamp.text.assign(std::stoul(trouble), static_cast<char>('a' + value % 26));
  }
  return stamp;
}

}  // namespace brief

FLAME_PLUGIN("brief_tasks", "1.0.0", p) {
  p.task<brief::step>();
}
