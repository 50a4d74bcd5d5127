// A pool that writes down what it is told of its runners.
#pragma once

#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "host/src/transport/runner_events.hpp"
#include "host/src/transport/session.hpp"

namespace flame::test {

/// Keeps the sessions, and the last of each thing that comes with them.
class ToldPool final : public pool::RunnerEvents {
 public:
  void on_hello(pool::Session& session, const wire::Hello& hello, pool::Instant) override {
    notes_.push_back("hello " + hello.runner);
    sessions.push_back(&session);
  }
  void on_notice(pool::Session&, const wire::Body& body, pool::Instant) override {
    notes_.emplace_back(std::holds_alternative<wire::Beat>(body) ? "beat" : "notice");
  }
  void on_heard(pool::RunnerId runner, pool::Instant) override { note("heard", runner); }
  void on_lost(pool::Session& session, const std::string& reason, pool::Instant) override {
    notes_.push_back("lost " + session.info().name);
    why = reason;
  }
  void on_begun(pool::RunnerId, pool::CallId call, pool::Instant) override { note("begun", call); }
  void on_result(pool::RunnerId, pool::CallId call, std::optional<Error> failure, detail::Payload result,
                 pool::Instant) override {
    note(failure ? std::string(to_string(failure->code)) : "result", call);
    error = failure.value_or(Error{});
    payload = std::move(result);
  }
  void on_ended(pool::RunnerId, pool::CallId call, std::optional<Error> end, pool::Instant) override {
    note(end ? "died" : "ended", call);
  }
  void on_output(pool::RunnerId, const wire::Output& output) override { note("output", output.id); }
  void on_progress(pool::RunnerId, const wire::Progress& progress) override { note("progress", progress.id); }

  /// Since the last time.
  std::vector<std::string> told() { return std::exchange(notes_, {}); }

  std::vector<pool::Session*> sessions;
  std::string why;  ///< a runner was lost
  Error error;
  detail::Payload payload;

 private:
  void note(const std::string& what, std::uint64_t id) { notes_.push_back(what + " " + std::to_string(id)); }
  std::vector<std::string> notes_;
};

}  // namespace flame::test
