// Finds child processes that a call left, beside the helpers that start_slot() made.
#pragma once

#include <sys/types.h>

#include <string>
#include <vector>

#include "runner/slot/proc_file.hpp"

namespace flame::slot {

class ChildWatch {
 public:
  /// The children of the process, whichever of its threads made them, are its helpers from here on. The calling thread
  /// is the slot's.
  ChildWatch();

  /// A child that is no helper still runs. Reaps those of the slot's thread that have ended, but never a helper: its
  /// end is the plugin's to hear of. `one_thread`: the process has no other; another's children are its own to reap.
  /// Where there are helpers, a child that another thread made is seen once that thread has ended.
  [[nodiscard]] bool child_left(bool one_thread);

 private:
  [[nodiscard]] bool own_left();
  [[nodiscard]] bool others_left() const;
  [[nodiscard]] bool is_helper(pid_t child) const;

  ProcFile children_;
  std::string seen_;  // the list as it was when it was last looked through
  std::vector<pid_t> helpers_;
};

}  // namespace flame::slot
