// What a test that plays the host tells a runner of itself, before addresses and plugins.
#pragma once

#include "plugin_sdk/wire/messages.hpp"

namespace flame::test {

inline wire::Parent runner_parent() {
  wire::Parent parent;
  parent.protocol_major = wire::kProtocolMajor;
  parent.protocol_minor = wire::kProtocolMinor;
  parent.incarnation = 11;
  parent.nonce = 12;
  parent.host_name = "test";
  parent.pool = "films";
  parent.runner = "r-1";
  parent.backend = "local";
  return parent;
}

}  // namespace flame::test
