// The plugin "nested_tasks": a host inside a slot.
#include "tests/integration/pool/nested_tasks.hpp"

#include <unistd.h>

#include <flame/host.hpp>
#include <flame/plugin.hpp>

#include "pool_tasks.hpp"
#include "tests/support/processes.hpp"

namespace nested {

std::vector<std::string> call_inside(std::string config) {
  const flame::Host host = flame::Host::from_toml(config);
  return host.pool("work").call<pool_tasks::parent>();
}
void nap_inside(std::string config, std::int64_t milliseconds) {
  const flame::Host host = flame::Host::from_toml(config);
  host.pool("work").call<pool_tasks::nap>(milliseconds);
}
std::vector<std::uint64_t> bounds_inside(std::string config) {
  const flame::Host host = flame::Host::from_toml(config);
  const flame::Pool pool = host.pool("work");
  pool.call<pool_tasks::add>(1, 2);
  const flame::PoolStats stats = pool.stats();
  return {stats.min, stats.boots};
}
LeftBehind leave_host(std::string config) {
  auto* host = new flame::Host(flame::Host::from_toml(config));
  const auto slot = static_cast<pid_t>(host->pool("work").call<pool_tasks::process>());
  // Looked up here: once the result is out, this slot and all below it may be gone.
  return {slot, flame::test::parent_of(flame::test::parent_of(slot))};
}
std::int64_t process() {
  return ::getpid();
}

}  // namespace nested

FLAME_PLUGIN("nested_tasks", "1.0.0", p) {
  p.task<nested::call_inside>();
  p.task<nested::nap_inside>();
  p.task<nested::bounds_inside>();
  p.task<nested::leave_host>();
  p.task<nested::process>();
}
