// See frame_names.hpp.
#include "runner/processes/frame_names.hpp"

#include <fcntl.h>
#include <fmt/format.h>

#include <algorithm>
#include <string_view>
#include <utility>

#include "plugin_sdk/base/limits.hpp"
#include "runner/slots/printable.hpp"

namespace flame::runner {
namespace {

constexpr std::size_t kKnownMax = 4096;
constexpr std::size_t kFrameNameMax = limits::kWhereTextMax - 128;  // the place follows it in the same line
constexpr std::string_view kSlotProgram = "flame-zygote";

std::uint64_t symbol_address(const slot::CodeAddress& frame) {
  return frame.exact || frame.offset == 0 ? frame.offset : frame.offset - 1;
}

bool is_unwinder(const slot::CodeAddress& frame) {
  return frame.module.starts_with("libstdc++.so") || frame.module.starts_with("libgcc_s.so");
}

// As the slot announces it: the last component of the path, cut.
std::string_view module_of(std::string_view path) {
  return path.substr(path.rfind('/') + 1).substr(0, sizeof(slot::CodeFrame::module) - 1);
}

// A thrown exception's stack begins with the observer in the plugin, which only the unwinder can have called.
void leave_unwinder_out(std::vector<slot::CodeAddress>& stack) {
  if (stack.size() < 2 || !is_unwinder(stack[1])) return;
  stack.erase(stack.begin(), std::find_if_not(stack.begin() + 1, stack.end(), is_unwinder));
}

bool is_slot(const slot::CodeAddress& frame) {
  return frame.module == kSlotProgram;
}

}  // namespace

// Its malloc(), which the plugin calls, is above the plugin's code; what calls the task is below all of it.
void FrameNames::leave_slot_out(std::vector<slot::CodeAddress>& stack) const {
  const auto below =
      std::find_if(stack.rbegin(), stack.rend(), [this](const auto& frame) { return is_plugin(frame); }).base();
  const auto caller = std::find_if(below, stack.end(), is_slot);
  const bool has_plugin = below != stack.begin();
  if (caller != stack.begin()) stack.erase(caller, stack.end());  // else it is all there is
  if (has_plugin) std::erase_if(stack, is_slot);
  while (!stack.empty() && stack.back().module.empty() && stack.back().offset == 0) stack.pop_back();
}

std::vector<std::string> FrameNames::name(std::vector<slot::CodeAddress> stack) {
  leave_unwinder_out(stack);
  leave_slot_out(stack);
  learn(stack);
  std::vector<std::string> lines;
  for (const slot::CodeAddress& frame : stack) {
    if (!is_plugin(frame)) {
      lines.push_back(frame.module.empty() ? fmt::format("{:#x}", frame.offset)
                                           : fmt::format("{}+{:#x}", frame.module, frame.offset));
      continue;
    }
    const std::string place = fmt::format("{}.so+{:#x}", plugin_, frame.offset);
    const std::string& function = known_[symbol_address(frame)];
    lines.push_back(function.empty() ? place : fmt::format("{} at {}", function, place));
  }
  return lines;
}

bool FrameNames::is_plugin(const slot::CodeAddress& frame) const {
  return frame.module == module_of(path_);
}

// All at once: to demangle takes a process.
void FrameNames::learn(const std::vector<slot::CodeAddress>& stack) {
  if (known_.size() >= kKnownMax) known_.clear();
  std::vector<std::uint64_t> addresses;
  std::vector<std::string> names;
  for (const slot::CodeAddress& frame : stack) {
    const std::uint64_t address = symbol_address(frame);
    if (!is_plugin(frame) || !known_.try_emplace(address).second) continue;
    if (!symbols_) symbols_.emplace(base::UniqueFd(::open(path_.c_str(), O_RDONLY | O_CLOEXEC | O_NONBLOCK)));
    addresses.push_back(address);
    names.push_back(symbols_->name_at(address));
  }
  if (names.empty()) return;
  names = demangle_(std::move(names));
  for (std::size_t i = 0; i < names.size(); ++i) {
    if (names[i].size() > kFrameNameMax) names[i] = names[i].substr(0, kFrameNameMax) + "...";
    known_[addresses[i]] = slot::printable(names[i]);
  }
}

}  // namespace flame::runner
