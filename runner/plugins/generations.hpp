// The plugins that this runner serves: found in the store, loaded by one zygote each, while calls go on replaced by
// newer ones.
#pragma once

#include <cstdint>
#include <map>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "plugin_sdk/base/hashed_files.hpp"
#include "plugin_sdk/base/limits.hpp"
#include "plugin_sdk/wire/messages.hpp"
#include "runner/link/host_port.hpp"
#include "runner/os/poller.hpp"
#include "runner/plugins/generation.hpp"
#include "runner/plugins/plugin_directory.hpp"
#include "runner/plugins/plugin_finder.hpp"
#include "runner/policy/fork_watch.hpp"
#include "runner/policy/generation_book.hpp"
#include "runner/processes/slot_pool.hpp"
#include "runner/slots/zygote_handle.hpp"

namespace flame::runner {

/// A plugin's name and its file.
struct PluginFile {
  std::string name;
  std::string path;
  std::string program;       // that loads it: flame-zygote
  bool stops_slots = false;  // it has a stop_slot()
};

class Generations final : public PluginDirectory, private GenerationEvents {
 public:
  /// Verifies the wanted plugins, and starts a flame-zygote for each, which takes as long as to find the host; it loads
  /// nothing before open(). Plugins that cannot be had are remembered with the reason.
  /// `open_files`: the soft limit that plugins get; 0: this process's. `secrets`: see with_secrets().
  Generations(const std::vector<wire::PluginRef>& wanted, ParentInfo parent, Poller& poller,
              std::uint64_t open_files = 0, std::vector<wire::KeyValue> secrets = {});
  ~Generations();  // and it is not moved: others have its address

  /// For the hello.
  [[nodiscard]] std::vector<wire::PluginState> states() const;

  /// The zygotes load. `pool` and `host` are used until the last event;
  /// the destructor needs neither.
  void open(Instant now, const wire::Welcome& welcome, SlotPool& pool, HostPort& host);

  // --- from the host, after open(); see GenerationBook
  /// Looks for the plugin, while calls go on, loads it beside those that are here, and makes as many slots of it as its
  /// older generation has in use. Loaded is sent then: at once if it is ready already, and with the reason if it cannot
  /// be had: not_found (no such file, or of other bytes), incompatible (two generations of it are here; another ABI),
  /// or as its start() and start_slot() failed. The others go on whatever happens.
  void load(Instant now, wire::Load load);
  /// Ends a generation: its zygote, its idle slots, and the others when they have finished what runs in them. What
  /// waits for it is refused. GenerationEnded is sent when nothing is left.
  void end_generation(Instant now, const std::string& digest);

  // --- PluginDirectory
  [[nodiscard]] std::optional<GenerationId> find(std::string_view digest) const override;
  [[nodiscard]] const Error& problem(GenerationId id) const override { return at(id).problem(); }
  [[nodiscard]] std::shared_ptr<const manifest::Manifest> manifest(GenerationId id) const override {
    return at(id).plugin().manifest;
  }
  [[nodiscard]] std::string name(GenerationId id) const override { return at(id).name(); }
  [[nodiscard]] std::string describe_all() const override;

  /// Something of it is left.
  [[nodiscard]] bool has(GenerationId id) const { return list_.contains(id); }
  /// Those whose plugin wants to be asked before an idle runner goes, and can be.
  [[nodiscard]] std::vector<GenerationId> checking_idle() const;
  /// Has the zygote make a process of these slots; see slot::ZygoteHandle::spawn().
  [[nodiscard]] slot::MakeResult<pid_t> fork_slots(Instant now, GenerationId generation,
                                                   std::span<slot::SlotHandle* const> slots, bool threads,
                                                   ProcessId request);
  /// What keeps it from making slots now, in words without a full stop; empty if nothing is known.
  [[nodiscard]] std::string why_no_slot(Instant now, GenerationId generation) const;
  [[nodiscard]] PluginFile plugin_file(GenerationId id) const;

  void on_ready(Instant now, const Poller::Ready& ready);
  /// True if it was one of the zygotes.
  bool reaped(Instant now, pid_t pid, int status);
  /// This process stood still for so long, and zygotes perhaps, too: they get that time anew.
  void stood_still(Instant now, Duration pause);
  void tick(Instant now);
  [[nodiscard]] Instant wake_at() const;
  /// Draws the conclusions from what has happened to slots and zygotes. Call at the end of each turn of the loop.
  void settle(Instant now);
  /// A plugin that ran here was given up, and no other can be used here: why. Once.
  [[nodiscard]] std::optional<std::string> take_lost() { return std::exchange(lost_, std::nullopt); }
  /// The zygotes that live.
  [[nodiscard]] std::vector<pid_t> pids() const;

 private:
  // --- GenerationEvents
  void on_up(Instant now, GenerationId id, bool stands_by) override;
  void on_down(Instant now, GenerationId id) override;
  void on_delay(Instant now, GenerationId id, const Error& why) override;
  void on_broken(Instant now, GenerationId id) override;
  void on_answer(Instant now, GenerationId id, const slot::ZygoteEvent& answer) override;
  void on_word(wire::Level level, const std::string& text) override;

  [[nodiscard]] const Generation& at(GenerationId id) const { return *list_.at(id); }
  void carry_out(Instant now);
  void found(Instant now, PluginFinder::Found one);
  void end(Instant now, GenerationId id);
  bool bury();

  GenerationBook book_;
  base::HashedFiles hashed_;
  PluginFinder finder_;
  std::map<GenerationId, std::unique_ptr<Generation>> list_;  // those of which something is left
  GenerationSetting setting_;
  std::optional<std::string> lost_;
  bool served_ = false;  // one of them was up
  SlotPool* pool_ = nullptr;
  HostPort* host_ = nullptr;
  ForkWatch fork_watch_{limits::kForkAnswerMax};
};

}  // namespace flame::runner
