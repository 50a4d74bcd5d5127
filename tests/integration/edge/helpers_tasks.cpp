// A plugin that keeps a process beside each of its slots.
#include "tests/integration/edge/helpers_tasks.hpp"

#include <fcntl.h>
#include <signal.h>
#include <sys/wait.h>
#include <unistd.h>

#include <array>
#include <cstdio>
#include <stdexcept>

#include <flame/plugin.hpp>

namespace helpers {
namespace {

constexpr int kEndsWith = 7;

pid_t helper = 0;
int to_helper = -1;
int from_helper = -1;

[[noreturn]] void serve(int in, int out) {
  char byte = 0;
  while (::read(in, &byte, 1) == 1 && ::write(out, &byte, 1) == 1) {
  }
  ::_exit(kEndsWith);
}

void start_slot() {
  int to[2];
  int from[2];
  if (::pipe2(to, O_CLOEXEC) != 0 || ::pipe2(from, O_CLOEXEC) != 0) throw std::runtime_error("no pipes");
  helper = ::fork();
  if (helper == 0) {
    ::close(to[1]);  // so that the helper ends with its slot
    serve(to[0], from[1]);
  }
  ::close(to[0]);
  ::close(from[1]);
  to_helper = to[1];
  from_helper = from[0];
}

}  // namespace

std::int64_t process_id() {
  return ::getpid();
}
std::int64_t helper_id() {
  return helper;
}
std::string ask_helper(std::string question) {
  std::string answer;
  for (const char letter : question) {
    char byte = letter;
    if (::write(to_helper, &byte, 1) != 1 || ::read(from_helper, &byte, 1) != 1) return "no answer";
    answer += byte;
  }
  return answer;
}
std::int32_t exit_status(std::string command) {
  std::FILE* pipe = ::popen(command.c_str(), "r");
  if (pipe == nullptr) return -1;
  const int status = ::pclose(pipe);
  return status != -1 && WIFEXITED(status) ? WEXITSTATUS(status) : -1;
}
std::int64_t leave_child() {
  const pid_t child = ::fork();
  if (child == 0) {
    for (;;) ::pause();
  }
  return child;
}
std::int32_t wait_for_helper() {
  int status = 0;
  if (::waitpid(helper, &status, 0) != helper) return -1;
  return WIFEXITED(status) ? WEXITSTATUS(status) : WTERMSIG(status);
}
std::int32_t end_helper() {
  ::close(to_helper);
  return wait_for_helper();
}
void kill_helper() {
  ::kill(helper, SIGKILL);
  siginfo_t info{};  // until it has ended, without taking its status
  ::waitid(P_PID, static_cast<id_t>(helper), &info, WEXITED | WNOWAIT);
}

}  // namespace helpers

FLAME_PLUGIN("edge_helpers", "1.0.0", p) {
  using namespace helpers;
  p.start_slot<start_slot>();
  p.task<process_id>();
  p.task<helper_id>();
  p.task<ask_helper>();
  p.task<exit_status>();
  p.task<leave_child>();
  p.task<end_helper>();
  p.task<kill_helper>();
  p.task<wait_for_helper>();
}
