// A process beside each slot (an interpreter, a browser, an office program), started in start_slot() and asked by
// pipes. It ends with its slot, because its input does.
#include <fcntl.h>
#include <unistd.h>

#include <stdexcept>

#include <flame/plugin.hpp>

#include "plugins/threads/threads.hpp"

namespace threads_helper {
namespace {

int to_helper = -1;
int from_helper = -1;

// `cat` in the place of a program that answers each line.
void start_slot() {
  int to[2];
  int from[2];
  if (::pipe2(to, O_CLOEXEC) != 0 || ::pipe2(from, O_CLOEXEC) != 0) throw std::runtime_error("no pipes");
  if (::fork() == 0) {
    ::dup2(to[0], STDIN_FILENO);
    ::dup2(from[1], STDOUT_FILENO);
    ::execlp("cat", "cat", static_cast<char*>(nullptr));
    ::_exit(127);
  }
  ::close(to[0]);
  ::close(from[1]);
  to_helper = to[1];
  from_helper = from[0];
}

}  // namespace

threads::Report ask_helper(std::int64_t n) {
  return threads::measured([n] {
    std::int64_t answer = 0;
    if (::write(to_helper, &n, sizeof(n)) != sizeof(n) ||
        ::read(from_helper, &answer, sizeof(answer)) != sizeof(answer))
      throw std::runtime_error("the helper does not answer");
    return static_cast<double>(answer);
  });
}

}  // namespace threads_helper

FLAME_PLUGIN("threads_helper", "1.0.0", p) {
  p.start_slot<threads_helper::start_slot>();
  p.task<threads_helper::ask_helper>();
}
