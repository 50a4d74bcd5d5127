// Which generations of its plugins a runner has, which of them the host has asked for, and what it is told. Pure:
// events in, actions out; knows neither zygotes nor slots.
#pragma once

#include <cstdint>
#include <map>
#include <optional>
#include <set>
#include <string>
#include <string_view>
#include <variant>
#include <vector>

#include "plugin_sdk/wire/messages.hpp"
#include "runner/policy/slot_table.hpp"

namespace flame::runner {

/// Find its file and load it: ready() or broken() follows.
struct StartGeneration {
  GenerationId id;
  wire::Load load;
};
/// Let its zygote and its slots end; gone() follows. What runs in a slot is not killed.
struct EndGeneration {
  GenerationId id;
};
/// Answer the host's Load.
struct TellLoaded {
  std::string digest;
  Error error;
};
/// Answer the host's EndGeneration.
struct TellEnded {
  std::string digest;
};
using GenerationAction = std::variant<StartGeneration, EndGeneration, TellLoaded, TellEnded>;

/// A digest is absent, loading, ready, ending and absent again; or broken. One that comes again is another generation.
class GenerationBook {
 public:
  /// One that the runner was started with: it is loaded, whatever it takes, and stays listed if it cannot be.
  GenerationId add(const wire::PluginRef& plugin);

  // --- from the host
  /// TellLoaded follows: at once if it is ready, and refused if limits::kGenerationsPerPluginMax of the name are here;
  /// else when it is ready or broken. While one of this digest ends the new one has to wait for its end, because the
  /// answers name only the digest.
  void load(wire::Load load);
  /// TellEnded follows: when none of this digest is left, at once if none is here. Who waits for its Load is refused.
  void end(const std::string& digest);

  // --- from the runner
  /// It serves calls, and the slots that were to be made for it are.
  void ready(GenerationId id);
  /// It was ready, its zygote is gone, and another one is started.
  void restarts(GenerationId id);
  /// It cannot be used. One that the host has asked for is ended, and the answer is given when it is gone: so the host
  /// may ask for the next one at once.
  void broken(GenerationId id, Error why);
  /// Nothing is left of one that was ended.
  void gone(GenerationId id);

  // --- what is known
  /// The one that calls of this digest go to; nullopt if there is none or it ends.
  [[nodiscard]] std::optional<GenerationId> find(std::string_view digest) const;
  /// Calls may go to it: it neither ends nor is tried out still.
  [[nodiscard]] bool serves(GenerationId id) const;
  /// The host waits to hear whether it can be used: what goes wrong is not tried again.
  [[nodiscard]] bool on_trial(GenerationId id) const;
  [[nodiscard]] bool ends(GenerationId id) const;
  /// The others of the same plugin.
  [[nodiscard]] std::vector<GenerationId> others(GenerationId id) const;
  /// Actions since the last call, in order.
  [[nodiscard]] std::vector<GenerationAction> take_actions();

 private:
  enum class State : std::uint8_t { loading, ready, broken, ending };
  struct Entry {
    wire::PluginRef plugin;
    State state = State::loading;
    bool on_trial = false;
    bool asked = false;  // TellLoaded is due
    Error problem;       // why, if it ended on trial
  };

  void start(wire::Load load);
  void end(GenerationId id, Entry& entry);
  void answer(Entry& entry, Error why);
  [[nodiscard]] Error why_no_more(const wire::PluginRef& plugin) const;
  [[nodiscard]] bool has(const std::string& digest) const;

  std::map<GenerationId, Entry> entries_;    // without those that are gone
  GenerationId next_ = 0;                    // no number is used twice
  std::map<std::string, wire::Load> later_;  // loads that wait for the end of what has their digest
  std::set<std::string> ended_;              // digests for which TellEnded is due
  std::vector<GenerationAction> actions_;
};

}  // namespace flame::runner
