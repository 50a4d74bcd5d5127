// A simulated machine with flame-runner on it: the real Session and Terminator, and a model of the loop around them.
#pragma once

#include <deque>
#include <functional>
#include <memory>
#include <optional>
#include <set>
#include <string>
#include <utility>
#include <vector>

#include "runner/policy/session.hpp"
#include "runner/policy/terminator.hpp"
#include "tests/sim/calls_model.hpp"
#include "tests/sim/network.hpp"

namespace flame::sim {

class RunnerModel final : public LinkEnd, public RunnerPort {
 public:
  /// `on_exit`: its processes have ended.
  RunnerModel(Context& sim, RunnerId id, const std::vector<DigestId>& digests, Network& network,
              std::function<void()> on_exit);

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

  // --- RunnerPort
  [[nodiscard]] RunnerId id() const noexcept override { return id_; }
  void later(Duration delay, std::function<void()> task) override;
  void send(Line line, wire::Body body) override;

  // --- LinkEnd
  void on_message(Link& link, Line line, wire::Envelope&& envelope) override;
  void on_disconnected(Link& link) override;

 private:
  enum class State : std::uint8_t { off, dialling, open, lost, gone };
  struct Arrival {
    Link* link;
    Line line;
    std::optional<wire::Envelope> envelope;  // none: the connection was closed
  };

  void turn();
  void obey();
  void obey(const runner::TerminatorAction& action);
  void arm();
  void check_idle();
  void dial();
  void receive(Arrival&& arrival);
  void deliver(const wire::Body& body);
  void welcome(const wire::Welcome& welcome);
  void lose(const std::string& why);
  void leave();
  void end();
  [[nodiscard]] wire::Hello hello();

  Context& sim_;
  RunnerId id_;
  std::set<DigestId> digests_;
  std::set<DigestId> broken_;
  Network& network_;
  std::function<void()> on_exit_;
  State state_ = State::off;
  bool frozen_ = false;
  Link* link_ = nullptr;
  Instant redial_at_ = kNever;
  runner::Session session_;
  std::optional<runner::Terminator> terminator_;
  std::unique_ptr<CallsModel> calls_;
  std::optional<runner::Leave> left_;
  std::uint64_t idle_check_ = 0;
  std::deque<Arrival> inbox_;                    // while it stands still
  std::vector<std::function<void()>> deferred_;  // the same
  Instant armed_ = kNever;
};

}  // namespace flame::sim
