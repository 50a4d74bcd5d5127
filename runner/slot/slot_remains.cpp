// The supervisor's side of a slot: output pipes, and what a dead or dying slot left in its control page.
#include <unistd.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <cstring>

#include "runner/slot/printable.hpp"
#include "runner/slot/slot_handle.hpp"

namespace flame::slot {
namespace {

// The signal handler, and the code that the kernel has it return to.
constexpr std::size_t kHandlerFrames = 2;

std::vector<CrashModule> modules_of(const CrashInfo& crash) {
  const std::size_t count = std::min<std::size_t>(crash.module_count.load(), kCrashModules);
  return {crash.modules, crash.modules + count};
}

CodeAddress locate(std::uint64_t address, const std::vector<CrashModule>& modules) {
  for (const CrashModule& module : modules) {
    if (address < module.begin || address >= module.end) continue;
    const std::size_t size = ::strnlen(module.name, sizeof(module.name));
    return {printable({module.name, size}), address - module.base};
  }
  return {{}, address};
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
  const std::vector<CrashModule> modules = modules_of(crash);
  const std::size_t frame_count = std::min<std::size_t>(crash.frame_count.load(), kCrashFrames);
  for (std::size_t i = kHandlerFrames; i < frame_count; ++i) {
    report.frames.push_back(locate(crash.frames[i].load(), modules));
    report.frames.back().exact = i == kHandlerFrames;
  }
  return report;
}

std::vector<CodeAddress> SlotHandle::thrown_at(std::uint64_t invocation) const {
  const ThrowInfo& thrown = control_->thrown;
  std::vector<CodeAddress> frames;
  if (thrown.invocation.load(std::memory_order_acquire) != invocation) return frames;
  const std::vector<CrashModule> modules = modules_of(control_->crash);
  const std::size_t count = std::min<std::size_t>(thrown.frame_count.load(), kThrowFrames);
  for (std::size_t i = 0; i < count; ++i) frames.push_back(locate(thrown.frames[i].load(), modules));
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

Usage SlotHandle::usage_at_begin() const noexcept {
  Usage usage;
  usage.wall_ns = control_->begun_ns.load(std::memory_order_relaxed);
  usage.peak_memory = control_->memory_at_start.load(std::memory_order_relaxed);
  usage.user_ns = control_->user_ns.load(std::memory_order_relaxed);
  usage.system_ns = control_->system_ns.load(std::memory_order_relaxed);
  return usage;
}

}  // namespace flame::slot
