// What became of recent calls: a bounded record of each, from its submission to the end of its slot's work on it.
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <deque>
#include <optional>
#include <string>
#include <string_view>
#include <unordered_map>
#include <vector>

#include <flame/error.hpp>

#include "host/src/policy/types.hpp"
#include "plugin_sdk/base/limits.hpp"

namespace flame::pool {

enum class CallStep : std::uint8_t {
  queued,
  sent,
  begun,
  attempt_failed,
  stop_requested,
  answered,
  held,
  let_go,
  ended
};

/// One step of a call. What a step does not have is 0.
struct CallEvent {
  std::int64_t after_ns = 0;  ///< since the submission
  RunnerId runner = 0;
  CallStep step = CallStep::queued;
  std::uint8_t attempt = 0;  ///< sent
  std::uint8_t code = 0;     ///< attempt_failed, answered, let_go: ErrorCode; stop_requested: wire::CancelReason
  std::uint8_t signal = 0;   ///< attempt_failed
  std::int16_t exit_code = -1;
};

/// What a call found that had to wait: why no slot was free.
struct QueueView {
  std::uint64_t ahead = 0;  ///< calls that waited before it
  std::uint32_t serving = 0;
  std::uint32_t booting = 0;  ///< a boot that this call caused included
  bool on_object = false;     ///< it waits for its turn in the slot of its object: `ahead` counts those, no runner
  std::uint32_t silent = 0;   ///< runners that get no new calls because nothing is heard from them
};

/// All that is known of one call.
struct CallStory {
  CallId id = 0;
  std::uint32_t pool = 0;
  DigestId digest = 0;
  std::string task;
  Instant submitted{};
  std::optional<QueueView> queue;  ///< it had to wait
  std::array<CallEvent, limits::kHistoryEventsMax> events;
  std::uint32_t count = 0;    ///< of events
  std::uint32_t dropped = 0;  ///< events left out in the middle, after the first half
  bool answered = false;
  bool holds = false;                ///< objects that it has left live in its slot
  ErrorCode code = ErrorCode::none;  ///< of the answer
  std::string failure;               ///< the answer's error in words, or what ended its objects

  /// Drops an event in the middle if there is no room.
  void add(const CallEvent& event);
};

/// A window of the last calls, and beside it what is asked for when they have left it, which takes a fraction of a
/// second under load: calls that have not ended, and the last that failed. Each step costs one look-up in an array as
/// long as the call is one of the last kHistoryRecentMax, and allocates nothing that an earlier call has not left
/// behind. Steps of calls that are not (any more) kept are ignored. Pure; not thread-safe.
class CallHistory {
 public:
  struct Call {
    CallId id = 0;
    std::uint32_t pool = 0;
    DigestId digest = 0;
    std::string_view task;
  };
  void submitted(const Call& call, Instant now);
  void queued(CallId call, const QueueView& view, Instant now);
  /// Fills in the time.
  void add(CallId call, CallEvent event, Instant now);
  /// `error` null: it succeeded.
  void answered(CallId call, RunnerId runner, const Error* error, Instant now);
  /// It has left objects in its slot; they are gone (nothing if there are none). `error` null: they were let go.
  void held(CallId call, RunnerId runner, Instant now);
  void let_go(CallId call, RunnerId runner, const Error* error, Instant now);

  /// Null: never heard of it, or not kept any more.
  [[nodiscard]] const CallStory* find(CallId call) const;
  /// The call that was answered last, or failed last; 0: none yet.
  [[nodiscard]] CallId last_answered() const noexcept { return last_answered_; }
  [[nodiscard]] CallId last_failed() const noexcept { return last_failed_; }
  /// Calls that find() knows. Linear.
  [[nodiscard]] std::size_t size() const;

 private:
  static void add(CallStory& story, CallEvent event, Instant now);
  [[nodiscard]] CallStory* story(CallId call);
  [[nodiscard]] CallStory* place_for(CallId call);
  void keep(CallStory& old);
  void ended(CallId call);
  [[nodiscard]] bool room_for_open() const noexcept { return kept_.size() - ended_.size() < limits::kHistoryOpenMax; }

  std::vector<CallStory> recent_;               // at the call's number modulo the limit: the window
  std::unordered_map<CallId, CallStory> kept_;  // left the window: those that have not ended, and …
  std::deque<CallId> ended_;                    // … of those that failed or took so long, the last
  CallId last_answered_ = 0;
  CallId last_failed_ = 0;
};

}  // namespace flame::pool
