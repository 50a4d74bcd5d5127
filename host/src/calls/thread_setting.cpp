// Reads and sets it.
#include "host/src/calls/thread_setting.hpp"

#include <pthread.h>

namespace flame::pool {
namespace {

std::optional<cpu_set_t> processors_of_this_thread() noexcept {
  cpu_set_t set;
  if (::pthread_getaffinity_np(::pthread_self(), sizeof set, &set) != 0) return std::nullopt;
  return set;
}

}  // namespace

ThreadSetting::ThreadSetting() noexcept : processors_(processors_of_this_thread()), class_(SchedulingClass::of(0)) {}

void ThreadSetting::take_on() const noexcept {
  if (const auto now = processors_of_this_thread(); processors_ && now && !CPU_EQUAL(&*processors_, &*now)) {
    ::pthread_setaffinity_np(::pthread_self(), sizeof *processors_, &*processors_);
  }
  if (class_ && class_ != SchedulingClass::of(0)) class_->take_on();
}

}  // namespace flame::pool
