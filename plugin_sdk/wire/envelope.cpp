// Encodes envelopes: one make() per message kind.
#include "plugin_sdk/wire/envelope.hpp"

#include <wire_generated.h>

#include <algorithm>
#include <concepts>
#include <cstring>
#include <string_view>
#include <utility>

#include "plugin_sdk/base/assert.hpp"
#include "plugin_sdk/base/limits.hpp"

namespace flame::wire {
namespace {

using flatbuffers::Offset;
using Text = Offset<flatbuffers::String>;

constexpr std::string_view kCutMark = " [cut]";

// What a text is cut to. Halved until the envelope fits into its frame.
struct Cuts {
  std::size_t text = limits::kTextMax;
  std::size_t list = limits::kListMax;
};

// Up to `size` bytes of `text`, without half a UTF-8 sequence at the end.
std::string_view head(std::string_view text, std::size_t size) {
  while (size > 0 && (static_cast<unsigned char>(text[size]) & 0xC0) == 0x80) --size;
  return text.substr(0, size);
}

class BodyEncoder {
 public:
  BodyEncoder(flatbuffers::FlatBufferBuilder& builder, const Cuts& cuts) : b_(builder), cuts_(cuts) {}

  Offset<fb::Hello> make(const Hello& m) {
    const auto plugins = list<fb::PluginState>(m.plugins, [this](const PluginState& p) { return plugin_state(p); });
    const auto facts = list<fb::KeyValue>(m.facts, [this](const auto& fact) {
      const auto key = text(fact.first, limits::kNameMax);
      const auto value = text(fact.second, limits::kTextMax);
      return fb::CreateKeyValue(b_, key, value);
    });
    const auto runner = name(m.runner);
    return fb::CreateHello(b_, m.protocol_major, m.protocol_minor, m.incarnation, runner, m.nonce, plugins, facts);
  }
  Offset<fb::Welcome> make(const Welcome& m) {
    return fb::CreateWelcome(b_, m.session, m.protocol_minor, m.slots, static_cast<fb::Isolation>(m.isolation),
                             m.single_use, m.reuse, m.idle_shutdown_ns, m.shutdown_grace_ns, m.kill_grace_ns,
                             m.payload_max, m.memory_max, m.cpu_time_ns, m.open_files_max, m.spare_slots,
                             m.beat_interval_ns, m.host_silence_ns, m.runner_silence_ns, m.start_limit_ns, m.core_dumps,
                             static_cast<fb::LeftoverThreads>(m.leftover_threads));
  }
  Offset<fb::Refuse> make(const Refuse& m) {
    return fb::CreateRefuse(b_, static_cast<fb::ErrorCode>(m.code), text(m.reason));
  }
  Offset<fb::BulkHello> make(const BulkHello& m) { return fb::CreateBulkHello(b_, m.session); }
  Offset<fb::Invoke> make(const Invoke& m) {
    const auto digest = name(m.digest);
    const auto task = name(m.task);
    const auto payload = payload_info(m.payload);
    return fb::CreateInvoke(b_, m.id, m.seq, digest, task, m.fingerprint, m.remaining_ns, m.attempt, m.linked, m.object,
                            payload, m.lease);
  }
  Offset<fb::Begun> make(const Begun& m) { return fb::CreateBegun(b_, m.id); }
  Offset<fb::Result> make(const Result& m) {
    const bool ok = m.error.code == ErrorCode::none;
    const auto payload = payload_info(m.payload);
    const auto failure = ok ? Offset<fb::Error>() : error(m.error);
    return fb::CreateResult(b_, m.id, ok, payload, failure, usage(m.usage));
  }
  Offset<fb::Ended> make(const Ended& m) {
    const auto why = m.error.code == ErrorCode::none ? Offset<fb::Error>() : error(m.error);
    return fb::CreateEnded(b_, m.id, why);
  }
  Offset<fb::Cancel> make(const Cancel& m) {
    return fb::CreateCancel(b_, m.id, static_cast<fb::CancelReason>(m.reason));
  }
  Offset<fb::Output> make(const Output& m) {
    const auto line = text(m.text);
    return fb::CreateOutput(b_, m.id, static_cast<fb::Stream>(m.stream), static_cast<fb::Level>(m.level), line,
                            m.dropped);
  }
  Offset<fb::Progress> make(const Progress& m) { return fb::CreateProgress(b_, m.id, m.fraction, text(m.message)); }
  Offset<fb::Beat> make(const Beat& m) { return fb::CreateBeat(b_, m.seq); }
  Offset<fb::Retire> make(const Retire& m) { return fb::CreateRetire(b_, m.last_seq, m.must, text(m.reason)); }
  Offset<fb::RetireReply> make(const RetireReply& m) { return fb::CreateRetireReply(b_, m.granted); }
  Offset<fb::Drain> make(const Drain& m) { return fb::CreateDrain(b_, m.grace_ns); }
  Offset<fb::Bye> make(const Bye& m) { return fb::CreateBye(b_, text(m.reason)); }
  Offset<fb::Chunk> make(const Chunk& m) { return fb::CreateChunk(b_, m.transfer, m.offset); }
  Offset<fb::Credit> make(const Credit& m) { return fb::CreateCredit(b_, m.transfer, m.bytes); }
  Offset<fb::Abort> make(const Abort& m) {
    const auto reason = text(m.reason);
    const auto why = m.error.code == ErrorCode::none ? Offset<fb::Error>() : error(m.error);
    return fb::CreateAbort(b_, m.transfer, reason, why);
  }
  Offset<fb::Batch> make(const Batch& m) { return fb::CreateBatch(b_, m.count); }
  Offset<fb::Unsupported> make(const Unsupported& m) { return fb::CreateUnsupported(b_, m.id, text(m.what)); }
  Offset<fb::SlotDiscarded> make(const SlotDiscarded& m) {
    return fb::CreateSlotDiscarded(b_, m.id, static_cast<std::uint8_t>(m.reason));
  }
  Offset<fb::Release> make(const Release& m) {
    FLAME_ASSERT(m.objects.size() <= limits::kAttachmentsMax, "a slot's objects are let go in pieces");
    return fb::CreateRelease(b_, m.lease, b_.CreateVector(m.objects));
  }

