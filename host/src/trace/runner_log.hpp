// The runners of one pool as time goes by: when each was asked for, started, dialled in, and how it ended.
#pragma once

#include <cstddef>
#include <deque>
#include <map>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include <flame/backend.hpp>

#include "host/src/policy/types.hpp"
#include "plugin_sdk/wire/messages.hpp"

namespace flame::pool {

/// A backend that had no room for a boot, so that another one was asked.
struct SentOn {
  Instant when{};
  BackendIndex from = 0;
  BackendIndex to = 0;
  std::string reason;
};

/// How far a boot has come, as its backend said.
struct BootStep {
  Instant when{};
  BootPhase phase = BootPhase::placed;
  std::string detail;
};

/// A time that has not come is kNever.
struct RunnerRecord {
  RunnerId id = 0;
  BackendIndex backend = 0;  ///< that was asked last
  Instant asked{};           ///< of the first backend
  std::vector<SentOn> sent_on;
  std::vector<BootStep> phases;  ///< of the backend that was asked last; each once, with its last detail
  Instant machine = kNever;      ///< the backend said that it has started
  Instant hello = kNever;        ///< its hello arrived
  Instant ready = kNever;        ///< it was admitted
  Instant gone = kNever;         ///< out of the pool
  Instant quiet = kNever;        ///< the last word before its last silence that was too long …
  Instant again = kNever;        ///< … and the first after it
  std::string reason;            ///< why it went; may be empty
  std::vector<wire::PluginState> plugins;
  std::vector<std::pair<std::string, std::string>> facts;

  [[nodiscard]] bool boot_failed() const noexcept { return gone != kNever && ready == kNever; }
};

/// Live runners and the last limits::kRunnersRememberedMax that have gone. Steps of unknown runners are ignored; so is
/// a second time of the same. Pure; not thread-safe.
class RunnerLog {
 public:
  void asked(RunnerId runner, BackendIndex backend, Instant now);
  /// The backend has no room, so `to` was asked. A bounded number is kept.
  void sent_on(RunnerId runner, BackendIndex to, std::string_view reason, Instant now);
  /// Phases go forward only.
  void reached(RunnerId runner, BootPhase phase, std::string_view detail, Instant now);
  void machine_started(RunnerId runner, Instant now);
  /// Keeps a bounded part of what the runner says of itself: it comes from outside.
  void hello(RunnerId runner, const wire::Hello& hello, Instant now);
  void ready(RunnerId runner, Instant now);
  /// It has loaded the plugin, or cannot. What it said of that digest before is replaced; of more than
  /// limits::kRunnerPluginsMax digests the first ones are kept.
  void loaded(RunnerId runner, const wire::PluginState& plugin);
  /// It has the digest no more.
  void generation_ended(RunnerId runner, std::string_view digest);
  /// It has been silent since `heard`, too long for new calls.
  void quiet(RunnerId runner, Instant heard);
  void heard_again(RunnerId runner, Instant now);
  void gone(RunnerId runner, std::string_view reason, Instant now);

  /// That was asked for its machine; the first one for a runner that is not live.
  [[nodiscard]] BackendIndex backend(RunnerId runner) const {
    const auto record = live_.find(runner);
    return record == live_.end() ? 0 : record->second.backend;
  }
  /// It lives, and lists the digest without an error.
  [[nodiscard]] bool has(RunnerId runner, std::string_view digest) const;
  /// Null: unknown or forgotten.
  [[nodiscard]] const RunnerRecord* find(RunnerId runner) const;
  [[nodiscard]] const std::map<RunnerId, RunnerRecord>& live() const noexcept { return live_; }
  /// Oldest loss first.
  [[nodiscard]] const std::deque<RunnerRecord>& ended() const noexcept { return ended_; }

 private:
  [[nodiscard]] RunnerRecord* live(RunnerId runner);

  std::map<RunnerId, RunnerRecord> live_;
  std::deque<RunnerRecord> ended_;
};

}  // namespace flame::pool
