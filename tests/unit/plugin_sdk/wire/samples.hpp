// One message of each kind with every field set to something else than its default.
#pragma once

#include <string>
#include <vector>

#include "plugin_sdk/base/discard_reason.hpp"
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
  return {.parts = {100, 0, 33}, .transfer = 6, .resources = {7, 8}};
}

inline wire::PluginState sample_plugin() {
  wire::PluginState plugin;
  plugin.plugin = {{.name = "video", .version = "1.4.0", .digest = kDigest}};
  plugin.ready = true;
  plugin.error = "no";
  plugin.forkable = false;
  return plugin;
}

inline wire::Invoke sample_invoke() {
  wire::Invoke invoke;
  invoke.id = 1;
  invoke.seq = 2;
  invoke.digest = kDigest;
  invoke.task = 3;
  invoke.remaining_ns = 4;
  invoke.attempt = 5;
  invoke.linked = false;
  invoke.object = 6;
  invoke.payload = sample_payload();
  invoke.lease = 7;
  return invoke;
}

/// A failure, so `ok` has its default.
inline wire::Result sample_result() {
  wire::Result result = wire::make_failure(5, sample_error());
  result.payload = sample_payload();
  return result;
}

inline wire::Load sample_load() {
  wire::Load load;
  load.plugin = {{.name = "video", .version = "1.5.0", .digest = kDigest}};
  load.directory = "/var/lib/flame/objects";
  return load;
}

inline std::vector<wire::Body> sample_bodies() {
  using namespace wire;
  return {
      Hello{.protocol_major = 2,
            .protocol_minor = 3,
            .incarnation = 4,
            .runner = "r-1",
            .nonce = 5,
            .plugins = {sample_plugin(), sample_plugin()},
            .facts = {{.key = "arch", .value = "x86_64"}, {.key = "cpus", .value = "4"}}},
      Welcome{.session = 9,
              .protocol_minor = 7,
              .slots = 5,
              .isolation = Isolation::thread,
              .single_use = true,
              .reuse = false,
              .idle_shutdown_ns = 1,
              .shutdown_grace_ns = 2,
              .kill_grace_ns = 3,
              .payload_max = 4,
              .memory_max = 5,
              .cpu_time_ns = 6,
              .open_files_max = 7,
              .spare_slots = 8,
              .beat_interval_ns = 9,
              .host_silence_ns = 10,
              .runner_silence_ns = 11,
              .start_limit_ns = 12,
              .core_dumps = true,
              .leftover_threads = LeftoverThreads::discard},
      make_refuse(ErrorCode::incompatible, "another major"),
      BulkHello{.session = 77},
      sample_invoke(),
      Begun{.id = 5},
      sample_result(),
      make_ended(5, sample_error()),
      Cancel{.id = 5, .reason = CancelReason::timed_out},
      Output{.id = 5, .stream = Stream::log, .level = Level::error, .text = "line", .dropped = 3},
      Progress{.id = 5, .fraction = 0.5, .message = "half"},
      Beat{.seq = 6},
      Retire{.last_seq = 7, .must = true, .reason = "idle"},
      RetireReply{.granted = true},
      Drain{.grace_ns = 30},
      Bye{.reason = "done"},
      Chunk{.transfer = 1, .offset = 2},
      Credit{.transfer = 1, .bytes = 2},
      make_abort(2, "its slot died", sample_error()),
      Unsupported{.id = 1, .what = "message kind 99"},
      Batch{.count = 3},
      Release{.lease = 5, .objects = {1, 2}},
      SlotDiscarded{.id = 5, .reason = static_cast<std::uint8_t>(DiscardReason::thread_leak)},
      sample_load(),
      make_loaded(kDigest, sample_error()),
      EndGeneration{.digest = kDigest},
      GenerationEnded{.digest = kDigest},
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
  parent.plugins = {{.name = "video", .version = "1.4.0", .digest = kDigest}};
  parent.failsafe_ns = 20;
  parent.secrets = {{.key = "DATABASE_URL", .value = "postgres://u:hush@db"}};
  return parent;
}

}  // namespace flame::test
