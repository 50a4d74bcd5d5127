// What a boot tells its runner, read and changed by tests.
#pragma once

#include <memory>
#include <string>
#include <utility>

#include <flame/backend.hpp>

#include "plugin_sdk/wire/envelope.hpp"
#include "plugin_sdk/wire/messages.hpp"

namespace flame::test {

/// The same bytes however the machine reaches its host.
class FixedDescriptor final : public BootDescriptor {
 public:
  explicit FixedDescriptor(std::string bytes) : bytes_(std::move(bytes)) {}
  [[nodiscard]] Result<std::string> bytes(const Reach& /*reach*/) const override { return bytes_; }

 private:
  std::string bytes_;
};

[[nodiscard]] inline std::shared_ptr<const BootDescriptor> descriptor_of(std::string bytes) {
  return std::make_shared<FixedDescriptor>(std::move(bytes));
}

/// As a machine elsewhere is told it; if the host has only ipc, as one of this computer. Throws CallError if there is
/// none.
[[nodiscard]] inline wire::Parent parent_of(const BootRequest& request) {
  const auto elsewhere = request.descriptor->bytes({});
  return wire::decode_parent(elsewhere ? *elsewhere : request.descriptor->bytes({.ipc = true, .addresses = {}}).value())
      .value();
}

inline void set_parent(BootRequest& request, const wire::Parent& parent) {
  request.descriptor = descriptor_of(wire::encode_parent(parent));
}

}  // namespace flame::test
