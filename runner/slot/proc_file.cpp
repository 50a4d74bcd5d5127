// A file of /proc/self that stays open.
#include "runner/slot/proc_file.hpp"

#include <fcntl.h>
#include <unistd.h>

#include <utility>

namespace flame::slot {

void write_proc_file(const char* path, std::string_view text) {
  const base::UniqueFd fd(::open(path, O_WRONLY | O_CLOEXEC));
  if (fd) static_cast<void>(!::write(fd.get(), text.data(), text.size()));
}

ProcFile::ProcFile(std::string path, std::string_view begins_with) : path_(std::move(path)), begins_with_(begins_with) {
  open();
}

void ProcFile::open() {
  // The old number is not closed here: if it is not ours any more, it is the task's.
  static_cast<void>(file_.release());
  file_.reset(::open(path_.c_str(), O_RDONLY | O_CLOEXEC));
}

std::string_view ProcFile::read(std::span<char> buffer) {
  const std::string_view text = read_once(buffer);
  if (text.data() != nullptr && text.starts_with(begins_with_)) return text;
  open();
  return read_once(buffer);
}

std::string_view ProcFile::read_once(std::span<char> buffer) const {
  if (!file_) return {};
  const ssize_t size = ::pread(file_.get(), buffer.data(), buffer.size(), 0);
  if (size < 0) return {};
  return {buffer.data(), static_cast<std::size_t>(size)};
}

}  // namespace flame::slot
