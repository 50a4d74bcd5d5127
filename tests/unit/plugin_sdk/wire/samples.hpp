// One message of each kind with every field set to something else than its default.
#pragma once

#include <string>
#include <vector>

#include "plugin_sdk/wire/messages.hpp"

namespace flame::test {

inline const std::string kDigest(64, 'd');

inline Error sample_error() {
  Error error;
  error.code = ErrorCode::crashed;
  error.type = "std::runtime_error";
  error.message = "segmentation fault";
  error.where = {"outer", "", "inner"};
  error.log_tail = "last line";
  error.signal = 11;
  error.exit_code = 3;
  error.collateral = true;
  error.started = Started::yes;
  error.usage = {1, 2, 3, 4};
  error.runner = "r-1";
  error.plugin = "video@1.4.0";
  return error;
}

inline wire::PayloadInfo sample_payload() {
  return {{100, 0, 33}, 6, {7, 8}};
}

inline std::vector<wire::Body> sample_bodies() {
  using namespace wire;
  const PluginState plugin{{"video", "1.4.0", kDigest}, true, "no", false};
  return {
      Hello{2, 3, 4, "r-1", 5, {plugin, plugin}, {{"arch", "x86_64"}, {"cpus", "4"}}},
      Welcome{9,  7,  5,    Isolation::thread,       true, false, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10,
              11, 12, true, LeftoverThreads::discard},
      Refuse{ErrorCode::incompatible, "another major"},
      BulkHello{77},
      Invoke{1, 2, kDigest, "video::resize", 3, 4, 5, false, 6, sample_payload(), 7},
      Begun{5},
      Result{5, sample_payload(), sample_error(), {1, 2, 3, 4}},
      Ended{5, sample_error()},
      Cancel{5, CancelReason::timed_out},
      Output{5, Stream::log, Level::error, "line", 3},
      Progress{5, 0.5, "half"},
      Beat{6},
      Retire{7, true, "idle"},
      RetireReply{true},
      Drain{30},
      Bye{"done"},
      Chunk{1, 2},
      Credit{1, 2},
      Abort{2, "its slot died", sample_error()},
      Unsupported{1, "message kind 99", false},
      Batch{3},
      Release{5, {1, 2}},
      SlotDiscarded{5, DiscardReason::thread_leak},
  };
}

inline wire::Parent sample_parent() {
  wire::Parent parent;
  parent.protocol_major = 2;
  parent.protocol_minor = 3;
  parent.incarnation = 1;
  parent.nonce = 2;
  parent.host_name = "web-1";
  parent.pool = "ffmpeg";
  parent.runner = "r-1";
  parent.backend = "local";
  parent.control = {"ipc:///tmp/x/control.ipc", "tcp://[::1]:5000"};
  parent.bulk = {"ipc:///tmp/x/bulk.ipc", "tcp://[::1]:5001"};
  parent.host_key = std::string(40, 'h');
  parent.public_key = std::string(40, 'p');
  parent.secret_key = std::string(40, 's');
  parent.plugins = {{"video", "1.4.0", kDigest}};
  parent.failsafe_ns = 20;
  return parent;
}

}  // namespace flame::test
