// See drain_pipe.hpp.
#include "runner/slots/drain_pipe.hpp"

#include <unistd.h>

#include <algorithm>
#include <array>
#include <cerrno>

#include "plugin_sdk/base/limits.hpp"

namespace flame::slot {

bool drain_pipe(base::UniqueFd& fd, std::string& text, std::size_t limit) {
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

}  // namespace flame::slot
