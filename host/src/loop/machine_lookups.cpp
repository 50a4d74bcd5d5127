// A list for each.
#include "host/src/loop/machine_lookups.hpp"

#include <algorithm>

namespace flame::pool {

void MachineLookups::ask(BackendPort& port, const MachineName& name) {
  const std::uint64_t ticket = port.list({{"flame-host", host_}, {"flame-name", name}});
  open_[{&port, ticket}] = name;
}

std::optional<Machine> MachineLookups::listed(const BackendPort& port, const command::BackendSaid::Listed& listed) {
  const auto lookup = open_.extract({&port, listed.ticket});
  if (lookup.empty()) return std::nullopt;
  const MachineName& name = lookup.mapped();
  if (listed.machines.has_value()) {
    const auto found = std::ranges::find(*listed.machines, name, &Machine::name);
    if (found != listed.machines->end()) return *found;
  }
  return Machine{.name = name, .ends_in = port.backend().traits().max_lifetime};
}

}  // namespace flame::pool
