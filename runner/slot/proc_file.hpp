// Files of /proc/self: one that stays open, as reading it again costs half of opening it again; and writing to one.
#pragma once

#include <span>
#include <string>
#include <string_view>

#include "plugin_sdk/base/unique_fd.hpp"

namespace flame::slot {

/// Where that cannot be, nothing happens.
void write_proc_file(const char* path, std::string_view text);

class ProcFile {
 public:
  /// `begins_with`: how the text begins as long as the descriptor is ours. A task may have closed it and got its number
  /// for a file of its own: then the file is opened anew.
  ProcFile(std::string path, std::string_view begins_with);

  /// The text as it is now, cut to the buffer. Empty: it cannot be read.
  [[nodiscard]] std::string_view read(std::span<char> buffer);
  [[nodiscard]] bool is_open() const { return static_cast<bool>(file_); }

 private:
  [[nodiscard]] std::string_view read_once(std::span<char> buffer) const;
  void open();

  std::string path_;
  std::string_view begins_with_;
  base::UniqueFd file_;
};

}  // namespace flame::slot
