// FLAME_PARENT with its endpoints.
#include "host/src/loop/runner_descriptor.hpp"

#include <utility>

#include "host/src/loop/task_secrets.hpp"
#include "host/src/transport/dial_address.hpp"
#include "plugin_sdk/wire/envelope.hpp"

namespace flame::pool {

RunnerDescriptor::RunnerDescriptor(wire::Parent parent, Listening listening, std::map<std::string, Secret> secrets)
    : parent_(std::move(parent)), listening_(std::move(listening)), secrets_(std::move(secrets)) {}

Result<std::string> RunnerDescriptor::bytes(const Reach& reach) const {
  auto endpoints = endpoints_for(reach, listening_.advertise, listening_.ipc, listening_.tcp);
  if (!endpoints) return std::move(endpoints).error();
  std::call_once(read_, [this] { revealed_ = reveal(secrets_); });  // a file may change between two questions
  if (!revealed_) return revealed_.error();
  wire::Parent parent = parent_;
  parent.secrets = *revealed_;
  parent.control = std::move(endpoints->control);
  parent.bulk = std::move(endpoints->bulk);
  return wire::encode_parent(parent);
}

}  // namespace flame::pool
