// Whether a task made a system call.
#include "runner/slot/syscall_watch.hpp"

#include <signal.h>
#include <sys/auxv.h>
#include <sys/prctl.h>
#include <ucontext.h>

#include <algorithm>
#include <utility>

#include "plugin_sdk/base/limits.hpp"
#include "runner/slot/signal_action.hpp"

namespace flame::slot {
namespace {

// A sanitizer's runtime makes system calls of its own at any time.
#if defined(__x86_64__) && !defined(__SANITIZE_ADDRESS__) && !defined(__SANITIZE_THREAD__)
constexpr bool kSupported = true;
#else
constexpr bool kSupported = false;
#endif

// Of linux/prctl.h, linux/auxvec.h and asm-generic/siginfo.h, which are younger than some C libraries.
constexpr int kSetDispatch = 59;
constexpr unsigned long kDispatchOff = 0;
constexpr unsigned long kDispatchOn = 1;
constexpr int kRaisedByDispatch = 2;
constexpr unsigned long kSignalFrameSize = 51;  // AT_MINSIGSTKSZ
/// A signal's frame where the kernel does not tell: with AVX-512, the largest state that such kernels know.
constexpr std::size_t kSignalFrameMin = 4 * limits::KiB;
/// What the handler itself needs, generously.
constexpr std::size_t kHandlerRoom = 4 * limits::KiB;
constexpr unsigned char kPass = 0;
constexpr unsigned char kRaise = 1;

// The kernel reads it at each system call of the thread. A child that a task forks is not watched, and finds kPass.
constinit volatile unsigned char selector = kPass;
constinit volatile sig_atomic_t raised = 0;

#ifdef __x86_64__
constexpr greg_t kSyscallInstruction = 2;  // bytes

// What the kernel found in the registers stays there; the instruction is executed once more.
void repeat_system_call(const siginfo_t* info, void* context) {
  auto& registers = static_cast<ucontext_t*>(context)->uc_mcontext.gregs;
  registers[REG_RAX] = info->si_syscall;
  registers[REG_RIP] -= kSyscallInstruction;
}
#else
void repeat_system_call(const siginfo_t*, void*) {}
#endif

void on_system_call(int signal, siginfo_t* info, void* context) {
  selector = kPass;
  if (info->si_code != kRaisedByDispatch) {  // a seccomp filter's, or sent: as if nobody handled it
    ::signal(signal, SIG_DFL);
    ::raise(signal);
    return;
  }
  raised = 1;
  repeat_system_call(info, context);
}

// A plugin's start_slot() may have set one of 2 KiB, the old MINSIGSTKSZ: less than the frame alone takes today.
bool fits_on_signal_stack() {
  stack_t present{};
  if (::sigaltstack(nullptr, &present) != 0) return false;
  if ((present.ss_flags & SS_DISABLE) != 0) return true;  // then the handler runs where the task does
  return present.ss_size >= std::max<std::size_t>(::getauxval(kSignalFrameSize), kSignalFrameMin) + kHandlerRoom;
}

// On the signal stack, which FLAME gives each slot (64 KiB, see adopt_thread()): a task may be near the end of its
// stack when it makes its first system call, or run on a small one of its own, as coroutines do. Neither has room for a
// signal's frame.
bool take_signal() {
  struct sigaction action {};
  action.sa_sigaction = on_system_call;
  action.sa_flags = SA_SIGINFO | SA_ONSTACK;
  ::sigemptyset(&action.sa_mask);
  return ::sigaction(SIGSYS, &action, nullptr) == 0;
}

bool set_dispatch(unsigned long mode) {
  return ::prctl(kSetDispatch, mode, 0UL, 0UL, mode == kDispatchOn ? &selector : nullptr) == 0;
}

// A handler that blocks SIGSYS would die of its first system call, be it the one that ends it.
bool lets_sigsys_in(int signal) {
  struct sigaction present {};
  return ::sigaction(signal, nullptr, &present) == 0 && ::sigismember(&present.sa_mask, SIGSYS) == 0;
}

bool all_let_sigsys_in(std::uint64_t caught) {
  for (int signal = 1; signal < NSIG; ++signal) {
    if ((caught >> (signal - 1) & 1) != 0 && !lets_sigsys_in(signal)) return false;
  }
  return true;
}

}  // namespace

bool WatchPace::due(std::uint64_t task) {
  Row& row = rows_[task];
  if (row.skip == 0) return true;
  --row.skip;
  return false;
}

void WatchPace::ended(std::uint64_t task, bool made_system_calls) {
  Row& row = rows_[task];
  row.last = made_system_calls ? std::clamp(2 * row.last, 1U, kSkipMax) : 0;
  row.skip = row.last;
}

SyscallWatch::SyscallWatch() {
  if (kSupported && is_free(SIGSYS) && fits_on_signal_stack() && take_signal()) {
    available_ = set_dispatch(kDispatchOn);
    if (!available_) ::signal(SIGSYS, SIG_DFL);
  }
}

SyscallWatch::~SyscallWatch() {
  if (available_) set_dispatch(kDispatchOff);
}

// Not after a call that touched something and was not judged, as while objects live in the slot: it may have blocked
// our signal, or set a signal stack that is too small.
void SyscallWatch::task_begins(std::uint64_t task) {
  watching_ = untouched_ && pace_.due(task);
  if (!watching_) return touched();
  task_ = task;
  raised = 0;
  selector = kRaise;
}

void SyscallWatch::task_ended() noexcept {
  selector = kPass;
  if (!watching_) return;
  watching_ = false;
  pace_.ended(task_, raised != 0);
  if (raised != 0) touched();
}

void SyscallWatch::looked(const ProcessStatus& now) {
  untouched_ = available_ && harmless(now);
}

// Another thread could change anything at any time, and the kernel kills who blocks the signal that it has to raise.
bool SyscallWatch::harmless(const ProcessStatus& now) {
  if (now.threads != 1 || (now.blocked >> (SIGSYS - 1) & 1) != 0) return false;
  if (now.caught != std::exchange(caught_, now.caught)) handlers_harmless_ = all_let_sigsys_in(now.caught);
  return handlers_harmless_;
}

}  // namespace flame::slot
