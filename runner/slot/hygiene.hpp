// Leaves a slot after a call as it was before: restores what can be restored, tells when the slot must be discarded.
#pragma once

#include <signal.h>
#include <sys/types.h>

#include <string>

#include "plugin_sdk/base/unique_fd.hpp"

namespace flame::slot {

/// What a slot looks like between calls. One per slot; used by its thread. A few microseconds per call.
class Hygiene {
 public:
  /// Takes the present state as the clean one: call after start_slot(). `shared`: other slots are threads of this
  /// process, so only what belongs to the calling thread is looked after.
  Hygiene(int channel, bool shared);

  /// Flushes the output streams, then cleans. Empty: the slot may serve again; else why not, as a sentence's part:
  /// "the task left a thread running".
  [[nodiscard]] std::string clean();
  /// The channel is still the one that the supervisor made.
  [[nodiscard]] bool channel_intact() const;
  /// The supervisor has read all that the tasks of this slot wrote. False also when that cannot be told.
  [[nodiscard]] bool output_read() const;
  /// How many descriptors more than at the start are open when that is worth a warning, else 0. [costs 3 us]
  [[nodiscard]] long leaked_fds() const;

 private:
  [[nodiscard]] std::string check_process() const;
  [[nodiscard]] bool restore_mask() const;
  [[nodiscard]] bool threads_left() const;
  [[nodiscard]] long count_threads() const;
  [[nodiscard]] bool timers_left();
  [[nodiscard]] bool return_home() const;

  int channel_;
  bool shared_;
  ino_t channel_inode_ = 0;
  int output_[2] = {-1, -1};  // the streams' pipes; own descriptors unless shared: a task may redirect the streams
  std::string directory_;
  dev_t directory_device_ = 0;
  ino_t directory_inode_ = 0;
  mode_t umask_ = 0;
  sigset_t mask_{};
  pid_t session_ = 0;
  uid_t user_ = 0;
  gid_t group_ = 0;
  base::UniqueFd task_directory_;  // /proc/self/task: looking at it costs a quarter of looking it up
  ino_t task_inode_ = 0;
  long threads_ = 1;
  long fds_ = 0;
  int next_timer_ = -1;
};

/// C and C++ streams of this process.
void flush_streams();

/// Threads of this process.
[[nodiscard]] long thread_count();

}  // namespace flame::slot