 private:
  Text text(std::string_view value, std::size_t bytes_max = limits::kTextMax) {
    bytes_max = std::min(bytes_max, cuts_.text);
    if (value.empty()) return {};
    if (value.size() <= bytes_max) return b_.CreateString(value.data(), value.size());
    const std::string cut = std::string(head(value, bytes_max - kCutMark.size())).append(kCutMark);
    return b_.CreateString(cut);
  }
  Text name(std::string_view value) { return text(value, limits::kNameMax); }

  template <typename T, typename Item, typename Make>
  Offset<flatbuffers::Vector<Offset<T>>> list(const std::vector<Item>& items, Make make_one) {
    if (items.empty()) return {};
    std::vector<Offset<T>> offsets(std::min(items.size(), cuts_.list));
    std::transform(items.begin(), items.begin() + static_cast<std::ptrdiff_t>(offsets.size()), offsets.begin(),
                   make_one);
    return b_.CreateVector(offsets);
  }

  Offset<fb::PluginState> plugin_state(const PluginState& state) {
    const auto plugin_name = name(state.plugin.name);
    const auto version = name(state.plugin.version);
    const auto plugin = fb::CreatePluginRef(b_, plugin_name, version, name(state.plugin.digest));
    return fb::CreatePluginState(b_, plugin, state.ready, text(state.error), state.forkable);
  }

