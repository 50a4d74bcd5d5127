// Twin: a few machines that come and go.
#include "tests/sim/twin.hpp"

#include <algorithm>
#include <utility>

#include "tests/support/fixed_descriptor.hpp"

namespace flame::sim {

using namespace std::chrono_literals;

namespace {

constexpr std::size_t kMachines = 3;

}  // namespace

Twin::Twin(Context& sim, Engines& engines, std::int64_t pid)
    : sim_(sim), machines_(sim, engines, {.pid = pid, .start_time = 1}, {}) {
  machines_->set_events({.on_boot =
                             [this](pool::RunnerKey key, const std::optional<BootFailure>& failure, Instant) {
                               if (!failure) up_.push_back(key.second);
                             },
                         .on_phase = [](pool::RunnerKey, BootPhase, std::string, Instant) {},
                         .on_exit =
                             [this](pool::RunnerKey key, std::string, Instant) {
                               std::erase(up_, key.second);
                               machines_->destroy(key);
                             },
                         .on_ends = [](pool::RunnerKey, Duration, bool, Instant) {},
                         .is_connected = [](pool::RunnerKey) { return false; },
                         .on_left = [](pool::RunnerKey, std::string) {}});
  machines_->open();
  arm();
}

Twin::~Twin() {
  machines_.die();
}

void Twin::act() {
  const std::string& backend = sim_.chance.pick(sim_.plan.pool.backend);
  if (up_.size() < kMachines && machines_->room().free(backend) > 0 && sim_.chance.one_in(2)) {
    machines_->boot({0, ++last_}, backend,
                    {.pool = "twin",
                     .descriptor = test::descriptor_of("a twin's"),
                     .queue_timeout = sim_.plan.pool.queue_timeout,
                     .boot_timeout = sim_.plan.pool.boot_timeout});
  } else if (!up_.empty()) {
    const pool::RunnerId runner = sim_.chance.pick(up_);
    std::erase(up_, runner);
    machines_->destroy({0, runner});
  }
  turn();
}

void Twin::hear() {
  if (machines_.hear()) turn();
}

void Twin::turn() {
  const Instant now = sim_.agenda.now();
  static_cast<void>(machines_.take(now));
  machines_->tick(now);
  arm();
}

void Twin::arm() {
  const Instant wake = std::max(machines_->next_wakeup(), sim_.agenda.now());
  if (wake == kNever || wake >= armed_) return;
  armed_ = wake;
  sim_.agenda.at(wake, [this, wake, alive = std::weak_ptr(alive_)] {
    if (alive.expired() || armed_ != wake) return;
    armed_ = kNever;
    turn();
  });
}

}  // namespace flame::sim
