// RunnerModel: how it ends, and what stops it meanwhile.
#include <utility>

#include "tests/sim/runner_model.hpp"

namespace flame::sim {

void RunnerModel::end() {
  if (left_) send(wire::Bye{.reason = left_->reason});
  if (speaks_) flush();
  slots_.die();
  state_ = State::gone;
  if (link_ != nullptr) link_->close(Side::runner);
  on_exit_();
}

void RunnerModel::kill() {
  if (!exists()) return;
  sim_.findings.note("    runner ", id_, " is killed");
  sim_.ledger.excuse(id_);
  left_.reset();
  end();
}

void RunnerModel::vanish() {
  if (!exists()) return;
  sim_.findings.note("    runner ", id_, " vanishes");
  sim_.ledger.excuse(id_);
  left_.reset();
  if (link_ != nullptr) link_->vanish();
  end();
}

void RunnerModel::sigterm() {
  if (!exists()) return;
  sim_.findings.note("    runner ", id_, " gets SIGTERM");
  terminator_->sigterm(sim_.agenda.now(), state_ == State::dialling && redial_at_ == kNever);
  turn();
}

void RunnerModel::freeze() {
  sim_.findings.note("    runner ", id_, " stands still");
  frozen_ = true;
  sim_.ledger.stood_still(id_);
  slots_.pause();
}

void RunnerModel::thaw() {
  if (!std::exchange(frozen_, false) || !exists()) return;
  sim_.findings.note("    runner ", id_, " goes on");
  for (Arrival& arrival : std::exchange(inbox_, {})) receive(std::move(arrival));
  turn();
  if (!exists()) return;
  slots_.resume();
  for (const auto& task : std::exchange(deferred_, {})) {
    if (!exists()) return;
    task();
    turn();
  }
}

}  // namespace flame::sim
