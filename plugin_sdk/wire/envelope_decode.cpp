// Decodes envelopes: verify, then one read() per message kind.
#include <wire_generated.h>

#include <algorithm>
#include <cmath>
#include <utility>

#include "plugin_sdk/base/limits.hpp"
#include "plugin_sdk/wire/envelope.hpp"
#include "plugin_sdk/wire/field_reader.hpp"

namespace flame::wire {
namespace {

class BodyDecoder {
 public:
  explicit BodyDecoder(FieldReader& reader) : r_(reader) {}

  Hello read(const fb::Hello& t) {
    Hello m{t.protocol_major(),
            t.protocol_minor(),
            t.incarnation(),
            r_.name(t.runner(), "hello.runner"),
            t.nonce(),
            {},
            {}};
    r_.each(t.plugins(), limits::kListMax, "hello.plugins",
            [&](const fb::PluginState& state) { m.plugins.push_back(plugin_state(state)); });
    r_.each(t.facts(), limits::kListMax, "hello.facts", [&](const fb::KeyValue& fact) {
      auto key = r_.name(fact.key(), "hello.facts.key");
      m.facts.emplace_back(std::move(key), r_.text(fact.value(), limits::kTextMax, "hello.facts.value"));
    });
    return m;
  }
  Welcome read(const fb::Welcome& t) {
    Welcome m;
    m.session = t.session();
    m.protocol_minor = t.protocol_minor();
    m.slots = t.slots();
    m.isolation = r_.enumerator<Isolation>(t.isolation(), "welcome.isolation");
    m.single_use = t.single_use();
    m.reuse = t.reuse();
    m.idle_shutdown_ns = r_.duration(t.idle_shutdown_ns(), "welcome.idle_shutdown_ns");
    m.shutdown_grace_ns = r_.duration(t.shutdown_grace_ns(), "welcome.shutdown_grace_ns");
    m.kill_grace_ns = r_.duration(t.kill_grace_ns(), "welcome.kill_grace_ns");
    m.payload_max = t.payload_max();
    m.memory_max = t.memory_max();
    m.cpu_time_ns = r_.duration(t.cpu_time_ns(), "welcome.cpu_time_ns");
    m.open_files_max = t.open_files_max();
    m.spare_slots = t.spare_slots();
    m.beat_interval_ns = r_.duration(t.beat_interval_ns(), "welcome.beat_interval_ns");
    m.host_silence_ns = r_.duration(t.host_silence_ns(), "welcome.host_silence_ns");
    m.runner_silence_ns = r_.duration(t.runner_silence_ns(), "welcome.runner_silence_ns");
    m.start_limit_ns = r_.duration(t.start_limit_ns(), "welcome.start_limit_ns");
    m.core_dumps = t.core_dumps();
    m.leftover_threads = r_.enumerator<LeftoverThreads>(t.leftover_threads(), "welcome.leftover_threads");
    if (m.slots > limits::kMaxConcurrencyCeiling) r_.fail("welcome.slots", "is over the limit");
    if (m.payload_max > limits::kPayloadMaxCeiling) r_.fail("welcome.payload_max", "is over the limit");
    return m;
  }
  Refuse read(const fb::Refuse& t) {
    const auto code = r_.enumerator<ErrorCode>(t.code(), "refuse.code");
    return {code, r_.text(t.reason(), limits::kTextMax, "refuse.reason")};
  }
  BulkHello read(const fb::BulkHello& t) { return {t.session()}; }
  Invoke read(const fb::Invoke& t) {
    Invoke m;
    m.id = t.id();
    m.seq = t.seq();
    m.digest = r_.digest(t.digest(), "invoke.digest");
    m.task = r_.name(t.task(), "invoke.task");
    m.fingerprint = t.fingerprint();
    m.remaining_ns = r_.duration(t.remaining_ns(), "invoke.remaining_ns");
    m.attempt = t.attempt();
    m.linked = t.linked();
    m.object = t.object();
    m.payload = payload_info(t.payload(), "invoke.payload");
    m.lease = t.lease();
    return m;
  }
  Begun read(const fb::Begun& t) { return {t.id()}; }
  Result read(const fb::Result& t) {
    Result m;
    m.id = t.id();
    m.payload = payload_info(t.payload(), "result.payload");
    if (t.error() != nullptr) m.error = error(*t.error());
    if (t.ok() != (m.error.code == ErrorCode::none)) r_.fail("result.error", "contradicts result.ok");
    m.usage = usage(t.usage());
    return m;
  }
  Ended read(const fb::Ended& t) {
    Ended m{t.id(), {}};
    if (t.error() != nullptr) m.error = error(*t.error());
    return m;
  }
  Cancel read(const fb::Cancel& t) { return {t.id(), r_.enumerator<CancelReason>(t.reason(), "cancel.reason")}; }
  Output read(const fb::Output& t) {
    const auto stream = r_.enumerator<Stream>(t.stream(), "output.stream");
    const auto level = r_.enumerator<Level>(t.level(), "output.level");
    return {t.id(), stream, level, r_.text(t.text(), limits::kTextMax, "output.text"), t.dropped()};
  }
  Progress read(const fb::Progress& t) {
    const double fraction = std::isnan(t.fraction()) ? 0 : std::clamp(t.fraction(), 0.0, 1.0);
    return {t.id(), fraction, r_.text(t.message(), limits::kTextMax, "progress.message")};
  }
  Beat read(const fb::Beat& t) { return {t.seq()}; }
  Retire read(const fb::Retire& t) {
    return {t.last_seq(), t.must(), r_.text(t.reason(), limits::kTextMax, "retire.reason")};
  }
  RetireReply read(const fb::RetireReply& t) { return {t.granted()}; }
  Drain read(const fb::Drain& t) { return {r_.duration(t.grace_ns(), "drain.grace_ns")}; }
  Bye read(const fb::Bye& t) { return {r_.text(t.reason(), limits::kTextMax, "bye.reason")}; }
  Chunk read(const fb::Chunk& t) { return {t.transfer(), t.offset()}; }
  Credit read(const fb::Credit& t) { return {t.transfer(), t.bytes()}; }
  Abort read(const fb::Abort& t) {
    Abort m{t.transfer(), r_.text(t.reason(), limits::kTextMax, "abort.reason")};
    if (t.error() != nullptr) m.error = error(*t.error());
    return m;
  }
  Batch read(const fb::Batch& t) { return {t.count()}; }
  Unsupported read(const fb::Unsupported& t) {
    return {t.id(), r_.text(t.what(), limits::kTextMax, "unsupported.what"), false};
  }
  Release read(const fb::Release& t) {
    return {t.lease(), r_.numbers(t.objects(), limits::kAttachmentsMax, "release.objects")};
  }
  SlotDiscarded read(const fb::SlotDiscarded& t) { return {t.id(), discard_reason_from(t.reason())}; }

