// FLAME_PARENT with its endpoints.
#include "host/src/loop/runner_descriptor.hpp"

#include <utility>

#include "host/src/transport/dial_address.hpp"
#include "plugin_sdk/wire/envelope.hpp"

namespace flame::pool {

RunnerDescriptor::RunnerDescriptor(wire::Parent parent, Listening listening)
    : parent_(std::move(parent)), listening_(std::move(listening)) {}

Result<std::string> RunnerDescriptor::bytes(const Reach& reach) const {
  auto endpoints = endpoints_for(reach, listening_.advertise, listening_.ipc, listening_.tcp);
  if (!endpoints) return std::move(endpoints).error();
  wire::Parent parent = parent_;
  parent.control = std::move(endpoints->control);
  parent.bulk = std::move(endpoints->bulk);
  return wire::encode_parent(parent);
}

}  // namespace flame::pool
