// The machines of all pools: asks backends for them, remembers whose they are, and destroys what came too late.
#pragma once

#include <chrono>
#include <cstddef>
#include <cstdint>
#include <deque>
#include <functional>
#include <map>
#include <memory>
#include <optional>
#include <string>
#include <utility>

#include <flame/backend.hpp>

#include "host/src/calls/inbox.hpp"
#include "host/src/loop/backend_port.hpp"
#include "host/src/loop/machine_lookups.hpp"
#include "host/src/loop/machine_maker.hpp"
#include "host/src/loop/machine_questions.hpp"
#include "host/src/loop/reaping.hpp"
#include "host/src/policy/backend_room.hpp"
#include "host/src/policy/destroys.hpp"
#include "host/src/policy/machine_names.hpp"
#include "host/src/policy/types.hpp"
#include "plugin_sdk/base/log.hpp"
#include "plugin_sdk/base/unix_time.hpp"

namespace flame::pool {

/// Loop thread, except construction and destruction. What backends say comes through the inbox, so it is never heard
/// after the loop has ended.
class Machines final : public MachineMaker {
 public:
  /// Not called any more once close() was.
  struct Events {
    std::function<void(RunnerKey, std::optional<BootFailure>, Instant now)> on_boot;
    /// Its boot has come further; before on_boot.
    std::function<void(RunnerKey, BootPhase, std::string detail, Instant now)> on_phase;
    std::function<void(RunnerKey, std::string reason, Instant now)> on_exit;
    /// Its machine ends in so long; `fresh`: said of each machine right after on_boot, kForever: it has no end.
    std::function<void(RunnerKey, Duration left, bool fresh, Instant now)> on_ends;
    /// Whether the runner has dialled in and is there. Then its machine exists, whatever was said of its boot.
    std::function<bool(RunnerKey)> is_connected;
    /// The answer to ask_log(), at most limits::kLogTailMax.
    std::function<void(RunnerKey, std::string tail, Instant now)> on_log;
    /// Its backend could not end the runner's machine, which may run on. It is asked again until the machine is gone;
    /// told once, and when there is another reason.
    std::function<void(RunnerKey, std::string what)> on_left;
  };
  struct Parts {
    std::map<std::string, std::shared_ptr<Backend>> backends;  // by the name that pools use
    std::map<std::string, std::uint64_t> max;                  // machines of one; not there: no limit
    std::shared_ptr<Inbox> inbox;
    HostIdentity identity;
    Reaping::Parts reaping;             // all but `identity`, `unix_time` and `log`
    MachineQuestions::Parts questions;  // `host_name` and `pools`
    std::function<std::int64_t()> unix_time = base::unix_time;
    base::Logger log;
  };

  explicit Machines(Parts parts);
  void set_events(Events events) { events_ = std::move(events); }

  /// Opens all backends. Once, before the first boot.
  void open();

  // --- MachineMaker
  void boot(RunnerKey runner, const std::string& backend, BootRequest request) override;
  void destroy(RunnerKey runner) override;
  void ask_log(RunnerKey runner) override;
  [[nodiscard]] Called machine_of(RunnerKey runner) const override;
  [[nodiscard]] const BackendTraits& traits(const std::string& backend) const override;

  /// What a backend has said meanwhile.
  void on(command::BackendSaid&& said, Instant now);
  void tick(Instant now);
  /// Of the control socket: a MachinesRequest. What it names may be the id of a machine of this host. Once close() was
  /// called it is destroyed without an answer.
  void ask(std::shared_ptr<control::Question> question, Instant now);
  /// Machines that may exist.
  [[nodiscard]] std::size_t count() const noexcept { return entries_.size(); }
  /// The same by backend, for pools to look at: here because a machine counts until its backend says that it is gone,
  /// and its pool forgets it before.
  [[nodiscard]] const BackendRoom& room() const noexcept { return room_; }
  /// Some machine has gone since the last time: pools that wait for room may boot.
  [[nodiscard]] bool take_room_made() noexcept { return room_.take_made(); }

  /// A backend that needs all of kBackendCloseMax says so at its end: on a busy machine its thread gets there later.
  static constexpr std::chrono::seconds kLastWord{1};
  /// Destroys everything, also what could not be destroyed before, and closes all backends. Nothing boots any more.
  void close(Instant now);
  /// They are, or the time for it is over.
  [[nodiscard]] bool closed(Instant now) const;
  [[nodiscard]] Instant next_wakeup() const;
  /// The last call, once the loop takes no commands any more: closes what is not closed, waits for it, and names in the
  /// log what may be left. A backend that does not end lives on. `all_heard`: what backends have said before was taken.
  void finish(Instant now, bool all_heard);

 private:
  struct Entry {
    RunnerKey runner;
    const std::string* backend = nullptr;
    BackendPort* port = nullptr;
    MachineId id;
    bool answered = false;   // its boot
    bool exists = false;     // its boot has brought a machine
    bool destroyed = false;  // asked for
    bool gone = false;       // so says its backend
    bool exited = false;
    bool has_room = true;               // of its backend: until it is gone, or proven dead and only its rest is left
    std::optional<BootPhase> phase{};   // the last one that was told, …
    std::string detail{};               // … and its detail
    std::uint64_t log_ticket = 0;       // of what is asked for ask_log()
    std::string left{};                 // why it may be, if its backend has said so
    std::optional<BootFailure> failed;  // to be told when its machine is gone, or may be left
  };
  using Entries = std::map<MachineName, Entry>;

  void on(BackendPort& port, command::BackendSaid::Reached& reached, Instant now);
  void on(BackendPort& port, command::BackendSaid::Booted& booted, Instant now);
  void on(BackendPort& port, command::BackendSaid::Ending& ending, Instant now);
  void on(BackendPort& port, command::BackendSaid::Exited& exited, Instant now);
  void on(BackendPort& port, command::BackendSaid::Destroyed& destroyed, Instant now);
  void on(BackendPort& port, command::BackendSaid::Listed& listed, Instant now);
  void on(BackendPort& port, command::BackendSaid::Logged& logged, Instant now);
  void has_failed(Entries::iterator at, const BootFailure& failure, Instant now);
  void is_there(Entries::iterator at, const Machine& machine, Instant now);
  bool destroy(Entries::iterator at);
  void forget(Entries::iterator at);
  void tell_failed(RunnerKey runner, std::optional<BootFailure> failure, Instant now);
  void left(Entries::value_type& machine, const std::string& why);
  void give_room_back(Entry& entry);
  [[nodiscard]] Entries::iterator find(const BackendPort& port, const MachineName& name);
  [[nodiscard]] BackendPort& port_of(const std::string& backend) const;
  [[nodiscard]] bool closing() const noexcept { return close_by_ != kNever; }

  const HostIdentity identity_;
  const std::function<std::int64_t()> unix_time_;
  const base::Logger log_;
  Events events_;
  std::map<std::string, std::shared_ptr<BackendPort>> ports_;
  std::deque<BackendPort*> numbered_;
  Entries entries_;
  BackendRoom room_;                        // of entries_
  std::map<RunnerKey, MachineName> names_;  // of those that are not destroyed
  Destroys destroys_;                       // of those that are, and are not forgotten
  std::uint64_t booted_ = 0;
  Instant close_by_ = kNever;
  Reaping reaping_;
  MachineQuestions questions_;
  MachineLookups lookups_;
};

}  // namespace flame::pool
