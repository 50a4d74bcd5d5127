// A plugin with signal handlers of its own, installed in every place where one can be.
#include "handlers_tasks.hpp"

#include <sys/wait.h>
#include <unistd.h>

#include <array>
#include <csignal>
#include <cstdlib>
#include <stdexcept>

#include <flame/plugin.hpp>

namespace handlers {
namespace {

std::array<char, 256 * 1024> signal_stack;
std::array<char, 2048> small_signal_stack;  // MINSIGSTKSZ, as programs have it compiled in
const char* volatile ran = "";
struct sigaction before {};

void at_load(int) {
  ran = "load";
}
void at_start(int) {
  ran = "start";
}
void at_start_slot(int) {
  ran = "start_slot";
}
void at_task(int) {
  ran = "task";
}

void install(int signal, void (*handler)(int)) {
  struct sigaction action {};
  action.sa_handler = handler;
  if (::sigaction(signal, &action, nullptr) != 0) throw std::runtime_error("sigaction");
}

// What a library does that has to be there before anything else: a runtime of another language, for instance.
[[gnu::constructor]] void load() {
  install(SIGBUS, at_load);
}

template <class Memory>
void use_as_signal_stack(Memory& memory) {
  stack_t stack{};
  stack.ss_sp = memory.data();
  stack.ss_size = memory.size();
  if (::sigaltstack(&stack, nullptr) != 0) throw std::runtime_error("sigaltstack");
}

void start() {
  install(SIGFPE, at_start);
  use_as_signal_stack(signal_stack);
}

void start_slot() {
  install(SIGILL, at_start_slot);
  if (std::getenv("SMALL_SIGNAL_STACK") != nullptr) use_as_signal_stack(small_signal_stack);
}

void hand_on(int signal, siginfo_t* info, void* context) {
  if ((before.sa_flags & SA_SIGINFO) != 0) return before.sa_sigaction(signal, info, context);
  ::sigaction(signal, &before, nullptr);
}

}  // namespace

std::string raise_and_tell(std::int32_t signal) {
  ran = "";
  std::raise(signal);
  return ran;
}

std::string raise_with_a_handler_of_the_task(std::int32_t signal) {
  struct sigaction present {};
  ::sigaction(signal, nullptr, &present);
  install(signal, at_task);
  std::string result = raise_and_tell(signal);
  ::sigaction(signal, &present, nullptr);
  return result;
}

void crash_and_hand_on() {
  struct sigaction action {};
  action.sa_sigaction = hand_on;
  action.sa_flags = SA_SIGINFO | SA_ONSTACK;
  ::sigaction(SIGSEGV, &action, &before);
  std::raise(SIGSEGV);
  ran = "nothing";  // so that the call is no jump, and this function is on the stack
}

bool has_its_own_signal_stack() {
  stack_t stack{};
  ::sigaltstack(nullptr, &stack);
  return stack.ss_sp == signal_stack.data();
}

std::int32_t child_crashes() {
  const pid_t child = ::fork();
  if (child == 0) {
    std::raise(SIGSEGV);
    ::_exit(0);
  }
  int status = 0;
  ::waitpid(child, &status, 0);
  return WIFSIGNALED(status) ? WTERMSIG(status) : 0;
}

}  // namespace handlers

FLAME_PLUGIN("edge_handlers", "1.0.0", p) {
  p.task<handlers::raise_and_tell>();
  p.task<handlers::raise_with_a_handler_of_the_task>();
  p.task<handlers::crash_and_hand_on>();
  p.task<handlers::has_its_own_signal_stack>();
  p.task<handlers::child_crashes>();
  p.start<handlers::start>();
  p.start_slot<handlers::start_slot>();
}
