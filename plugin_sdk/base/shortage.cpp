// Names the limits behind each of these errors.
#include "plugin_sdk/base/shortage.hpp"

#include <cerrno>

namespace flame::base {

bool is_shortage(int error_number) noexcept {
  return error_number == EAGAIN || error_number == ENOMEM || error_number == EMFILE || error_number == ENFILE;
}

std::string shortage_remedy(int error_number) {
  switch (error_number) {
    case EAGAIN:
      return "Raise the limit of processes: ulimit -u, the pids limit of the container or cgroup (docker "
             "--pids-limit), "
             "or TasksMax of the systemd unit.";
    case EMFILE:
      return "Raise the limit of open files (ulimit -n).";
    case ENFILE:
      return "The machine has no open files left: close some, or raise fs.file-max.";
    case ENOMEM:
      return "Give the machine or the container more memory, or lower max_concurrency.";
    default:
      return {};
  }
}

}  // namespace flame::base
