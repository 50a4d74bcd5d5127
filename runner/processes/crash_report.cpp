// See crash_report.hpp.
#include "runner/processes/crash_report.hpp"

#include <fmt/format.h>
#include <signal.h>
#include <sys/wait.h>

#include <algorithm>
#include <cctype>
#include <cerrno>
#include <charconv>
#include <cstring>
#include <string_view>

#include "plugin_sdk/base/file.hpp"
#include "plugin_sdk/base/limits.hpp"
#include "plugin_sdk/base/units.hpp"
#include "runner/protocol/protocol.hpp"

namespace flame::runner {
namespace {

constexpr std::uint64_t kKeptWorthTelling = 8 * limits::MiB;

std::string describe_wait(const std::string& waited_for) {
  if (!waited_for.empty()) return "The call reached its deadline before its task began: " + waited_for;
  return "The call reached its deadline before its task began: all slots were busy, or the plugin's start() or "
         "start_slot() still runs. Raise the timeout or max_concurrency, or find out why those do not return.";
}

void describe_kill(StopCause cause, const std::string& waited_for, Error& error) {
  switch (cause) {
    case StopCause::timed_out:
      error.code = ErrorCode::timed_out;
      if (error.started == Started::no) {
        error.message = describe_wait(waited_for);
        return;
      }
      error.message =
          "The task ran past its deadline and did not stop when asked, so it was killed. Raise the timeout, send less, "
          "or let the task check Context::stop_requested().";
      return;
    case StopCause::cancelled:
      error.code = ErrorCode::cancelled;
      error.message = "The call was cancelled; the task did not stop when asked, so it was killed.";
      return;
    default:
      error.code = ErrorCode::shutting_down;
      error.message = "The runner ended before the task did. Call again, or raise shutdown_timeout.";
  }
}

// Whose fault it is, as the subject of a sentence.
const char* culprit(const Death& death) {
  if (!death.before_ready) return "The task";
  return death.in_start_slot ? "The plugin's start_slot()" : "The plugin, as it was loaded for a slot,";
}

// What a program does to itself, as far as Unix tells; all else was sent.
bool is_own_fault(int signal) {
  return signal == SIGSEGV || signal == SIGBUS || signal == SIGILL || signal == SIGFPE || signal == SIGABRT ||
         signal == SIGSYS || signal == SIGTRAP || signal == SIGXFSZ;
}

// What the crash handler announces if it is there and can run; abort() sees to that itself. Loading a plugin in a slot
// that is exec'd comes before the handler.
bool lacks_report(const Death& death, int signal) {
  const bool announced = signal == SIGSEGV || signal == SIGBUS || signal == SIGILL || signal == SIGFPE;
  return announced && !death.crash && (!death.before_ready || death.in_start_slot);
}

std::string describe_lack_of_report(const Death& death, int signal) {
  std::string text = " No report of it could be written, as when the signal was blocked or the plugin handles it";
  if (signal == SIGSEGV) {
    text += fmt::format(
        ", or when a thread that the plugin made overflowed its stack (with limits.memory 1/{} of that, at least {} "
        "KiB): give it a larger one (pthread_attr_setstacksize(), OMP_STACKSIZE, more limits.memory)",
        limits::kStacksPerMemory, limits::kThreadStackMin / limits::KiB);
  }
  return text + (WCOREDUMP(death.wait_status) ? "." : ". For a core dump set limits.core = true.");
}

std::string remedy_for(const Death& death, int signal) {
  if (signal == SIGXCPU) return "It used up limits.cpu_time: raise that, or send less.";
  if (death.crash && death.crash->stack_overflow) return "Recurse less deeply, or keep large objects on the heap.";
  if (!is_own_fault(signal)) {
    return "FLAME did not send it: look for kill(), a timer or a closed pipe in the task, then into the machine's "
           "logs.";
  }
  const std::string place =
      death.where.empty() ? "Debug the plugin." : "Debug the plugin: error.where is its call stack.";
  if (lacks_report(death, signal)) return place + describe_lack_of_report(death, signal);
  if (signal != SIGABRT) return place;
  return "Its last output may name a failed assertion, or an exception that nothing caught. " + place;
}

// One that hung in its crash handler was killed by us: what it had reported is the cause.
int deadly_signal(const Death& death) {
  const int signal = WTERMSIG(death.wait_status);
  return signal == SIGKILL && death.crash && death.crash->signal != 0 ? death.crash->signal : signal;
}

std::string describe_suspects(const Death& death) {
  return fmt::format(
      "One of the {} tasks that ran there did it, in a thread of its own or by _exit(); with isolation = \"process\" "
      "the others live on and it is known which. ",
      death.suspects);
}

void describe_signal(const Death& death, int signal, Error& error) {
  error.signal = signal;
  error.message = death.before_ready ? fmt::format("{} crashed: {}", culprit(death), signal_text(signal))
                                     : "The task's process died: " + signal_text(signal);
  const bool overflow = death.crash && death.crash->stack_overflow;
  if (death.crash && !overflow && (signal == SIGSEGV || signal == SIGBUS)) {
    error.message += fmt::format(" at address {:#x}", death.crash->address);
  }
  if (overflow) error.message += ", the stack overflowed";
  if (WCOREDUMP(death.wait_status)) error.message += ", core dumped";
  error.message += ". ";
  if (death.suspects > 1) error.message += describe_suspects(death);
  error.message += remedy_for(death, signal);
}

// In the place of what a signal or an exit code would tell of itself: it only followed.
void describe_memory(const Death& death, Error& error) {
  error.code = ErrorCode::out_of_memory;
  const std::string end = error.signal != 0 ? "was ended by a signal: " + signal_text(error.signal)
                                            : fmt::format("ended with exit code {}", error.exit_code);
  error.message = fmt::format("{} ran out of memory. {} Its process {}.", culprit(death),
                              memory_remedy(death.memory_kept, death.before_ready ? "use less" : "send less"), end);
}

void describe_collateral(const Death& death, Error& error) {
  error.collateral = true;
  error.signal = death.crash_of_another;
  if (death.exit_of_another) {
    if (WIFEXITED(death.wait_status)) error.exit_code = WEXITSTATUS(death.wait_status);
    error.message = fmt::format(
        "Another task of the same process {}. Call again, or use isolation = \"process\" for tasks that may do so.",
        error.exit_code == slot::kExitThreadEnded ? "ended its thread" : "called exit()");
    return;
  }
  if (death.crash_of_another == 0) {
    error.message =
        "Another task of the same process did not stop when asked and had to be killed with it. Use isolation = "
        "\"process\" for tasks that may hang.";
    return;
  }
  error.message = fmt::format(
      "Another task of the same process crashed it: {}. Call again, or use isolation = \"process\" for tasks that may "
      "crash.",
      signal_text(death.crash_of_another));
}

void describe_exit(const Death& death, int code, Error& error) {
  error.exit_code = code;
  switch (code) {
    case slot::kExitChannelLost:
      error.message = "The task closed the runner's channel. Close only descriptors that the task has opened.";
      return;
    case slot::kExitThreadEnded:
      error.message = "The task ended its thread (pthread_exit() or a cancellation). Return or throw instead.";
      return;
    default:
      if (death.suspects > 1) {
        error.message = fmt::format("The task's process was ended with exit code {}. {}Return or throw instead.", code,
                                    describe_suspects(death));
        return;
      }
      error.message = fmt::format("{} ended its process with exit code {}. Return or throw instead of calling exit().",
                                  culprit(death), code);
  }
}

std::int64_t nanoseconds(const timeval& time) {
  return time.tv_sec * 1'000'000'000LL + time.tv_usec * 1000LL;
}

// What libraries say that end the process when a thread cannot be made: libgomp, or a std::thread in noexcept code.
std::string shortage_hint(const Death& death) {
  const std::string said = ::strerrordesc_np(EAGAIN);
  if (death.log_tail.find(said) == std::string::npos) return {};
  return fmt::format(
      " Its last output says \"{}\": mostly that is a thread that could not be made. Raise limits.memory, which counts "
      "the stacks of threads, or the machine's limit of processes; or use fewer threads.",
      said);
}

// What the C and C++ libraries say before they abort, and the cause that does not show in it.
std::string abort_hint(const Death& death) {
  constexpr std::string_view kNotJoined = "terminate called without an active exception";
  constexpr std::string_view kSwallowed = "FATAL: exception not rethrown";
  if (death.log_tail.find(kNotJoined) != std::string::npos) {
    return fmt::format(
        " Its last output says \"{}\": mostly that is a std::thread which was destroyed before join(), for instance "
        "because a further one could not be made. Raise limits.memory, which counts the stacks of threads, or use "
        "fewer; and join each, also where an exception passes.",
        kNotJoined);
  }
  if (death.log_tail.find(kSwallowed) == std::string::npos) return {};
  return fmt::format(
      " Its last output says \"{}\": a catch (...) stopped the end of its thread, by pthread_exit() or a cancellation. "
      "Return or throw instead.",
      kSwallowed);
}

bool ran_out_of_memory(const Death& death) {
  return death.allocation_failed || death.oom_killed;
}

}  // namespace

std::string signal_text(int signal) {
  const char* text = ::sigdescr_np(signal);
  std::string name = text == nullptr ? "unknown signal" : text;
  name[0] = static_cast<char>(std::tolower(static_cast<unsigned char>(name[0])));
  return fmt::format("{} (signal {})", name, signal);
}

std::string memory_remedy(std::uint64_t kept, std::string_view otherwise) {
  std::string text = fmt::format("Raise limits.memory or {}.", otherwise);
  if (kept < kKeptWorthTelling) return text;
  return text + fmt::format(" Earlier calls of its slot had left {} in use: look for what the plugin keeps.",
                            base::approximate_size(kept));
}

Error describe_death(const Death& death) {
  Error error;
  error.started = death.started;
  error.log_tail = death.log_tail;
  error.usage = death.usage;
  error.where = death.where;
  if (death.cause != StopCause::none) {
    describe_kill(death.cause, death.waited_for, error);
    return error;
  }
  error.code = ErrorCode::crashed;
  if (death.collateral) {
    describe_collateral(death, error);
  } else if (!death.channel_lost.empty()) {
    error.message = death.channel_lost;
  } else if (WIFSIGNALED(death.wait_status)) {
    describe_signal(death, deadly_signal(death), error);
  } else {
    describe_exit(death, WEXITSTATUS(death.wait_status), error);
  }
  if (death.collateral || !death.channel_lost.empty()) return error;
  if (ran_out_of_memory(death)) describe_memory(death, error);
  const bool known = error.exit_code == slot::kExitChannelLost || error.exit_code == slot::kExitThreadEnded;
  if (error.signal == SIGABRT || (error.signal == 0 && !known)) error.message += shortage_hint(death);
  if (error.signal == SIGABRT) error.message += abort_hint(death);
  return error;
}

Error describe_overdue(std::string_view name, Duration limit, std::string log_tail) {
  Error error;
  error.code = ErrorCode::timed_out;
  error.started = Started::no;
  error.log_tail = std::move(log_tail);
  error.message = fmt::format(
      "The plugin's {} did not return within {}, the pool's boot_timeout, and was killed before the call could begin. "
      "Raise boot_timeout, or do less there.",
      name, base::format_duration(limit));
  return error;
}

// The slot's word may be anything: no difference is negative.
Usage usage_until_death(const Usage& begin, const rusage& end, Instant now, bool threads) {
  const auto since = [](std::int64_t last, std::int64_t first) { return first > last || first < 0 ? 0 : last - first; };
  Usage usage;
  usage.wall_ns = since(now.time_since_epoch().count(), begin.wall_ns);
  if (threads) return usage;
  usage.user_ns = since(nanoseconds(end.ru_utime), begin.user_ns);
  usage.system_ns = since(nanoseconds(end.ru_stime), begin.system_ns);
  const std::uint64_t peak = static_cast<std::uint64_t>(end.ru_maxrss) * 1024;
  usage.peak_memory = peak - std::min(peak, begin.peak_memory);
  return usage;
}

std::uint64_t oom_kills() {
  const auto text = base::read_file("/proc/vmstat", limits::MiB);
  constexpr std::string_view kName = "\noom_kill ";
  const std::size_t at = text ? text->find(kName) : std::string::npos;
  if (at == std::string::npos) return 0;
  std::uint64_t value = 0;
  std::from_chars(text->data() + at + kName.size(), text->data() + text->size(), value);
  return value;
}

}  // namespace flame::runner
