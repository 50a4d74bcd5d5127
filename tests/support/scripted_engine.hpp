// Machines under virtual time, and the truth about them: what ScriptedBackend asks.
#pragma once

#include <cstdint>
#include <functional>
#include <map>
#include <optional>
#include <string>
#include <vector>

#include <flame/backend.hpp>

#include "tests/sim/agenda.hpp"

namespace flame::test {

/// How one boot goes, and what comes after it.
struct Fate {
  Duration queued{};                  ///< until it has a place; there is no machine before
  Duration boot{};                    ///< from then until its runner runs
  Duration answer{};                  ///< from then to the answer to its boot: a hello, or a death, may overtake it
  std::optional<BootFailure> fails;   ///< instead of that; with `elsewhere` it never gets a place
  bool dials = true;                  ///< else its runner never says hello
  bool reset_after = false;           ///< the answer to the boot is lost: another boot of that name adopts it
  Duration ends_in = kForever;        ///< from its place on, known from then
  Duration exit_told{};               ///< from its death to the word of it; kForever: never
  unsigned destroys_refused = 0;      ///< so many calls of destroy() it survives
  std::string log = "one line up\n";  ///< what it writes once its runner runs
};

/// One engine for any number of hosts, whose machines outlive them. No thread: things happen when the agenda comes to
/// them. Outlives its clients.
class ScriptedEngine {
 public:
  using Script = std::function<Fate(const BootRequest&)>;
  struct Unit {
    Machine machine;  // `age`, `ends_in` and `state` are of its birth: see tell()
    Fate fate;
    BootPhase phase = BootPhase::queued;
    std::map<std::string, std::string> env;
    std::string descriptor;
    std::string log;
    sim::Instant born{};
    sim::Instant ends_at = sim::kNever;
    std::string notice;  // why, if that was announced
    std::uint64_t serial = 0;
  };
  /// Hears of every machine, also of those of others. Not called while the engine is down.
  class Client {
   public:
    virtual void moved(const Unit& unit) = 0;
    virtual void failed(const MachineName& name, const BootFailure& failure) = 0;
    virtual void died(const MachineName& name, const MachineExit& exit) = 0;
    virtual void ending(const MachineName& name, Duration left, const std::string& why) = 0;
    virtual void came_back() = 0;

   protected:
    ~Client() = default;
  };
  /// Of what runs on the machines. May be empty.
  struct Hooks {
    std::function<void(const Unit&)> started;
    std::function<void(const Unit&)> killed;
  };

  ScriptedEngine(sim::Agenda& agenda, Script script, Hooks hooks = {});
  ScriptedEngine(const ScriptedEngine&) = delete;
  ScriptedEngine& operator=(const ScriptedEngine&) = delete;

  // --- what a test does
  Duration latency{};                           ///< of every answer
  Duration list_lag{};                          ///< what list() tells is as old as this
  Duration patience = std::chrono::seconds(2);  ///< of a client with an engine that is down
  bool lists_nothing_once = false;
  bool destroy_fails = false;
  void be_down(bool down);
  /// The machine ends by itself: a boot under way fails.
  void end(MachineName name, const MachineExit& exit);
  /// It is going to, in that time unless announced anew.
  void announce(const MachineName& name, Duration left, const std::string& why);
  [[nodiscard]] const std::map<MachineName, Unit>& units() const noexcept { return units_; }
  /// Machines that exist: what is queued is none.
  [[nodiscard]] std::size_t machines() const;
  [[nodiscard]] sim::Agenda& agenda() const noexcept { return agenda_; }

  // --- what a client asks
  [[nodiscard]] bool is_down() const noexcept { return down_; }
  void attach(Client& client) { clients_.push_back(&client); }
  void detach(Client& client) { std::erase(clients_, &client); }
  void submit(const BootRequest& request, std::string descriptor);
  /// Ends it whoever it belongs to, or its boot. False: it could not be.
  [[nodiscard]] bool destroy(const MachineName& name);
  [[nodiscard]] const Unit* find(const MachineName& name) const;
  /// The answer that a machine has booted is lost on its way, once if its fate says so.
  [[nodiscard]] bool loses_answer(const MachineName& name);
  /// How one that was there ended.
  [[nodiscard]] MachineExit exit_of(const MachineName& name) const;
  [[nodiscard]] Machine tell(const Unit& unit) const;
  [[nodiscard]] std::vector<Machine> list(const Labels& scope);

 private:
  struct Grave {
    Unit unit;
    MachineExit exit;
    sim::Instant died{};
  };

  void later(const Unit& unit, Duration delay, std::function<void(Unit&)> task);
  void placed(Unit& unit);
  void started(Unit& unit);
  void move(Unit& unit, BootPhase phase);
  Unit bury(const MachineName& name, const MachineExit& exit);
  template <class Tell>
  void tell_all(Tell tell);

  sim::Agenda& agenda_;
  const Script script_;
  const Hooks hooks_;
  std::vector<Client*> clients_;
  std::map<MachineName, Unit> units_;
  std::vector<Grave> graves_;
  bool down_ = false;
  std::uint64_t last_serial_ = 0;
};

}  // namespace flame::test
