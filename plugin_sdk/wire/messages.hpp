// The messages between host and runner as plain values: flatc makes them of wire.fbs, which says what each field means;
// README.md says who sends which when.
#pragma once

#include <parent_generated.h>
#include <wire_generated.h>

#include <cstdint>
#include <string>
#include <utility>
#include <variant>

#include <flame/error.hpp>

namespace flame::wire {

inline constexpr std::uint16_t kProtocolMajor = 2;
inline constexpr std::uint16_t kProtocolMinor = 2;
/// Runners know Load from this minor version on.
inline constexpr std::uint16_t kLoadSinceMinor = 1;
/// Runners put Parent.secrets into the environment of tasks from this minor version on.
inline constexpr std::uint16_t kSecretsSinceMinor = 2;
/// What a Load is numbered with as a request, so that Unsupported names it: no invocation has this number.
inline constexpr std::uint64_t kLoadRequestId = std::uint64_t{1} << 63;

using fb::CancelReason;
using fb::Isolation;
using fb::LeftoverThreads;
using fb::Level;
using fb::Stream;

using PayloadInfo = fb::PayloadInfoT;
using PluginRef = fb::PluginRefT;
using PluginState = fb::PluginStateT;
using KeyValue = fb::KeyValueT;

using Hello = fb::HelloT;
using Welcome = fb::WelcomeT;
using Refuse = fb::RefuseT;
using BulkHello = fb::BulkHelloT;
using Invoke = fb::InvokeT;
using Begun = fb::BegunT;
using Result = fb::ResultT;
using Ended = fb::EndedT;
using Cancel = fb::CancelT;
using Output = fb::OutputT;
using Progress = fb::ProgressT;
using Beat = fb::BeatT;
using Retire = fb::RetireT;
using RetireReply = fb::RetireReplyT;
using Drain = fb::DrainT;
using Bye = fb::ByeT;
using Chunk = fb::ChunkT;
using Credit = fb::CreditT;
using Abort = fb::AbortT;
using Unsupported = fb::UnsupportedT;
using Batch = fb::BatchT;
using Release = fb::ReleaseT;
using SlotDiscarded = fb::SlotDiscardedT;
using Load = fb::LoadT;
using Loaded = fb::LoadedT;
using EndGeneration = fb::EndGenerationT;
using GenerationEnded = fb::GenerationEndedT;

/// What decode() makes of a body that this side does not know; never on the wire. `answer` is due if its id is not 0.
struct Undecoded {
  Unsupported answer;
};

using AnyBody = std::variant<Hello, Welcome, Refuse, BulkHello, Invoke, Begun, Result, Ended, Cancel, Output, Progress,
                             Beat, Retire, RetireReply, Drain, Bye, Chunk, Credit, Abort, Unsupported, Batch, Release,
                             SlotDiscarded, Load, Loaded, EndGeneration, GenerationEnded, Undecoded>;
/// One of these messages. What every copy, move and end of one takes is compiled once, not in each source that has one.
struct Body : AnyBody {
  using AnyBody::AnyBody;
  Body() noexcept;
  Body(const Body&);
  Body(Body&&) noexcept;
  Body& operator=(const Body&);
  Body& operator=(Body&&) noexcept;
  ~Body();
};

struct Envelope {
  std::uint64_t session = 0;
  Body body;
};

/// The contents of FLAME_PARENT.
using Parent = fb::ParentT;

// The generated structs that have nested tables are no aggregates; and some fields go together.
[[nodiscard]] inline Refuse make_refuse(ErrorCode code, std::string reason) {
  return {.code = static_cast<fb::ErrorCode>(code), .reason = std::move(reason)};
}
[[nodiscard]] inline Result make_result(std::uint64_t id, PayloadInfo payload, const Usage& usage) {
  Result result;
  result.id = id;
  result.ok = true;
  result.payload = std::move(payload);
  result.usage = usage;
  return result;
}
/// What a runner says to the host's log; of the task `id`, or of itself.
[[nodiscard]] inline Output log_line(std::uint64_t id, Level level, std::string text) {
  return {.id = id, .stream = Stream::log, .level = level, .text = std::move(text)};
}
/// `error` has a code other than none.
[[nodiscard]] inline Result make_failure(std::uint64_t id, Error error) {
  Result result;
  result.id = id;
  result.usage = error.usage;
  result.error = std::move(error);
  return result;
}
/// `why`, of an invocation whose objects stayed: why they are gone; code none: let go, or run() returned.
[[nodiscard]] inline Ended make_ended(std::uint64_t id, Error why = {}) {
  Ended ended;
  ended.id = id;
  ended.error = std::move(why);
  return ended;
}
[[nodiscard]] inline Load make_load(PluginRef plugin, std::string directory) {
  Load load;
  load.plugin = std::move(plugin);
  load.directory = std::move(directory);
  return load;
}
/// `why` it could not be loaded; code none: it is.
[[nodiscard]] inline Loaded make_loaded(std::string digest, Error why = {}) {
  Loaded loaded;
  loaded.digest = std::move(digest);
  loaded.error = std::move(why);
  return loaded;
}
[[nodiscard]] inline Abort make_abort(std::uint64_t transfer, std::string reason, Error death = {}) {
  Abort abort;
  abort.transfer = transfer;
  abort.reason = std::move(reason);
  abort.error = std::move(death);
  return abort;
}

}  // namespace flame::wire
