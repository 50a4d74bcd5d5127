// See post_mortem.hpp.
#include "runner/slots/post_mortem.hpp"

#include <algorithm>
#include <cstring>
#include <string_view>

#include "runner/slots/printable.hpp"

namespace flame::slot {
namespace {

// The signal handler, and the code that the kernel has it return to.
constexpr std::size_t kHandlerFrames = 2;

// What the slot wrote may change while it is read: it is copied, then judged.
CodeAddress place_of(const CodeFrame& frame) {
  const std::uint64_t address = frame.address.load();
  char module[sizeof(frame.module)];
  std::memcpy(module, frame.module, sizeof(module));
  const std::size_t size = ::strnlen(module, sizeof(module));
  if (size == 0) return {{}, address};
  return {printable({module, size}), address - frame.base};
}

std::optional<CrashReport> read_crash(const CrashInfo& crash) {
  if (crash.announced.load(std::memory_order_acquire) == 0) return std::nullopt;
  CrashReport report;
  report.signal = std::clamp<int>(crash.signal.load(), 0, 64);
  report.address = crash.address.load();
  report.stack_overflow = crash.stack_overflow.load() != 0;
  report.by_helper = crash.by_helper.load() != 0;
  const std::size_t frame_count = std::min<std::size_t>(crash.frame_count.load(), kCrashFrames);
  for (std::size_t i = kHandlerFrames; i < frame_count; ++i) {
    report.frames.push_back(place_of(crash.frames[i]));
    report.frames.back().exact = i == kHandlerFrames;
  }
  return report;
}

}  // namespace

PostMortem read_post_mortem(const ControlPage& page, std::uint64_t invocation) {
  PostMortem found;
  found.begun = invocation != 0 && page.invocation.load(std::memory_order_acquire) == invocation;
  found.in_start_slot = page.in_start_slot.load(std::memory_order_acquire) != 0;
  found.exited = page.exited.load(std::memory_order_acquire) != 0;
  found.allocation_failed = page.allocation_failed.load(std::memory_order_acquire) != 0;
  found.memory_kept = page.memory_kept.load(std::memory_order_relaxed);
  found.usage_at_begin.wall_ns = page.begun_ns.load(std::memory_order_relaxed);
  found.usage_at_begin.peak_memory = page.memory_at_start.load(std::memory_order_relaxed);
  found.usage_at_begin.user_ns = page.user_ns.load(std::memory_order_relaxed);
  found.usage_at_begin.system_ns = page.system_ns.load(std::memory_order_relaxed);
  found.crash = read_crash(page.crash);
  return found;
}

std::vector<CodeAddress> thrown_at(const ControlPage& page, std::uint64_t invocation) {
  std::vector<CodeAddress> frames;
  if (page.thrown.invocation.load(std::memory_order_acquire) != invocation) return frames;
  const std::size_t count = std::min<std::size_t>(page.thrown.frame_count.load(), kThrowFrames);
  for (std::size_t i = 0; i < count; ++i) frames.push_back(place_of(page.thrown.frames[i]));
  return frames;
}

}  // namespace flame::slot
