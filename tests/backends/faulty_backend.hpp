// A sound backend with one rule of the contract broken, which the suite must see.
#pragma once

#include <functional>
#include <map>
#include <memory>
#include <set>
#include <string>
#include <string_view>

#include <flame/backend.hpp>

#include "tests/support/forwarded_events.hpp"
#include "tests/support/scripted_engine.hpp"

namespace flame::test {

enum class Fault : std::uint8_t {
  answers_twice,
  answers_for_another,    ///< the machine in booted() has another name
  outlives_its_lifetime,  ///< or says nothing of its end
  forgets_destroyed,
  phases_backwards,
  phase_after_booted,
  forgets_placed,
  claims_gone,  ///< what was destroyed is there
  keeps_logs,   ///< has none of a machine that runs
  drops_log_tail,
  forgets_queue,
  leaves_the_queue_early,  ///< says that it has a place, and has none
  says_retry,              ///< there is room elsewhere only
  hides_cancelled,         ///< a boot that was destroyed fails as if by itself
  boots_despite_destroy,
  destroyed_before_booted,
  boots_twice,  ///< the second boot() of a name
  adopts_strangers,
  hides_may_exist,
  lists_nothing_when_down,
  claims_gone_when_down,
  guesses_deaths,       ///< while the engine is down
  gives_up_its_engine,  ///< that was down when it was opened
  exits_before_booted,
  tells_exits_late,
  forgets_exits,
  swallows_endings,
  forgets_revisions,
  forgets_out_of_memory,
  lists_strangers,
  lists_less,
  drops_labels,
  destroys_twins,
  leaks_in_log,
  leaks_in_error,
  leaks_in_inspect,
  closes_late,
  closes_at_once,
  speaks_after_closed,
};

class FaultyBackend final : public Backend, private ForwardedEvents {
 public:
  FaultyBackend(Fault fault, std::unique_ptr<Backend> sound, ScriptedEngine& engine);

  [[nodiscard]] std::string_view name() const override { return sound_->name(); }
  [[nodiscard]] const BackendTraits& traits() const override { return sound_->traits(); }
  void open(BackendEvents& events) override;
  void boot(BootRequest request) override;
  void destroy(const MachineName& name, const MachineId& id) override;
  void list(std::uint64_t ticket, const Labels& scope) override;
  void logs(std::uint64_t ticket, const Machine& machine, std::uint64_t bytes_max) override;
  void close(Duration within) override;

 private:
  // --- BackendEvents
  void opened(boost::system::result<EngineFacts, BootFailure> facts) noexcept override;
  void phase(const MachineName& name, BootPhase phase, std::string_view detail) noexcept override;
  void booted(const MachineName& name, BootOutcome outcome) noexcept override;
  void ending(const MachineName& name, Duration left, std::string_view why) noexcept override;
  void exited(const MachineName& name, MachineExit exit) noexcept override;
  void destroyed(const MachineName& name, std::optional<Error> left) noexcept override;
  void listed(std::uint64_t ticket, Result<std::vector<Machine>> machines) noexcept override;
  void closed() noexcept override;

  void spoil(BootRequest& request);
  [[nodiscard]] BootFailure spoilt(const MachineName& name, BootFailure failure) const;
  [[nodiscard]] Machine spoilt(Machine machine) const;
  void says_that_it_is_gone(const MachineName& name);
  void later(Duration delay, std::function<void()> task);
  [[nodiscard]] bool has(Fault fault) const noexcept { return fault_ == fault; }

  const Fault fault_;
  const std::unique_ptr<Backend> sound_;
  ScriptedEngine& engine_;
  std::map<MachineName, std::string> descriptors_;  // of all boots
  std::set<MachineName> booted_;
  std::set<MachineName> ending_;
  std::set<MachineName> muted_;  // nothing more is said of them
  bool opened_ = true;
  std::shared_ptr<const bool> alive_ = std::make_shared<bool>(true);
};

}  // namespace flame::test
