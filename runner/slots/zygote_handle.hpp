// The supervisor's side of one generation: its flame-zygote process, and the making of slot processes from it.
//
// Threads: the supervisor's loop thread only, which must be its main thread (children die with the thread that made
// them: PR_SET_PDEATHSIG). Nothing blocks. The owner polls, reaps with waitpid(-1) (it is a subreaper, so slots become
// its children) and tells by dropping handles.
// Lifetime: start() → load() → ZygoteReady or ZygoteFailed → spawn() any number of times. Destroying the handle
// closes the channel, at which the zygote exits; its slots live on. A zygote that is not forkable exits by itself
// after ZygoteReady, and spawn() execs slots instead: the handle stays valid.
#pragma once

#include <sys/types.h>

#include <cstdint>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <vector>

#include <flame/error.hpp>
#include <flame/result.hpp>

#include "plugin_sdk/base/unique_fd.hpp"
#include "runner/protocol/protocol.hpp"
#include "runner/slots/slot_events.hpp"
#include "runner/slots/slot_handle.hpp"

namespace flame::slot {

using base::UniqueFd;

/// What a zygote loads and for whom.
struct LoadSpec {
  std::string zygote_binary;  // absolute
  std::string plugin_path;    // absolute, immutable file
  std::string name;           // as in the manifest; compared with the plugin's own table
  std::string version;
  std::uint64_t tasks_hash = 0;  // sum of base::task_id() over the manifest's tasks and methods
  std::uint32_t task_count = 0;  // entries in that sum; 0 = do not compare
  std::string host_name;         // Parent::get()
  std::string pool;
  std::string runner_id;
  std::string backend;
  SlotLimits limits;
  std::uint64_t open_files = 0;          // soft limit of the zygote and its slots; 0: this process's
  std::vector<std::string> environment;  // "NAME=value"; see built_environment()
};

/// This process's environment without FLAME_*: what zygotes get. GLIBC_TUNABLES begins with our own settings; those of
/// the user come after them, so they win.
[[nodiscard]] std::vector<std::string> built_environment();

class ZygoteHandle {
 public:
  /// Starts the process, which waits for load(). Fails when it cannot be started (binary missing, no processes left).
  /// `spec`: without `limits` and `open_files`, which come with load().
  [[nodiscard]] static MakeResult<std::unique_ptr<ZygoteHandle>> start(LoadSpec spec);
  /// Tells the process what to load, and with which limits. Once, unless it fails: when the names do not
  /// fit into a message, and for want of kernel memory.
  [[nodiscard]] std::optional<MakeFailure> load(const SlotLimits& limits, std::uint64_t open_files);
  ~ZygoteHandle();
  ZygoteHandle(const ZygoteHandle&) = delete;
  ZygoteHandle& operator=(const ZygoteHandle&) = delete;

  [[nodiscard]] pid_t pid() const noexcept { return pid_; }
  [[nodiscard]] int channel_fd() const noexcept { return channel_.get(); }  // POLLIN; -1 when closed
  /// stdout and stderr of the zygote (what static constructors and start() print); -1 when ended.
  [[nodiscard]] int output_fd() const noexcept { return output_.get(); }
  [[nodiscard]] Stage stage() const noexcept { return stage_; }
  [[nodiscard]] bool ready() const noexcept { return stage_ == Stage::ready; }
  [[nodiscard]] bool forkable() const noexcept { return forkable_; }

  void on_readable(std::vector<ZygoteEvent>& events);
  bool drain_output(std::string& text, std::size_t limit = limits::kOutputMax);

  /// Makes one process with these slots: one slot and threads = false is process isolation. Precondition: ready(), and
  /// the handles are fresh from create(), all but the first with shares_output. Their child ends are closed here.
  /// Returns the pid if it is known at once (exec'd), else 0: then ZygoteSpawned{request} or ZygoteSpawnFailed{request}
  /// follows, and SlotHello from the slots; or neither, if the zygote dies or has just died: what is still being made
  /// when it is reaped was lost with it. Fails when the zygote reads no requests, which counts as a shortage, or exec
  /// fails.
  [[nodiscard]] MakeResult<pid_t> spawn(std::span<SlotHandle* const> slots, bool threads, std::uint64_t request);

  /// Why the generation is unusable after its process ended with `status` (waitpid) before ready: "the plugin's static
  /// constructor ended the process: signal 11 (Segmentation fault)". Call when the channel has been read to its end.
  [[nodiscard]] Error describe_exit(int status) const;

 private:
  ZygoteHandle() = default;
  [[nodiscard]] bool receive(std::span<const std::byte> datagram, std::vector<ZygoteEvent>& events);
  [[nodiscard]] bool receive_ready(std::span<const std::byte> datagram, std::vector<ZygoteEvent>& events);
  [[nodiscard]] MakeResult<pid_t> spawn_exec(std::span<SlotHandle* const> slots, bool threads, std::uint64_t request);

  LoadSpec spec_;
  pid_t pid_ = 0;
  UniqueFd channel_;
  UniqueFd output_;
  Stage stage_ = Stage::starting_up;
  bool forkable_ = true;
};

}  // namespace flame::slot
