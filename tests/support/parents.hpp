// What a boot tells its runner, read and changed by tests.
#pragma once

#include <flame/backend.hpp>

#include "plugin_sdk/wire/envelope.hpp"
#include "plugin_sdk/wire/messages.hpp"
#include "tests/support/fixed_descriptor.hpp"

namespace flame::test {

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
