// Words for each step, and the runners' steps that belong among them.
#include "host/src/trace/explain.hpp"

#include <algorithm>
#include <cstring>
#include <span>
#include <string_view>
#include <utility>

#include "host/src/policy/boot_progress.hpp"
#include "plugin_sdk/base/limits.hpp"
#include "plugin_sdk/base/units.hpp"
#include "plugin_sdk/wire/messages.hpp"

namespace flame::control {
namespace {

using pool::CallEvent;
using pool::CallStep;
using pool::CallStory;
using pool::Instant;
using pool::kNever;
using pool::RunnerLog;
using pool::RunnerRecord;

/// Boots that a waiting call is told of; a pool that cannot boot would fill pages.
constexpr std::size_t kBootsTold = 5;

std::string counted(std::uint64_t count, const std::string& what) {
  return std::to_string(count) + " " + what + (count == 1 ? "" : "s");
}

std::string stop_reason(std::uint8_t code) {
  switch (static_cast<wire::CancelReason>(code)) {
    case wire::CancelReason::timed_out:
      return "its deadline has passed";
    case wire::CancelReason::shutting_down:
      return "the host or pool shuts down";
    case wire::CancelReason::cancelled:
      break;
  }
  return "its caller has given it up";
}

std::string death(const CallEvent& event) {
  if (event.signal != 0) {
    const char* name = ::sigabbrev_np(event.signal);
    return ", signal " + std::to_string(event.signal) + (name == nullptr ? "" : " (SIG" + std::string(name) + ")");
  }
  return event.exit_code >= 0 ? ", exit code " + std::to_string(event.exit_code) : "";
}

// Of what happened at one instant, the step of a runner comes before that of another runner or of the call that follows
// from it.
int rank(std::string_view what) {
  if (what == "submitted" || what == "queued") return 0;
  if (what == "runner_lost" || what == "boot_failed" || what == "runner_silent") return 1;
  if (what == "boot_asked" || what == "boot_sent_on" || what == "boot_phase" || what == "machine_started" ||
      what == "runner_ready")
    return 2;
  return 3;
}

class Teller {
 public:
  Teller(const CallStory& story, const RunnerLog& runners, const StoryNames& names, Instant now)
      : story_(story),
        runners_(runners),
        names_(names),
        now_(now),
        events_(std::span(story.events).first(story.count)) {}

  std::vector<CallLine> lines() {
    const std::string plugin = names_.plugin.empty() ? "" : ", " + names_.plugin;
    say(Duration(0), "submitted", 0, "submitted to pool " + names_.pool + " (task " + story_.task + plugin + ")");
    for (const CallEvent& event : events_) tell(event);
    tell_boots();
    tell_silences();
    std::ranges::stable_sort(lines_, {}, [](const CallLine& line) { return std::pair(line.after, rank(line.what)); });
    return std::move(lines_);
  }

 private:
  void say(Duration after, std::string what, pool::RunnerId runner, std::string text) {
    lines_.push_back({after, std::move(what), runner == 0 ? std::string() : name(runner), std::move(text)});
  }
  void say(Instant when, std::string what, pool::RunnerId runner, std::string text) {
    say(when - story_.submitted, std::move(what), runner, std::move(text));
  }
  [[nodiscard]] std::string name(pool::RunnerId runner) const { return names_.pool + "-" + std::to_string(runner); }

  void tell(const CallEvent& event) {
    const Duration after(event.after_ns);
    const std::string runner = name(event.runner);
    switch (event.step) {
      case CallStep::queued:
        asked_for_it_ = story_.queue->on_object ? 0 : boot_at_arrival(after);
        return say(after, "queued", asked_for_it_, "waits: " + why_queued());
      case CallStep::sent:
        return say(
            after, "sent", event.runner,
            "sent to runner " + runner + (event.attempt > 1 ? " (attempt " + std::to_string(event.attempt) + ")" : ""));
      case CallStep::begun:
        return say(after, "begun", event.runner, "runs on " + runner);
      case CallStep::attempt_failed:
        if (event.code == static_cast<std::uint8_t>(ErrorCode::runner_lost)) return tell_loss(after, event.runner);
        return say(after, "attempt_failed", event.runner,
                   std::string(flame::to_string(static_cast<ErrorCode>(event.code))) + death(event) +
                       "; the task is idempotent and is tried again");
      case CallStep::stop_requested:
        return say(after, "stop_requested", event.runner,
                   "runner " + runner + " was asked to stop it: " + stop_reason(event.code) + "; it is killed " +
                       base::format_duration(limits::kKillGrace) + " later unless it stops");
      case CallStep::answered:
        return say(after, "answered", event.runner,
                   story_.code == ErrorCode::none ? "returned its result" : "failed: " + story_.failure);
      case CallStep::held:
        return say(after, "held", event.runner,
                   "its slot on " + runner + " is kept for the objects that it has left there");
      case CallStep::let_go:
        return say(after, "let_go", event.runner,
                   event.code == 0 ? "its objects were let go" : "its objects are gone: " + story_.failure);
      case CallStep::ended:
        return say(after, "ended", event.runner, "its slot on " + runner + " is free again");
    }
  }

