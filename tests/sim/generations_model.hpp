// The plugins of a simulated runner: the real GenerationBook over a model of what Generations does: files, and zygotes
// that load, fail, hang and die.
#pragma once

#include <cstdint>
#include <map>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "runner/link/host_port.hpp"
#include "runner/plugins/plugin_directory.hpp"
#include "runner/policy/generation_book.hpp"
#include "runner/processes/slot_pool.hpp"
#include "tests/sim/machine.hpp"

namespace flame::sim {

class GenerationsModel final : public runner::PluginDirectory {
 public:
  /// `wanted`: what the runner was started with. Some of it may be broken there.
  GenerationsModel(Context& sim, Machine& machine, const std::vector<wire::PluginRef>& wanted);

  /// For the hello.
  [[nodiscard]] std::vector<wire::PluginState> states() const;
  [[nodiscard]] std::uint16_t protocol_minor() const { return old_ ? 0 : wire::kProtocolMinor; }
  /// The zygotes load. `pool` and `host` outlive this object.
  void open(const wire::Welcome& welcome, runner::SlotPool& pool, runner::HostPort& host);

  // --- from the host, after open()
  /// `leaving`: the runner drains, and loads nothing more.
  void load(wire::Load load, bool leaving);
  /// `open`: calls that have not ended, and what they are for.
  void end(const std::string& digest, const std::map<std::uint64_t, DigestId>& open);
  /// As the host may know: it was told that calls of this digest can come, and has not ended it since.
  [[nodiscard]] bool may_be_called(std::string_view digest) const;

  /// Draws the conclusions from what has happened to slots and zygotes. Call in each turn of the loop.
  void settle();
  [[nodiscard]] std::vector<runner::GenerationId> checking_idle() const;
  /// Digests of which something is left.
  [[nodiscard]] std::vector<DigestId> digests() const;

  // --- PluginDirectory
  [[nodiscard]] std::optional<runner::GenerationId> find(std::string_view digest) const override {
    return book_.find(digest);
  }
  [[nodiscard]] const Error& problem(runner::GenerationId id) const override { return list_.at(id).problem; }
  [[nodiscard]] std::shared_ptr<const manifest::Manifest> manifest(runner::GenerationId) const override {
    return manifest_;
  }
  [[nodiscard]] std::string name(runner::GenerationId id) const override;
  [[nodiscard]] std::string describe_all() const override { return "simulated plugins"; }

 private:
  struct Generation {
    wire::PluginRef plugin;
    Error problem{};
    bool lives = false;  // its zygote does
    bool up = false;     // and has loaded it
    bool dying = false;
  };

  void start(runner::GenerationId id);
  void begin(const runner::StartGeneration& action);
  void may_die_later(runner::GenerationId id);
  void zygote_up(runner::GenerationId id);
  void zygote_dies(runner::GenerationId id);
  void zygote_gone(runner::GenerationId id);
  void fail(runner::GenerationId id, Error problem);
  void carry_out();
  void end(runner::GenerationId id);
  bool bury();
  [[nodiscard]] bool wanted(runner::GenerationId id) const { return list_.contains(id) && !book_.ends(id); }

  Context& sim_;
  Machine& machine_;
  runner::SlotPool* pool_ = nullptr;
  runner::HostPort* host_ = nullptr;
  Duration start_limit_{};
  bool old_;  // a flame-runner that takes no plugin while it runs
  runner::GenerationBook book_;
  std::map<runner::GenerationId, Generation> list_;
  std::shared_ptr<const manifest::Manifest> manifest_;
};

}  // namespace flame::sim
