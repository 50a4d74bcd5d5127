// A simulated machine with flame-runner on it: the real Session, Terminator, Calls, IdleChecks, GenerationBook and
// SlotPool, over a simulated network and simulated processes; and a model of the loop around them.
#pragma once

#include <deque>
#include <functional>
#include <map>
#include <memory>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "plugin_sdk/base/standstill.hpp"
#include "runner/calls/calls.hpp"
#include "runner/calls/idle_checks.hpp"
#include "runner/link/host_port.hpp"
#include "runner/link/outbox.hpp"
#include "runner/policy/host_session.hpp"
#include "runner/policy/terminator.hpp"
#include "runner/processes/slot_pool.hpp"
#include "tests/sim/generations_model.hpp"
#include "tests/sim/network.hpp"
#include "tests/sim/slots/sim_slots.hpp"

namespace flame::sim {

class RunnerModel final : public LinkEnd, public Machine, private runner::HostPort {
 public:
  /// `parent`: what its host has told it. `on_exit`: its processes have ended.
  RunnerModel(Context& sim, RunnerId id, wire::Parent parent, Network& network, std::function<void()> on_exit);

  /// The machine is up: flame-runner dials.
  void start();
  /// All its processes are killed; the kernel closes their connections.
  void kill();
  /// The machine is gone, and nobody is told.
  void vanish();
  void sigterm();
  void freeze();
  void thaw();

  /// Its processes exist.
  [[nodiscard]] bool exists() const noexcept { return state_ != State::off && state_ != State::gone; }
  [[nodiscard]] bool frozen() const noexcept { return frozen_; }
  [[nodiscard]] Link* link() const noexcept { return link_; }
  /// What it has of plugins, unless it is about to leave.
  [[nodiscard]] std::vector<DigestId> digests() const {
    return state_ == State::open && !leaving_ ? generations_.digests() : std::vector<DigestId>();
  }

  // --- Machine
  [[nodiscard]] RunnerId id() const noexcept override { return id_; }
  void later(Duration delay, std::function<void()> task) override;

  // --- LinkEnd
  void on_packet(Link& link, Line line, Packet&& packet) override;
  void on_disconnected(Link& link) override;

 private:
  enum class State : std::uint8_t { off, dialling, open, lost, leaving, gone };
  struct Arrival {
    Link* link;
    Line line;
    std::optional<Packet> packet;  // none: the connection was closed
  };
  /// What Welcome brings into being.
  struct Serving {
    Serving(RunnerModel& runner, const wire::Welcome& welcome);
    runner::Calls calls;
    runner::SlotPool pool;
    runner::IdleChecks idle_checks;
    std::uint32_t most;
    std::map<std::uint64_t, DigestId> open;  // calls without objects of others that have not ended
  };

  // --- HostPort
  void send(const wire::Body& body, runner::Frame payload = {}) override;
  void send_bulk(const wire::Body& body, runner::Frame payload = {}) override;
  [[nodiscard]] std::size_t backlog(runner::Line) const override;
  void flush();
  void put(Line line, const wire::Body& body, runner::Frame payload);
  void check(const wire::Body& body);

  void turn();
  void turn_soon();
  void tick(Instant now);
  void obey();
  void obey(const runner::TerminatorAction& action);
  void arm();
  void dial();
  void receive(Arrival&& arrival);
  void receive(wire::Envelope&& envelope, std::span<const std::byte> payload);
  void deliver(wire::Body& body, std::span<const std::byte> payload);
  void invoked(wire::Invoke& invoke, std::span<const std::byte> payload);
  void welcome(const wire::Welcome& welcome);
  void lose(const std::string& why);
  void leave();
  void end();
  [[nodiscard]] wire::Hello hello();

  Context& sim_;
  RunnerId id_;
  wire::Parent parent_;
  GenerationsModel generations_;
  Network& network_;
  std::function<void()> on_exit_;
  State state_ = State::off;
  bool frozen_ = false;
  bool speaks_ = false;   // the host hears it
  bool leaving_ = false;  // it loads nothing more
  Link* link_ = nullptr;
  Instant redial_at_ = kNever;
  runner::HostSession session_;
  std::optional<runner::Terminator> terminator_;
  SimSlots slots_;
  std::unique_ptr<Serving> serving_;
  std::optional<runner::Leave> left_;
  base::Standstill standstill_;
  Instant congested_until_{};
  runner::Outbox outbox_;
  std::deque<Arrival> inbox_;                    // while it stands still
  std::vector<std::function<void()>> deferred_;  // the same
  Instant armed_ = kNever;
};

}  // namespace flame::sim
