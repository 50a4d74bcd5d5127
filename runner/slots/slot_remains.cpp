// The supervisor's side of a slot: output pipes, and what a dead or dying slot left in its control page.
#include <unistd.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <cstring>

#include "runner/slots/printable.hpp"
#include "runner/slots/slot_handle.hpp"

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

}  // namespace

bool drain_pipe(UniqueFd& fd, std::string& text, std::size_t limit) {
  if (!fd) return false;
  std::array<char, 16 * limits::KiB> piece;  // not zeroed
  while (limit > 0) {
    const ssize_t count = ::read(fd.get(), piece.data(), std::min(limit, piece.size()));
    if (count > 0) {
      text.append(piece.data(), static_cast<std::size_t>(count));
      limit -= static_cast<std::size_t>(count);
      if (static_cast<std::size_t>(count) < piece.size()) return true;  // empty now: saves the EAGAIN round
    } else if (count < 0 && errno == EINTR) {
      continue;
    } else if (count < 0 && errno == EAGAIN) {
      return true;
    } else {
      fd.reset();
      return false;
    }
  }
  return true;
}

bool SlotHandle::drain_out(std::string& text, std::size_t limit) {
  return drain_pipe(output_[0], text, limit);
}
bool SlotHandle::drain_err(std::string& text, std::size_t limit) {
  return drain_pipe(output_[1], text, limit);
}

bool SlotHandle::crash_announced() const noexcept {
  return control_->crash.announced.load(std::memory_order_acquire) != 0;
}

std::optional<CrashReport> SlotHandle::crash_report() const {
  const CrashInfo& crash = control_->crash;
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

std::vector<CodeAddress> SlotHandle::thrown_at(std::uint64_t invocation) const {
  const ThrowInfo& thrown = control_->thrown;
  std::vector<CodeAddress> frames;
  if (thrown.invocation.load(std::memory_order_acquire) != invocation) return frames;
  const std::size_t count = std::min<std::size_t>(thrown.frame_count.load(), kThrowFrames);
  for (std::size_t i = 0; i < count; ++i) frames.push_back(place_of(thrown.frames[i]));
  return frames;
}

bool SlotHandle::in_start_slot() const noexcept {
  return control_->in_start_slot.load(std::memory_order_acquire) != 0;
}

bool SlotHandle::exited() const noexcept {
  return control_->exited.load(std::memory_order_acquire) != 0;
}

bool SlotHandle::allocation_failed() const noexcept {
  return control_->allocation_failed.load(std::memory_order_acquire) != 0;
}

std::uint64_t SlotHandle::memory_kept() const noexcept {
  return control_->memory_kept.load(std::memory_order_relaxed);
}

Usage SlotHandle::usage_at_begin() const noexcept {
  Usage usage;
  usage.wall_ns = control_->begun_ns.load(std::memory_order_relaxed);
  usage.peak_memory = control_->memory_at_start.load(std::memory_order_relaxed);
  usage.user_ns = control_->user_ns.load(std::memory_order_relaxed);
  usage.system_ns = control_->system_ns.load(std::memory_order_relaxed);
  return usage;
}

}  // namespace flame::slot
