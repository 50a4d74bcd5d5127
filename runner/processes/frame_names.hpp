// Call stacks of a plugin for people. The dying or failing process only gave addresses; the plugin's file has the
// names.
#pragma once

#include <cstdint>
#include <functional>
#include <optional>
#include <string>
#include <unordered_map>
#include <vector>

#include "plugin_sdk/manifest/elf_symbols.hpp"
#include "runner/slots/post_mortem.hpp"

namespace flame::runner {

/// Of one plugin. Its symbols are read when the first stack is named, and kept.
class FrameNames {
 public:
  /// Mangled names as people read them, in the same order.
  using Demangle = std::function<std::vector<std::string>(std::vector<std::string>)>;
  /// `plugin` is its name, `path` its file.
  FrameNames(std::string plugin, std::string path, Demangle demangle)
      : plugin_(std::move(plugin)), path_(std::move(path)), demangle_(std::move(demangle)) {}

  /// One line per frame, innermost first: "video::resize(video::Video) at video.so+0x1a2b"; without a name (in other
  /// modules, in a stripped plugin) "libc.so.6+0x1a2b". What is not the task's, the unwinder inside and the slot
  /// outside, is left out.
  [[nodiscard]] std::vector<std::string> name(std::vector<slot::CodeAddress> stack);

 private:
  [[nodiscard]] bool is_plugin(const slot::CodeAddress& frame) const;
  void leave_slot_out(std::vector<slot::CodeAddress>& stack) const;
  void learn(const std::vector<slot::CodeAddress>& stack);

  std::string plugin_;
  std::string path_;
  Demangle demangle_;
  std::optional<manifest::ElfSymbols> symbols_;
  std::unordered_map<std::uint64_t, std::string> known_;  // by offset; a task may throw often
};

}  // namespace flame::runner