  Offset<fb::PayloadInfo> payload_info(const PayloadInfo& info) {
    // describe() bounds them; cutting here would send garbage.
    FLAME_ASSERT(info.parts.size() <= 1 + limits::kAttachmentsMax, "describe() bounds the parts");
    FLAME_ASSERT(info.resources.size() <= limits::kAttachmentsMax, "describe() bounds the resources");
    if (info.parts.empty() && info.resources.empty() && info.transfer == 0) return {};
    const auto parts = b_.CreateVector(info.parts);
    const auto resources =
        info.resources.empty() ? Offset<flatbuffers::Vector<std::uint64_t>>() : b_.CreateVector(info.resources);
    return fb::CreatePayloadInfo(b_, parts, info.transfer, resources);
  }

  Offset<fb::Usage> usage(const Usage& used) {
    if (used.wall_ns == 0 && used.user_ns == 0 && used.system_ns == 0 && used.peak_memory == 0) return {};
    return fb::CreateUsage(b_, used.wall_ns, used.user_ns, used.system_ns, used.peak_memory);
  }

  Offset<fb::Error> error(const Error& e) {
    const auto type = name(e.type);
    const auto message = text(e.message);
    std::vector<Text> frames(std::min({e.where.size(), limits::kWhereMax, cuts_.list}));
    for (std::size_t i = 0; i < frames.size(); ++i) {
      // A vector of strings has no absent entries.
      frames[i] = e.where[i].empty() ? b_.CreateString("") : text(e.where[i], limits::kWhereTextMax);
    }
    const auto where = b_.CreateVector(frames);
    const auto log_tail = text(e.log_tail, limits::kLogTailMax);
    const auto used = usage(e.usage);
    const auto runner = name(e.runner);
    const auto plugin = text(e.plugin, limits::kPluginIdMax);
    return fb::CreateError(b_, static_cast<fb::ErrorCode>(e.code), type, message, where, log_tail, e.signal,
                           e.exit_code, e.collateral, static_cast<fb::Started>(e.started), used, runner, plugin);
  }

  flatbuffers::FlatBufferBuilder& b_;
  const Cuts& cuts_;
};

// The peer waits for an answer to these; it names the request by this number if it cannot read it.
template <typename Message>
std::uint64_t request_id(const Message& message) {
  if constexpr (std::same_as<Message, Invoke>) return message.id;
  return std::same_as<Message, Hello> || std::same_as<Message, Retire> ? 1 : 0;
}

template <typename T>
constexpr fb::Body kind_of(Offset<T>) {
  return fb::BodyTraits<T>::enum_value;
}

void build(flatbuffers::FlatBufferBuilder& builder, std::uint64_t session, const Body& body, const Cuts& cuts) {
  builder.Clear();
  std::visit(
      [&](const auto& message) {
        const auto offset = BodyEncoder(builder, cuts).make(message);
        builder.Finish(fb::CreateEnvelope(builder, session, kind_of(offset), offset.Union(), request_id(message)),
                       fb::EnvelopeIdentifier());
      },
      body);
}

}  // namespace

void encode_into(std::vector<std::byte>& out, std::uint64_t session, const Body& body) {
  static_assert(std::variant_size_v<Body> == static_cast<std::size_t>(fb::Body::MAX), "Body and wire.fbs agree");
  thread_local flatbuffers::FlatBufferBuilder builder(1024);
  Cuts cuts;
  for (build(builder, session, body, cuts); builder.GetSize() > limits::kEnvelopeMax;) {
    cuts.text = std::max<std::size_t>(cuts.text / 2, 64);
    cuts.list /= 2;
    build(builder, session, body, cuts);
  }
  const auto* bytes = reinterpret_cast<const std::byte*>(builder.GetBufferPointer());
  out.assign(bytes, bytes + builder.GetSize());
  // An envelope that had to be cut has made the builder large; that memory is not kept.
  if (cuts.list != limits::kListMax) builder.Reset();
}

std::vector<std::byte> encode(std::uint64_t session, const Body& body) {
  std::vector<std::byte> frame;
  encode_into(frame, session, body);
  return frame;
}

}  // namespace flame::wire
