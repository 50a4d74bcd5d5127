// Leaves a slot after a call as it was before.
#include "runner/slot/hygiene.hpp"

#include <pthread.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cstring>

namespace flame::slot {
namespace {

constexpr long kLeakedFdsWorthAWarning = 64;
/// Where slots share their process, calls are brief and trusted: memory and descriptors are looked at so often.
constexpr std::uint32_t kCallsBetweenLooks = 64;
/// So many looks in a row that found others' calls running say enough together.
constexpr std::uint32_t kCrowdedLooks = 4;

Finding locale_changed() {
  return {DiscardReason::locale, "the task changed the locale"};
}

}  // namespace

Hygiene::Hygiene(int channel, const SlotLimits& limits, const SharedProcess* process)
    : channel_(channel), files_(process != nullptr) {
  const bool shared = process != nullptr;
  struct stat info {};
  if (::fstat(channel, &info) == 0) channel_inode_ = info.st_ino;
  ::pthread_sigmask(SIG_SETMASK, nullptr, &mask_);
  locale_ = ::uselocale(locale_t{});
  ::sigaltstack(nullptr, &signal_stack_);
  ::pthread_setcancelstate(PTHREAD_CANCEL_DISABLE, &cancellation_.state);
  ::pthread_setcanceltype(PTHREAD_CANCEL_DEFERRED, &cancellation_.type);
  restore_cancellation();
  if (shared) {
    shared_.emplace(*process, limits.memory_max * process->slots);
  } else {
    watch_.emplace();
    process_.emplace(limits);
    handlers_.emplace(process_->present().caught);
    watch_->looked(process_->present());
  }
}

void Hygiene::task_begins(std::uint64_t task) {
  if (watch_) watch_->task_begins(task);
}

void Hygiene::task_ended() noexcept {
  if (watch_) watch_->task_ended();
}

void Hygiene::touched() noexcept {
  if (watch_) watch_->touched();
}

void Hygiene::tidy() {
  floating_point_.restore();
  restore_cancellation();
  process_ ? process_->tidy_streams() : flush_streams();
  if (!untouched()) files_.touched();
}

// The type first: with the state a cancellation may come that has been pending.
void Hygiene::restore_cancellation() const {
  int ignored = 0;
  ::pthread_setcanceltype(cancellation_.type, &ignored);
  ::pthread_setcancelstate(cancellation_.state, &ignored);
}

Finding Hygiene::clean(std::uint64_t task, std::uint64_t in_hand) {
  const bool other_locale = ::uselocale(locale_t{}) != locale_;  // takes no system call, so this comes first
  if (untouched()) {
    tidy();
    return other_locale ? locale_changed() : process_->clean_untouched(task);
  }
  Finding finding = process_ ? process_->look_at_threads(task) : Finding();
  tidy();
  ::sigaltstack(&signal_stack_, nullptr);
  if (finding) return finding;
  if (!process_) return clean_thread(in_hand);
  if (other_locale) return locale_changed();
  return clean_process(in_hand);
}

Finding Hygiene::clean_process(std::uint64_t in_hand) {
  if (Finding finding = files_.restore()) return finding;
  if (handlers_->changed()) return {DiscardReason::signal_handlers, "the task changed what happens at a signal"};
  Finding finding = process_->clean(in_hand);
  if (!finding) watch_->looked(process_->present());
  return finding;
}

// A thread has a locale, processors and a priority of its own, which are put back without harm to others. Descriptors
// and handlers are the process's: calls of other slots may be using them as they are.
Finding Hygiene::clean_thread(std::uint64_t in_hand) {
  ::uselocale(locale_);
  if (!restore_mask()) return {DiscardReason::pending_signal, "the task left a signal pending that it had blocked"};
  if (!shared_->scheduling.restore()) {
    return {DiscardReason::scheduling, "the task changed its CPUs, priority or scheduling class for good"};
  }
  if (++shared_->calls < kCallsBetweenLooks) return {};
  shared_->calls = 0;
  return look_for_shortage(in_hand);
}

// What a call of another slot holds while it runs is no leak. Where one always runs, what was never given back counts.
Finding Hygiene::look_for_shortage(std::uint64_t in_hand) {
  const RunningCalls::Moment before = shared_->running.now();
  ProcessStatus present = shared_->reader.read();
  if (!before.one_runs() || shared_->running.now() != before) {
    present.data_bytes -= std::min(present.data_bytes, in_hand);
    in_hand = 0;
    ProcessStatus& least = shared_->least;
    if (shared_->crowded++ == 0) least = present;
    least.data_bytes = std::min(least.data_bytes, present.data_bytes);
    least.fd_table = std::min(least.fd_table, present.fd_table);
    if (shared_->crowded < kCrowdedLooks) return {};
    present = least;
  }
  shared_->crowded = 0;
  return shared_->shortage.judge(present, in_hand);
}

// With the mask as it was nothing can be both pending and blocked by the task.
bool Hygiene::restore_mask() const {
  sigset_t mask;
  sigset_t pending;
  ::pthread_sigmask(SIG_SETMASK, nullptr, &mask);
  if (std::memcmp(&mask, &mask_, (NSIG - 1) / 8) == 0) return true;  // the kernel's part of it
  if (::sigpending(&pending) == 0) {
    for (int signal = 1; signal < NSIG; ++signal) {
      // Unblocking it would run its action now, which may be to end the slot before the result is sent.
      if (::sigismember(&pending, signal) == 1 && ::sigismember(&mask_, signal) == 0) return false;
    }
  }
  ::pthread_sigmask(SIG_SETMASK, &mask_, nullptr);
  return true;
}

bool Hygiene::channel_intact() const {
  if (untouched()) return true;
  struct stat info {};
  return ::fstat(channel_, &info) == 0 && S_ISSOCK(info.st_mode) && info.st_ino == channel_inode_;
}

long Hygiene::leaked_fds() const {
  const long more = process_ ? process_->shortage().more_descriptors() : 0;
  return more > kLeakedFdsWorthAWarning ? more : 0;
}

std::uint64_t Hygiene::memory_kept() const {
  return process_ ? process_->shortage().memory_kept() : shared_->shortage.memory_kept();
}

void Hygiene::expect_cpu_limit(rlim_t soft) {
  if (process_) process_->expect_cpu_limit(soft);
}

}  // namespace flame::slot
