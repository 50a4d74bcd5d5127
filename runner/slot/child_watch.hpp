// Finds child processes that a call left, beside the helpers that start_slot() made.
#pragma once

#include <sys/types.h>

#include <string>
#include <vector>

#include "runner/slot/proc_file.hpp"

namespace flame::slot {

class ChildWatch {
 public:
  /// The children of the calling thread, which is the slot's, are its helpers from here on.
  ChildWatch();

  /// A child that is no helper still runs. Reaps those that have ended, but never a helper: its end is the plugin's to
  /// hear of. Where there are helpers, a child that another thread made is seen once that thread has ended.
  [[nodiscard]] bool child_left();

 private:
  [[nodiscard]] std::string list();

  ProcFile children_;
  std::string seen_;  // the list as it was when it was last looked through
  std::vector<pid_t> helpers_;
};

}  // namespace flame::slot
