// The host of a simulated world: the real PoolDriver with its policy, Machines with their reaper, sessions and
// SessionTable, over simulated engines and a simulated network; and a model of the loop around them.
#pragma once

#include <cstdint>
#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <unordered_map>
#include <vector>

#include "host/src/api/pool_front.hpp"
#include "host/src/loop/pool_driver.hpp"
#include "host/src/transport/listeners.hpp"
#include "host/src/transport/session_table.hpp"
#include "tests/sim/host_books.hpp"
#include "tests/sim/host_machines.hpp"
#include "tests/sim/host_transport.hpp"
#include "tests/sim/versions.hpp"

namespace flame::sim {

/// What a call has left for its caller: the handles are all there is to it.
using Handles = std::vector<detail::ObjectHandle>;

class SimHost final : public LinkEnd, private pool::Listeners {
 public:
  SimHost(Context& sim, Engines& engines);
  ~SimHost() override;
  SimHost(const SimHost&) = delete;
  SimHost& operator=(const SimHost&) = delete;
  void start();

  // --- callers, which are threads of its process: nothing while it stands still
  /// `object`: what the call uses; null: nothing.
  void submit(const pool::event::Submit& submit, detail::ObjectHandle object = nullptr);
  void cancel(CallId call);
  void drain(Duration grace);
  void resize(std::uint32_t min, std::uint32_t max);
  void expect(std::uint32_t calls, Duration within);
  void stop_lease(const detail::ObjectHandle& object);
  /// Some handle was dropped.
  void released() { turn(); }
  /// Called with what a call has left for its caller.
  void on_objects(std::function<void(CallId lease, Handles objects)> callback) { on_objects_ = std::move(callback); }
  [[nodiscard]] Versions& versions() noexcept { return versions_; }

  // --- machines
  /// What its backends have said.
  void hear();
  /// Its last deed: all of them end, and the backends close. False: not yet.
  [[nodiscard]] bool close_machines();
  [[nodiscard]] const HostBooks& books() const noexcept { return books_; }
  void park_some_socket(Instant until);

  // --- LinkEnd
  void on_packet(Link& link, Line line, Packet&& packet) override;
  void on_disconnected(Link& link) override;

  /// Its process stands still; what comes meanwhile is looked at when it goes on.
  void freeze();
  void thaw();
  [[nodiscard]] bool frozen() const noexcept { return frozen_; }

  /// Its process is killed.
  void die();
  [[nodiscard]] const pool::PoolPolicy& policy() const noexcept { return books_.policy(); }

 private:
  // --- Listeners
  [[nodiscard]] const pool::Endpoints& ipc() const noexcept override { return endpoints_; }
  [[nodiscard]] const pool::Endpoints& tcp() const noexcept override { return endpoints_; }
  [[nodiscard]] const std::string& public_key() const noexcept override;
  [[nodiscard]] pool::KeyPair make_keys() override { return {public_key(), public_key()}; }
  [[nodiscard]] Result<void> renew_ipc() override { return {}; }

  void turn();
  void turn_soon();
  [[nodiscard]] bool take_commands();
  void keep_time(Instant now);
  [[nodiscard]] bool settle();
  void arm();
  [[nodiscard]] bool defer(std::function<void()> task);
  void push(pool::Command&& command);
  [[nodiscard]] std::shared_ptr<pool::RemoteCall> call_of(const pool::event::Submit& submit,
                                                          detail::ObjectHandle object);

  Context& sim_;
  HostBooks books_;
  Versions versions_;
  HostTransport transport_;
  std::uint64_t last_session_ = 0;
  pool::SessionTable sessions_;
  pool::CallHistory history_;
  std::shared_ptr<detail::PoolFront> core_;
  HostMachines machines_;
  std::unique_ptr<pool::PoolDriver> driver_;
  std::unordered_map<CallId, std::shared_ptr<pool::RemoteCall>> calls_;  // that are not answered
  pool::Endpoints endpoints_{{"tcp://simulated:1"}, {"tcp://simulated:2"}};
  std::vector<pool::Command> commands_;
  std::function<void(CallId, Handles)> on_objects_;
  std::vector<std::function<void()>> deferred_;  // while it stands still
  Instant next_beat_{};
  Instant armed_ = kNever;
  bool turning_ = false;
  bool frozen_ = false;
  bool dead_ = false;
};

}  // namespace flame::sim
