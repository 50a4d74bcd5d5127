// The plugins that this runner serves: found in the store, loaded by one zygote each, restarted when a zygote dies.
#pragma once

#include <algorithm>
#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <unordered_map>
#include <utility>
#include <vector>

#include "plugin_sdk/base/limits.hpp"
#include "plugin_sdk/wire/messages.hpp"
#include "runner/link/host_port.hpp"
#include "runner/os/poller.hpp"
#include "runner/plugins/plugin_directory.hpp"
#include "runner/plugins/plugin_store.hpp"
#include "runner/policy/fork_watch.hpp"
#include "runner/processes/slot_pool.hpp"
#include "runner/slots/zygote_handle.hpp"

namespace flame::runner {

/// For whom plugins are loaded here: what Parent::get() shows.
struct ParentInfo {
  std::string host_name;
  std::string pool;
  std::string runner;
  std::string backend;
};

/// A plugin's name and its file.
struct PluginFile {
  std::string name;
  std::string path;
  std::string program;       // that loads it: flame-zygote
  bool stops_slots = false;  // it has a stop_slot()
};

class Generations final : public PluginDirectory {
 public:
  /// Verifies the wanted plugins, and starts a flame-zygote for each, which takes as long as to find the host; it loads
  /// nothing before open(). Plugins that cannot be had are remembered with the reason.
  /// `open_files`: the soft limit that plugins get; 0: this process's.
  Generations(const std::vector<wire::PluginRef>& wanted, ParentInfo parent, Poller& poller,
              std::uint64_t open_files = 0);
  ~Generations();
  Generations(const Generations&) = delete;
  Generations& operator=(const Generations&) = delete;

  /// For the hello.
  [[nodiscard]] std::vector<wire::PluginState> states() const;

  /// The zygotes load. `pool` and `host` are used until the last event;
  /// the destructor needs neither.
  void open(Instant now, const wire::Welcome& welcome, SlotPool& pool, HostPort& host);

  // --- PluginDirectory
  [[nodiscard]] std::optional<GenerationId> find(std::string_view digest) const override;
  [[nodiscard]] const Error& problem(GenerationId id) const override { return list_[id].problem; }
  [[nodiscard]] const manifest::Manifest& manifest(GenerationId id) const override { return list_[id].plugin.manifest; }
  [[nodiscard]] std::string name(GenerationId id) const override;
  [[nodiscard]] std::string describe_all() const override;

  /// Those whose plugin wants to be asked before an idle runner goes, and can be.
  [[nodiscard]] std::vector<GenerationId> checking_idle() const;

  /// Has the zygote make a process of these slots; see slot::ZygoteHandle::spawn().
  [[nodiscard]] slot::MakeResult<pid_t> fork_slots(Instant now, GenerationId generation,
                                                   std::span<slot::SlotHandle* const> slots, bool threads,
                                                   ProcessId request);
  /// What keeps it from making slots now, in words without a full stop; empty if nothing is known.
  [[nodiscard]] std::string why_no_slot(Instant now, GenerationId generation) const;
  [[nodiscard]] PluginFile plugin_file(GenerationId id) const {
    return {list_[id].plugin.ref.name, list_[id].plugin.path, zygote_binary_, list_[id].plugin.manifest.has_stop_slot};
  }

  void on_ready(Instant now, const Poller::Ready& ready);
  /// True if it was one of the zygotes.
  bool reaped(Instant now, pid_t pid, int status);
  /// This process stood still for so long, and zygotes perhaps, too: they get that time anew.
  void stood_still(Instant now, Duration pause);
  void tick(Instant now);
  [[nodiscard]] Instant wake_at() const { return std::min(wake_at_, fork_watch_.wake_at()); }
  /// A plugin that ran here was given up, and no other can be used here: why. Once.
  [[nodiscard]] std::optional<std::string> take_lost() { return std::exchange(lost_, std::nullopt); }
  [[nodiscard]] bool owns(pid_t pid) const;
  /// The zygotes that live.
  [[nodiscard]] std::vector<pid_t> pids() const;

 private:
  struct Generation {
    StoredPlugin plugin;
    Error problem;        // code none: usable, or on its way
    bool stored = false;  // found and verified
    bool forkable = true;
    bool up = false;
    std::unique_ptr<slot::ZygoteHandle> zygote;
    pid_t pid = 0;            // 0 once reaped
    std::string last_output;  // its end, for the report of a death
    std::uint32_t deaths = 0;
    Instant start_at = kNever;
    Instant start_by = kNever;  // its zygote must be ready
    bool overdue = false;       // was killed because it was not
    bool silent = false;        // was killed because it did not answer a request for a slot
    Instant up_since = kNever;
    std::uint32_t shortages = 0;  // starts that failed for want of something, one after the other
  };

  [[nodiscard]] std::optional<slot::MakeFailure> make_zygote(GenerationId id);
  void start(Instant now, GenerationId id);
  void start_later(Instant now, GenerationId id, slot::MakeFailure failure);
  void kill_silent(Instant now);
  [[nodiscard]] Error describe_end(Generation& generation, int status) const;
  void read_channel(Instant now, GenerationId id);
  void read_output(GenerationId id);
  void on_zygote_ready(Instant now, GenerationId id, const slot::ZygoteReady& ready);
  void fail(Instant now, GenerationId id, Error error);
  void restart_later(Instant now, GenerationId id, Error why);
  void tell_host(wire::Level level, const std::string& text);

  std::vector<Generation> list_;
  std::optional<std::string> lost_;
  ParentInfo parent_;
  Poller& poller_;
  SlotPool* pool_ = nullptr;
  HostPort* host_ = nullptr;
  slot::SlotLimits limits_;
  Duration start_limit_ = limits::kStartLimitDefault;
  ForkWatch fork_watch_{limits::kForkAnswerMax};
  std::uint64_t open_files_;
  std::string zygote_binary_;
  Instant wake_at_ = kNever;
  std::string text_;
};

}  // namespace flame::runner
