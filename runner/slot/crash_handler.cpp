// Announces a crash in the control page before the process dies of it.
#include "runner/slot/crash_handler.hpp"

#include <execinfo.h>
#include <signal.h>
#include <sys/mman.h>
#include <sys/syscall.h>
#include <ucontext.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <atomic>

#include "runner/slot/code_frame.hpp"
#include "runner/slot/signal_action.hpp"

namespace flame::slot {
namespace {

constexpr std::array<int, 5> kSignals = {SIGSEGV, SIGBUS, SIGFPE, SIGILL, SIGABRT};
constexpr std::size_t kSignalStack = 64 * limits::KiB;
/// A fault this close to the stack pointer is the guard page: one frame with a large array jumps that far.
constexpr std::uint64_t kNearStack = 64 * limits::KiB;

constinit std::atomic<ControlPage*> process_page{nullptr};
constinit std::atomic<pid_t> process_id{0};  // a child that a task has forked is not the slot
constinit thread_local ControlPage* thread_page = nullptr;

std::uint64_t stack_pointer(const void* context) {
  const auto& machine = static_cast<const ucontext_t*>(context)->uc_mcontext;
#if defined(__x86_64__)
  return static_cast<std::uint64_t>(machine.gregs[REG_RSP]);
#elif defined(__aarch64__)
  return machine.sp;
#else
#error "stack pointer of this architecture"
#endif
}

bool near_stack(std::uint64_t address, std::uint64_t stack) {
  return address < stack + kNearStack && address + kNearStack > stack;
}

// Async-signal-safe except for backtrace(), which may wait for the loader's lock: the first announcement comes before
// it, and the supervisor kills a slot that does not die then.
void on_crash(int signal, siginfo_t* info, void* context) {
  ControlPage* page = ::getpid() == process_id.load() ? current_page() : nullptr;
  if (page != nullptr && page->crash.announced.exchange(1) == 0) {
    CrashInfo& crash = page->crash;
    const auto address = reinterpret_cast<std::uint64_t>(info->si_addr);
    crash.signal.store(signal);
    crash.by_helper.store(thread_page == nullptr);
    crash.code.store(info->si_code);
    if (signal != SIGABRT) crash.address.store(address);
    crash.stack_overflow.store(signal == SIGSEGV && info->si_code > 0 && near_stack(address, stack_pointer(context)));
    std::array<void*, kCrashFrames> frames{};
    const int count = ::backtrace(frames.data(), static_cast<int>(frames.size()));
    for (int i = 0; i < count; ++i) {
      const auto slot = static_cast<std::size_t>(i);
      describe_frame(crash.frames[slot], frames[slot]);
    }
    crash.frame_count.store(static_cast<std::uint32_t>(std::max(count, 0)));
    crash.announced.store(2);
  }
  ::signal(signal, SIG_DFL);
  // Blocked until this handler returns; then the process dies of the true signal, also if it came from kill().
  ::syscall(SYS_tgkill, ::getpid(), ::syscall(SYS_gettid), signal);
}

}  // namespace

ControlPage* current_page() noexcept {
  return thread_page != nullptr ? thread_page : process_page.load(std::memory_order_acquire);
}

void install_crash_handler() {
  std::array<void*, 2> frames{};  // loads what backtrace() needs: a handler may not load libraries
  static_cast<void>(::backtrace(frames.data(), static_cast<int>(frames.size())));
  struct sigaction action {};
  action.sa_sigaction = on_crash;
  action.sa_flags = SA_SIGINFO | SA_ONSTACK;
  ::sigemptyset(&action.sa_mask);
  for (const int signal : kSignals) {
    if (is_free(signal)) ::sigaction(signal, &action, nullptr);
  }
}

void report_crashes_into(ControlPage* page) {
  process_id.store(::getpid());
  process_page.store(page, std::memory_order_release);
}

void adopt_thread(ControlPage* page) {
  thread_page = page;
  stack_t present{};
  if (::sigaltstack(nullptr, &present) == 0 && (present.ss_flags & SS_DISABLE) == 0) return;  // the plugin has its own
  void* stack = ::mmap(nullptr, kSignalStack, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
  if (stack == MAP_FAILED) return;  // then a stack overflow is only known by its signal
  stack_t alternative{};
  alternative.ss_sp = stack;
  alternative.ss_size = kSignalStack;
  ::sigaltstack(&alternative, nullptr);
}

}  // namespace flame::slot
