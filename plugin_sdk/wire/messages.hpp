// The messages between host and runner as plain values. wire.fbs is their encoding; README.md says who sends which
// when. Durations are what remains in nanoseconds, -1 = none; never points in time.
#pragma once

#include <cstdint>
#include <string>
#include <utility>
#include <variant>
#include <vector>

#include <flame/error.hpp>

#include "plugin_sdk/base/discard_reason.hpp"

namespace flame::wire {

inline constexpr std::uint16_t kProtocolMajor = 1;
inline constexpr std::uint16_t kProtocolMinor = 2;
/// From this minor on results may name objects that stay in their slot: Invoke.lease, Ended.error, Release.
inline constexpr std::uint16_t kObjectsMinor = 1;
/// From this minor on hosts count discarded slots: SlotDiscarded.
inline constexpr std::uint16_t kDiscardsMinor = 2;

enum class Stream : std::uint8_t { out = 0, err, log };
enum class Level : std::uint8_t { debug = 0, info, warning, error };
enum class CancelReason : std::uint8_t { cancelled = 0, timed_out, shutting_down };
enum class Isolation : std::uint8_t { process = 0, thread };
enum class LeftoverThreads : std::uint8_t { keep = 0, discard };

/// Sizes of a payload's parts: the table, then the attachments; each part is padded with zeros to kPartAlignment.
/// `transfer` 0: the bytes are the message's payload frame; else the chunks of that transfer on `bulk`.
struct PayloadInfo {
  std::vector<std::uint64_t> parts;
  std::uint64_t transfer = 0;
  std::vector<std::uint64_t> resources;
};

struct PluginRef {
  std::string name;
  std::string version;
  std::string digest;  // 64 lower-case hex digits of SHA-256
};

struct PluginState {
  PluginRef plugin;
  bool ready = false;
  std::string error;  // why it is not ready
  bool forkable = true;
};

struct Hello {
  std::uint16_t protocol_major = kProtocolMajor;
  std::uint16_t protocol_minor = kProtocolMinor;
  std::uint64_t incarnation = 0;
  std::string runner;
  std::uint64_t nonce = 0;
  std::vector<PluginState> plugins;
  std::vector<std::pair<std::string, std::string>> facts;
};

struct Welcome {
  std::uint64_t session = 0;
  std::uint16_t protocol_minor = kProtocolMinor;
  std::uint32_t slots = 1;
  Isolation isolation = Isolation::process;
  bool single_use = false;
  bool reuse = true;
  std::int64_t idle_shutdown_ns = -1;
  std::int64_t shutdown_grace_ns = 0;
  std::int64_t kill_grace_ns = 0;
  std::uint64_t payload_max = 0;
  std::uint64_t memory_max = 0;        // per slot, bytes; 0 = unlimited
  std::int64_t cpu_time_ns = 0;        // per invocation; 0 = unlimited
  std::uint32_t open_files_max = 0;    // per slot; 0 = inherited
  std::uint32_t spare_slots = 0;       // to keep forked
  std::int64_t beat_interval_ns = 0;   // 0 = limits::kBeatInterval
  std::int64_t host_silence_ns = 0;    // 0 = limits::kHostSilence
  std::int64_t runner_silence_ns = 0;  // 0 = limits::kRunnerSilence
  std::int64_t start_limit_ns = 0;     // for a plugin's start(), and for start_slot(); 0 = limits::kStartLimitDefault
  bool core_dumps = false;             // slots that crash leave one, as the system does it
  LeftoverThreads leftover_threads = LeftoverThreads::keep;
};

struct Refuse {
  ErrorCode code = ErrorCode::none;
  std::string reason;
};
struct BulkHello {
  std::uint64_t session = 0;
};

struct Invoke {
  std::uint64_t id = 0;
  std::uint64_t seq = 0;  // 1, 2, 3 … per session, so that Retire{last_seq} can be compared
  std::string digest;
  std::string task;
  std::uint64_t fingerprint = 0;
  std::int64_t remaining_ns = -1;
  std::uint32_t attempt = 1;
  bool linked = true;
  std::uint64_t object = 0;  // methods: id of the child or tracked resource within its slot
  PayloadInfo payload;
  std::uint64_t lease = 0;  // the invocation in whose slot this one runs, because its objects live there; 0 = any slot
};

struct Begun {
  std::uint64_t id = 0;
};

/// What the caller gets: a payload, or `error` with a code other than none.
struct Result {
  std::uint64_t id = 0;
  PayloadInfo payload;
  Error error;
  Usage usage;
};

struct Ended {
  std::uint64_t id = 0;
  Error error;  // of an invocation whose objects stayed: why they are gone; code none: let go, or run() returned
};
struct Cancel {
  std::uint64_t id = 0;
  CancelReason reason = CancelReason::cancelled;
};

struct Output {
  std::uint64_t id = 0;
  Stream stream = Stream::out;
  Level level = Level::info;  // meaningful for Stream::log
  std::string text;
  std::uint64_t dropped = 0;  // bytes not sent before this text
};

struct Progress {
  std::uint64_t id = 0;
  double fraction = 0;
  std::string message;
};
struct Beat {
  std::uint64_t seq = 0;
};
struct Retire {
  std::uint64_t last_seq = 0;
  bool must = false;
  std::string reason;
};
struct RetireReply {
  bool granted = false;
};
struct Drain {
  std::int64_t grace_ns = 0;
};
struct Bye {
  std::string reason;
};
struct Chunk {
  std::uint64_t transfer = 0;
  std::uint64_t offset = 0;
};
struct Credit {
  std::uint64_t transfer = 0;
  std::uint64_t bytes = 0;
};
struct Abort {
  std::uint64_t transfer = 0;
  std::string reason;
  Error error = {};  // of a result whose slot died while it was being sent; else none
};
/// The answer to a request that its receiver did not know. decode() also makes one, with `undecoded` set, of a body
/// that *this* side does not know: answer it by Unsupported{id} if id is not 0, ignore it if it is. Never on the wire.
struct Unsupported {
  std::uint64_t id = 0;
  std::string what;
  bool undecoded = false;
};

/// Several messages in one; see batch.hpp.
struct Batch {
  std::uint32_t count = 0;
};

struct Release {
  std::uint64_t lease = 0;
  std::vector<std::uint64_t> objects;
};

struct SlotDiscarded {
  std::uint64_t id = 0;
  DiscardReason reason = DiscardReason::other;
};

using Body =
    std::variant<Hello, Welcome, Refuse, BulkHello, Invoke, Begun, Result, Ended, Cancel, Output, Progress, Beat,
                 Retire, RetireReply, Drain, Bye, Chunk, Credit, Abort, Unsupported, Batch, Release, SlotDiscarded>;

struct Envelope {
  std::uint64_t session = 0;
  Body body;
};

/// The contents of FLAME_PARENT.
struct WantedPlugin {
  std::string name;
  std::string version;
  std::string digest;
};
struct Parent {
  std::uint16_t protocol_major = kProtocolMajor;
  std::uint16_t protocol_minor = kProtocolMinor;
  std::uint64_t incarnation = 0;
  std::uint64_t nonce = 0;
  std::string host_name;
  std::string pool;
  std::string runner;
  std::string backend;
  std::vector<std::string> control;  // endpoints, dialled in this order
  std::vector<std::string> bulk;     // at the same positions
  std::string host_key;              // CURVE keys in Z85; empty for ipc
  std::string public_key;
  std::string secret_key;
  std::vector<WantedPlugin> plugins;
  std::int64_t failsafe_ns = 0;
};

}  // namespace flame::wire
