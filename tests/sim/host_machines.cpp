// HostMachines: what every host of a world is made of.
#include "tests/sim/host_machines.hpp"

#include <algorithm>
#include <iterator>
#include <utility>

namespace flame::sim {

namespace {

// Less than what the reaper allows clocks.
constexpr std::int64_t kSkewMax = 50;

pool::Machines::Parts parts_of(Context& sim, Engines& engines, const pool::HostProcess& process,
                               std::shared_ptr<pool::Inbox> inbox, base::Logger log) {
  pool::Machines::Parts parts;
  parts.backends = engines.begin(process);
  if (sim.plan.machines_max > 0) parts.max[sim.plan.pool.backend.front()] = sim.plan.machines_max;
  parts.inbox = std::move(inbox);
  parts.identity = identity_of(process, sim.seed);
  for (const std::string& name : sim.plan.pool.backend) parts.reaping.modes[name] = Reap::destroy;
  parts.reaping.boot_max = engines.rules().boot_max();
  parts.reaping.is_gone = [&rules = engines.rules()](const pool::HostProcess& other) { return !rules.lives(other); };
  parts.reaping.seed = sim.seed;
  const std::int64_t skew = sim.plan.clock_skew ? sim.chance.number(-kSkewMax, kSkewMax) : 0;
  parts.unix_time = [&rules = engines.rules(), skew] { return rules.unix_time() + skew; };
  parts.log = std::move(log);
  return parts;
}

}  // namespace

HostMachines::HostMachines(Context& sim, Engines& engines, const pool::HostProcess& process, base::Logger log)
    : engines_(engines), process_(process), machines_(parts_of(sim, engines, process, inbox_, std::move(log))) {}

bool HostMachines::hear() {
  inbox_->take_all(news_);
  std::ranges::move(news_, std::back_inserter(said_));
  return !news_.empty();
}

bool HostMachines::take(Instant now) {
  static_cast<void>(hear());
  std::vector<pool::Command> said = std::exchange(said_, {});
  for (pool::Command& one : said) machines_.on(std::move(std::get<pool::command::BackendSaid>(one)), now);
  return !said.empty();
}

}  // namespace flame::sim