 private:
  PluginState plugin_state(const fb::PluginState& t) {
    PluginState state;
    if (const auto* plugin = t.plugin()) {
      state.plugin.name = r_.name(plugin->name(), "hello.plugins.name");
      state.plugin.version = r_.name(plugin->version(), "hello.plugins.version");
      state.plugin.digest = r_.digest(plugin->digest(), "hello.plugins.digest");
    }
    state.ready = t.ready();
    state.error = r_.text(t.error(), limits::kTextMax, "hello.plugins.error");
    state.forkable = t.forkable();
    return state;
  }

  PayloadInfo payload_info(const fb::PayloadInfo* t, std::string_view field) {
    PayloadInfo info;
    if (t == nullptr) return info;
    info.parts = r_.numbers(t->parts(), 1 + limits::kAttachmentsMax, field);
    info.transfer = t->transfer();
    info.resources = r_.numbers(t->resources(), limits::kAttachmentsMax, field);
    return info;
  }

  Usage usage(const fb::Usage* t) {
    if (t == nullptr) return {};
    return {t->wall_ns(), t->user_ns(), t->system_ns(), t->peak_memory()};
  }

  Error error(const fb::Error& t) {
    Error e;
    e.code = r_.enumerator<ErrorCode>(t.code(), "error.code");
    e.type = r_.name(t.type(), "error.type");
    e.message = r_.text(t.message(), limits::kTextMax, "error.message");
    r_.each(t.where(), limits::kWhereMax, "error.where", [&](const flatbuffers::String& frame) {
      e.where.push_back(r_.text(&frame, limits::kWhereTextMax, "error.where"));
    });
    e.log_tail = r_.text(t.log_tail(), limits::kLogTailMax, "error.log_tail");
    e.signal = t.signal();
    e.exit_code = t.exit_code();
    e.collateral = t.collateral();
    e.started = r_.enumerator<Started>(t.started(), "error.started");
    e.usage = usage(t.usage());
    e.runner = r_.name(t.runner(), "error.runner");
    e.plugin = r_.text(t.plugin(), limits::kPluginIdMax, "error.plugin");
    return e;
  }