  [[nodiscard]] std::string why_queued() const {
    const pool::QueueView& view = *story_.queue;
    if (view.on_object) {
      return "another call was in the slot of its object" +
             (view.ahead > 0 ? ", " + counted(view.ahead, "call") + " ahead of it" : "");
    }
    if (view.serving == 0 && view.booting == 0 && view.silent > 0) {
      return "nothing was heard from " + counted(view.silent, "runner") + ", which get no new calls until then";
    }
    if (view.serving == 0 && view.booting == 0) {
      return "no runner was up and none was being booted, as boots are put off after failed ones, or no backend of the "
             "pool may have another machine";
    }
    const std::string booting = asked_for_it_ != 0 ? "runner " + name(asked_for_it_) + " was asked of backend " +
                                                         asked_first(*runners_.find(asked_for_it_))
                                                   : counted(view.booting, "runner") + " booting";
    if (view.serving == 0) return "no runner was up; " + booting;
    return "no slot of " + counted(view.serving, "runner") + " was free for it" +
           (view.booting > 0 ? ", " + booting : "") +
           (view.ahead > 0 ? ", " + counted(view.ahead, "call") + " ahead of it" : "");
  }

  [[nodiscard]] std::string backend(pool::BackendIndex index) const {
    return index < names_.backends.size() ? names_.backends[index] : "unknown";
  }
  [[nodiscard]] std::string asked_first(const RunnerRecord& record) const {
    return backend(record.sent_on.empty() ? record.backend : record.sent_on.front().from);
  }

  // The boot that this call caused.
  [[nodiscard]] pool::RunnerId boot_at_arrival(Duration queued) const {
    pool::RunnerId found = 0;
    for_each([&](const RunnerRecord& record) {
      if (record.asked >= story_.submitted && record.asked <= story_.submitted + queued) found = record.id;
    });
    return found;
  }

  template <class F>
  void for_each(F&& f) const {
    for (const auto& [id, record] : runners_.live()) f(record);
    for (const RunnerRecord& record : runners_.ended()) f(record);
  }

  [[nodiscard]] Instant at(const CallEvent& event) const { return story_.submitted + Duration(event.after_ns); }

  // Until its first slot, its answer, or now.
  [[nodiscard]] Instant waited_until() const {
    for (const CallEvent& event : events_) {
      if (event.step == CallStep::sent || event.step == CallStep::answered) return at(event);
    }
    return now_;
  }

  void tell_boots() {
    Instant begin = story_.submitted;
    for (const CallEvent& event : events_) {
      if (event.step != CallStep::sent) continue;
      if (const RunnerRecord* taker = runners_.find(event.runner)) tell_boot(*taker, begin, at(event));
      begin = at(event) + Duration(1);  // what led to this attempt has been told
    }
    if (story_.queue && !story_.queue->on_object) tell_other_boots(waited_until());
  }

  // Those that failed while it waited, and those that it waits for now.
  void tell_other_boots(Instant until) {
    std::vector<const RunnerRecord*> boots;
    for_each([&](const RunnerRecord& record) {
      const bool failed = record.boot_failed() && record.gone >= story_.submitted && record.gone <= until;
      const bool under_way = until == now_ && record.ready == kNever && record.gone == kNever;
      if (failed || under_way) boots.push_back(&record);
    });
    std::ranges::sort(boots, {}, &RunnerRecord::id);
    for (const RunnerRecord* record : std::span(boots).last(std::min(boots.size(), kBootsTold))) {
      tell_boot(*record, story_.submitted, until);
    }
  }

