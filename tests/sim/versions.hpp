// The versions of a simulated host's plugin: the real PluginLine over two pools, the store in which it writes records,
// and what callers may expect of a change.
#pragma once

#include <array>
#include <cstdint>
#include <deque>
#include <functional>
#include <map>
#include <optional>
#include <set>
#include <vector>

#include "host/src/policy/events.hpp"
#include "host/src/policy/plugin_line.hpp"
#include "tests/sim/neighbour.hpp"

namespace flame::sim {

/// Where its host is one process with a loop: callers may do what is marked so, the rest is the loop's.
class Versions {
 public:
  using Pools = std::vector<pool::line::PoolIndex>;
  struct Around {
    std::function<void(const pool::Event&)> feed;  // to the driver of pool 0
    std::function<pool::action::Prepared(DigestId)> ask;
    std::function<void(std::function<void()>)> on_loop;  // at once, or when the host goes on
  };
  /// Pool 0 is the world's own, 1 is a neighbour.
  static constexpr std::size_t kPools = 2;

  Versions(Context& sim, Around around);

  // --- callers
  /// The number of the request.
  std::uint64_t activate(DigestId digest, Pools pools, Duration patience);
  std::uint64_t rollback(Pools pools, Duration patience);
  /// The snapshot: what a call that begins now is made for.
  [[nodiscard]] DigestId read() const;
  /// Somebody hears that a change is done.
  void on_done(std::function<void()> callback) { on_done_ = std::move(callback); }

  // --- the loop
  /// Pool 0 reports.
  void report(const pool::action::Prepared& report);
  void keep_time(Instant now);
  /// Carries out what is to be done. False: nothing was.
  bool act();
  [[nodiscard]] Instant next_wakeup() const { return line_.next_wakeup(); }
  void shut_down();
  /// Pool 0 is drained: it may say so.
  void expect_end() { ends_ = true; }

  // --- the world
  [[nodiscard]] DigestId active() const noexcept { return snapshots_[0]; }
  /// nullopt: the request is not answered; none: it was done.
  [[nodiscard]] std::optional<ErrorCode> outcome(std::uint64_t request) const { return requests_.at(request).outcome; }
  [[nodiscard]] std::uint64_t unanswered() const;

 private:
  struct Request {
    std::optional<DigestId> digest;  // nullopt: what was before
    Pools pools;
    Instant deadline = kNever;
    std::optional<ErrorCode> outcome;
    Instant answered{};
  };

  // The last one since the pool was asked.
  struct Report {
    std::optional<pool::action::Prepared> words;
    bool fresh = false;  // the line has not been told
  };

  std::uint64_t ask(Request request);
  void begin(std::uint64_t request);
  template <class Ask>
  void tell(Ask ask);
  bool act_once();
  void carry_out(const pool::line::Prepare& prepare);
  void carry_out(const pool::line::WriteRecord& record);
  void carry_out(const pool::line::Switch& change);
  void carry_out(const pool::line::Abandon& abandon);
  void carry_out(const pool::line::Done& done);
  void hear(std::uint32_t pool, const pool::action::Prepared& report);
  void check_ready(const std::vector<pool::line::Move>& moves);
  void promise(const Request& request, const pool::line::Done& done);
  [[nodiscard]] bool plausible(const Request& request, ErrorCode why) const;

  Context& sim_;
  Around around_;
  pool::PluginLine line_;
  Neighbour neighbour_;
  std::deque<pool::line::Action> actions_;      // all are carried out before anything else is told
  std::deque<std::function<void()>> messages_;  // that the line is to be told
  std::map<std::uint64_t, Request> requests_;
  std::array<DigestId, kPools> snapshots_{};
  std::array<std::set<DigestId>, kPools> owed_;  // what a call that begins now may be made for
  std::array<Report, kPools> reports_;
  std::function<void()> on_done_;
  bool ends_ = false;
};

}  // namespace flame::sim