  FieldReader& r_;
};

template <typename Table>
Body read_as(BodyDecoder& decoder, const fb::Envelope& envelope) {
  return decoder.read(*static_cast<const Table*>(envelope.body()));
}

Body read_body(BodyDecoder& decoder, const fb::Envelope& e) {
  switch (e.body_type()) {
    case fb::Body::Hello:
      return read_as<fb::Hello>(decoder, e);
    case fb::Body::Welcome:
      return read_as<fb::Welcome>(decoder, e);
    case fb::Body::Refuse:
      return read_as<fb::Refuse>(decoder, e);
    case fb::Body::BulkHello:
      return read_as<fb::BulkHello>(decoder, e);
    case fb::Body::Invoke:
      return read_as<fb::Invoke>(decoder, e);
    case fb::Body::Begun:
      return read_as<fb::Begun>(decoder, e);
    case fb::Body::Result:
      return read_as<fb::Result>(decoder, e);
    case fb::Body::Ended:
      return read_as<fb::Ended>(decoder, e);
    case fb::Body::Cancel:
      return read_as<fb::Cancel>(decoder, e);
    case fb::Body::Output:
      return read_as<fb::Output>(decoder, e);
    case fb::Body::Progress:
      return read_as<fb::Progress>(decoder, e);
    case fb::Body::Beat:
      return read_as<fb::Beat>(decoder, e);
    case fb::Body::Retire:
      return read_as<fb::Retire>(decoder, e);
    case fb::Body::RetireReply:
      return read_as<fb::RetireReply>(decoder, e);
    case fb::Body::Drain:
      return read_as<fb::Drain>(decoder, e);
    case fb::Body::Bye:
      return read_as<fb::Bye>(decoder, e);
    case fb::Body::Chunk:
      return read_as<fb::Chunk>(decoder, e);
    case fb::Body::Credit:
      return read_as<fb::Credit>(decoder, e);
    case fb::Body::Abort:
      return read_as<fb::Abort>(decoder, e);
    case fb::Body::Unsupported:
      return read_as<fb::Unsupported>(decoder, e);
    case fb::Body::Batch:
      return read_as<fb::Batch>(decoder, e);
    case fb::Body::Release:
      return read_as<fb::Release>(decoder, e);
    case fb::Body::SlotDiscarded:
      return read_as<fb::SlotDiscarded>(decoder, e);
    case fb::Body::NONE:
      break;
  }
  return Unsupported{e.request_id(), "message kind " + std::to_string(static_cast<unsigned>(e.body_type())), true};
}

}  // namespace

boost::system::result<Envelope, Error> decode(std::span<const std::byte> frame) {
  if (frame.size() > limits::kEnvelopeMax) {
    return incompatible("an envelope of " + std::to_string(frame.size()) + " bytes is over the limit");
  }
  const auto bytes = aligned_for_reading(frame);
  const auto* data = reinterpret_cast<const std::uint8_t*>(bytes.data());
  flatbuffers::Verifier verifier(data, bytes.size(), limits::kEnvelopeDepthMax, limits::kEnvelopeTablesMax);
  if (!fb::VerifyEnvelopeBuffer(verifier)) {
    return incompatible("not a FLAME envelope, or a damaged one (" + std::to_string(frame.size()) + " bytes)");
  }
  const auto* envelope = fb::GetEnvelope(data);
  if (envelope->body() == nullptr || envelope->body_type() == fb::Body::NONE) {
    return incompatible("the envelope has no body");
  }
  FieldReader reader;
  BodyDecoder decoder(reader);
  Envelope result{envelope->session(), read_body(decoder, *envelope)};
  if (reader.failed()) return reader.error();
  return result;
}

}  // namespace flame::wire