  void tell_boot(const RunnerRecord& record, Instant begin, Instant end) {
    const auto here = [&](Instant when) { return when != kNever && when >= begin && when <= end; };
    const std::string runner = "runner " + name(record.id);
    if (record.id != asked_for_it_ && here(record.asked)) {
      say(record.asked, "boot_asked", record.id, runner + " was asked of backend " + asked_first(record));
    }
    for (const pool::SentOn& one : record.sent_on)
      if (here(one.when))
        say(one.when, "boot_sent_on", record.id,
            "backend " + backend(one.from) + " had no room for " + runner + " (" + one.reason + "); it was asked of " +
                backend(one.to));
    for (const pool::BootStep& step : record.phases)
      if (here(step.when))
        say(step.when, "boot_phase", record.id,
            "the machine of " + runner + " is " + std::string(pool::to_string(step.phase)) +
                (step.detail.empty() ? "" : " (" + step.detail + ")"));
    if (here(record.machine)) {
      say(record.machine, "machine_started", record.id, "the machine of " + runner + " has started");
    }
    if (here(record.ready)) say(record.ready, "runner_ready", record.id, runner + " has dialled in and is ready");
    if (record.boot_failed() && here(record.gone)) {
      say(record.gone, "boot_failed", record.id,
          runner + " did not boot" + (record.reason.empty() ? "" : ": " + record.reason));
    }
  }

  void tell_loss(Duration after, pool::RunnerId runner) {
    const RunnerRecord* const record = runners_.find(runner);
    say(after, "runner_lost", runner,
        "runner " + name(runner) + " was lost" +
            (record == nullptr || record->reason.empty() ? "" : ": " + record->reason) +
            "; the task is idempotent and is tried again");
  }

  // Of the runner that had it; while it waited, of every runner that could not take it for that reason.
  void tell_silences() {
    const Instant until = answered_at();
    for_each([&](const RunnerRecord& record) {
      if (record.quiet == kNever || record.quiet > until || !concerns(record.id)) return;
      const Instant end = std::min({record.again, record.gone, now_});
      if (end <= story_.submitted) return;
      const std::string runner = "runner " + name(record.id);
      const Duration length = end - record.quiet;
      say(std::max(record.quiet, story_.submitted), "runner_silent", record.id,
          "nothing was heard from " + runner + " for " + base::format_duration(round_to_ms(length)) +
              (record.again == kNever && record.gone == kNever ? " (still)" : "") +
              ": its connection lives, so it is not lost, but it gets no new calls. Does it stand in a debugger, or is "
              "its machine overloaded?");
    });
  }

  static Duration round_to_ms(Duration time) { return std::chrono::floor<std::chrono::milliseconds>(time); }

  [[nodiscard]] Instant answered_at() const {
    for (const CallEvent& event : events_) {
      if (event.step == CallStep::answered) return at(event);
    }
    return now_;
  }

  // It was sent there, or was never sent anywhere.
  [[nodiscard]] bool concerns(pool::RunnerId runner) const {
    bool sent = false;
    for (const CallEvent& event : events_) {
      if (event.step != CallStep::sent) continue;
      if (event.runner == runner) return true;
      sent = true;
    }
    return !sent && story_.queue && !story_.queue->on_object;
  }

  const CallStory& story_;
  const RunnerLog& runners_;
  const StoryNames& names_;
  Instant now_;
  std::span<const CallEvent> events_;
  std::vector<CallLine> lines_;
  pool::RunnerId asked_for_it_ = 0;
};

std::string state_of(const CallStory& story) {
  if (story.answered) return story.holds ? "holding" : "ended";
  bool runs = false;
  for (const CallEvent& event : std::span(story.events).first(story.count)) {
    if (event.step == CallStep::sent) runs = true;
    if (event.step == CallStep::attempt_failed) runs = false;
  }
  return runs ? "running" : "waiting";
}

}  // namespace

CallReport explain(const CallStory& story, const RunnerLog& runners, const StoryNames& names, Instant now) {
  CallReport report{.host = {},
                    .pid = 0,
                    .invocation = story.id,
                    .pool = names.pool,
                    .task = story.task,
                    .plugin = names.plugin,
                    .state = state_of(story),
                    .outcome = {},
                    .submitted_ago = now - story.submitted,
                    .left_out = story.dropped,
                    .lines = Teller(story, runners, names, now).lines()};
  if (story.answered) report.outcome = story.code == ErrorCode::none ? "ok" : std::string(flame::to_string(story.code));
  return report;
}

}  // namespace flame::control
