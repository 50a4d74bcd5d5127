// The loop thread: owns the sockets and all pool state; polls, dispatches, keeps time.
#pragma once

#include <atomic>
#include <cstddef>
#include <cstdint>
#include <map>
#include <memory>
#include <string>
#include <thread>
#include <vector>

#include <flame/backend.hpp>

#include "host/src/api/pool_front.hpp"
#include "host/src/control/question.hpp"
#include "host/src/loop/machines.hpp"
#include "host/src/loop/plugin_lines.hpp"
#include "host/src/loop/pool_driver.hpp"
#include "host/src/trace/call_history.hpp"
#include "host/src/trace/status.hpp"
#include "host/src/transport/router.hpp"
#include "host/src/transport/session_table.hpp"

namespace flame::pool {

/// Made and destroyed by the host's thread. Whoever leads (loop_leader.hpp) does everything in between: on the loop's
/// own thread or on one caller's that waits for a result, one at a time. It runs no user code and never blocks. What is
/// thrown in it ends the host's calls with shutting_down, not the program.
class Loop final : private LoopWork {
 public:
  struct Parts {
    std::unique_ptr<Router> router;
    std::shared_ptr<Inbox> inbox;
    std::map<std::string, std::shared_ptr<Backend>> backends;
    std::map<std::string, std::uint64_t> machines_max;  // by backend, over all pools; not there: no limit
    std::vector<std::shared_ptr<detail::PoolFront>> pools;
    std::shared_ptr<const Catalog> catalog;
    std::vector<LineSpec> lines;
    base::Logger log;
    std::string host_name;
    std::map<std::string, std::string> advertise;  // by backend, as DriverServices
    HostIdentity identity;
    Reaping::Parts reaping;  // all but `identity` and `log`
    Liveness liveness;
  };
  explicit Loop(Parts parts);
  /// Destroys all machines, and ends the thread once all backends are closed, at the latest after
  /// limits::kBackendCloseMax and Machines::kLastWord. Calls that are left fail with shutting_down.
  ~Loop();
  Loop(const Loop&) = delete;
  Loop& operator=(const Loop&) = delete;

  void start();

  /// Loop thread: what `flame status` and `flame why` get to know. loop_control.cpp.
  [[nodiscard]] control::Answer answer(const control::Request& request, Instant now) const;

 private:
  /// Commands taken from the inbox, and done up to `next`.
  struct Taken {
    std::vector<Command> commands;
    std::size_t next = 0;
  };

  void run() noexcept;
  void begin();
  bool work(std::uint64_t ready, Visit& visit) noexcept override;
  [[nodiscard]] bool serve(std::uint64_t ready, Visit& visit);
  [[nodiscard]] bool turn();
  [[nodiscard]] bool take_commands();
  void take(Command& command, Instant now);
  void keep_time(Instant now);
  [[nodiscard]] Instant next_wakeup() const;
  void fail(const char* what) noexcept;
  void fail_by_what_is_thrown() noexcept;
  void finish() noexcept;
  void settle(Command& command) noexcept;
  void settle_open(Command& command) noexcept;
  [[nodiscard]] bool done() const;
  template <class PoolCommand>
  void perform(PoolCommand& command, Instant now);
  void perform(command::None& none, Instant now);
  void perform(command::Submit& submit, Instant now);
  void perform(command::Cancel& cancel, Instant now);
  void perform(command::AskHost& ask, Instant now);
  void perform(command::ChangePlugin& change, Instant now);
  void perform(command::PluginRecorded& recorded, Instant now);
  void perform(command::EndChanges& end, Instant now);
  void perform(command::BackendSaid& said, Instant now);
  void perform(command::End& end, Instant now);

  [[nodiscard]] control::Answer status(const control::StatusRequest& request, Instant now) const;
  [[nodiscard]] control::Answer why(const control::WhyRequest& request, Instant now) const;

  Parts parts_;
  std::uint64_t incarnation_;
  Instant started_;
  CallHistory history_;
  Machines machines_;
  SessionTable sessions_;
  std::vector<std::unique_ptr<PoolDriver>> drivers_;
  PluginLines lines_;
  Taken taken_;
  Instant turned_at_;  // when the last turn began
  Instant next_beat_;
  Session::Flushed flushed_ = Session::Flushed::done;
  std::string end_reason_ = "the host has been shut down";
  bool failed_ = false;
  std::atomic<bool> ended_{false};
  std::thread thread_;
};

}  // namespace flame::pool
