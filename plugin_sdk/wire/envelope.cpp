// Encodes envelopes: packed as they are, and anew with what is too long cut.
#include "plugin_sdk/wire/envelope.hpp"

#include <algorithm>
#include <concepts>
#include <cstring>
#include <string_view>
#include <utility>

#include "plugin_sdk/base/assert.hpp"
#include "plugin_sdk/base/limits.hpp"
#include "plugin_sdk/wire/field_walk.hpp"

namespace flame::wire {
namespace {

using flatbuffers::FlatBufferBuilder;

constexpr std::string_view kCutMark = " [cut]";

// Shortens texts and lists where they lie in a packed buffer. A visitor of walk_fields().
class Cutter {
 public:
  bool number(auto, const FieldRule&, const FieldPath&) { return true; }
  bool text(const flatbuffers::String& text, const FieldRule& rule, const FieldPath&) {
    const std::size_t bytes_max = std::min(rule.bytes_max, text_max_);
    if (text.size() <= bytes_max) return true;
    std::size_t size = bytes_max - kCutMark.size();
    auto* bytes = const_cast<char*>(text.c_str());                                        // the buffer is ours
    while (size > 0 && (static_cast<unsigned char>(bytes[size]) & 0xC0) == 0x80) --size;  // no half UTF-8 sequence
    std::memcpy(bytes + size, kCutMark.data(), kCutMark.size() + 1);                      // with its NUL
    shorten(text, size + kCutMark.size());
    return true;
  }
  template <typename Element>
  bool list(const flatbuffers::Vector<Element>& list, const FieldRule& rule, const FieldPath&) {
    if constexpr (std::is_arithmetic_v<Element>) {  // cut, it would say something else
      FLAME_ASSERT(list.size() <= rule.count_max,
                   "describe() bounds the parts and resources, and objects are let go in pieces");
    } else if (const std::size_t count_max = std::min(rule.count_max, list_max_); list.size() > count_max) {
      shorten(list, count_max);
    }
    return true;
  }

  [[nodiscard]] bool has_cut() const { return has_cut_; }
  // From now on to half the size.
  void halve() {
    text_max_ = std::max<std::size_t>(text_max_ / 2, 64);
    list_max_ /= 2;
    has_cut_ = false;
  }

 private:
  template <typename Element>
  void shorten(const flatbuffers::Vector<Element>& list, std::size_t size) {
    const auto* length = list.Data() - sizeof(flatbuffers::uoffset_t);
    flatbuffers::WriteScalar(const_cast<std::uint8_t*>(length), static_cast<flatbuffers::uoffset_t>(size));
    has_cut_ = true;
  }

  std::size_t text_max_ = limits::kTextMax;
  std::size_t list_max_ = limits::kListMax;
  bool has_cut_ = false;
};

// The peer waits for an answer to these; it names the request by this number if it cannot read it.
template <typename Message>
std::uint64_t request_id(const Message& message) {
  if constexpr (std::same_as<Message, Invoke>) return message.id;
  if constexpr (std::same_as<Message, Load>) return kLoadRequestId;
  return std::same_as<Message, Hello> || std::same_as<Message, Retire> ? 1 : 0;
}

template <typename Message>
const typename Message::TableType& pack(FlatBufferBuilder& builder, std::uint64_t session, const Message& message) {
  builder.Clear();
  const auto body = Message::TableType::Pack(builder, &message).Union();
  builder.Finish(
      fb::CreateEnvelope(builder, session, fb::BodyUnionTraits<Message>::enum_value, body, request_id(message)),
      fb::EnvelopeIdentifier());
  const void* packed = fb::GetEnvelope(builder.GetBufferPointer())->body();
  const auto& table = *static_cast<const typename Message::TableType*>(packed);
  FLAME_ASSERT(contradiction(table).empty(), "messages are made of what goes together");
  return table;
}

// An envelope that had to be cut has made the builder large: false, so that its memory is not kept.
template <typename Message>
bool pack_within_limits(FlatBufferBuilder& builder, std::uint64_t session, const Message& message) {
  const auto* packed = &pack(builder, session, message);
  bool as_it_is = true;
  for (Cutter cutter;; cutter.halve()) {
    walk_fields(cutter, *packed, {nullptr, {}});
    if (cutter.has_cut()) {
      Message cut;
      packed->UnPackTo(&cut);
      packed = &pack(builder, session, cut);
    }
    as_it_is = as_it_is && !cutter.has_cut();
    if (builder.GetSize() <= limits::kEnvelopeMax) return as_it_is;
  }
}

}  // namespace

void encode_into(std::vector<std::byte>& out, std::uint64_t session, const Body& body) {
  static_assert(std::variant_size_v<AnyBody> == static_cast<std::size_t>(fb::Body::MAX) + 1, "and Undecoded");
  thread_local FlatBufferBuilder builder(1024);
  const bool keep_memory = std::visit(
      [&](const auto& message) {
        if constexpr (std::same_as<decltype(message), const Undecoded&>) {
          FLAME_ASSERT(false, "what was not decoded is answered, not sent");
          return false;
        } else {
          return pack_within_limits(builder, session, message);
        }
      },
      body);
  const auto* bytes = reinterpret_cast<const std::byte*>(builder.GetBufferPointer());
  out.assign(bytes, bytes + builder.GetSize());
  if (!keep_memory) builder.Reset();
}

std::vector<std::byte> encode(std::uint64_t session, const Body& body) {
  std::vector<std::byte> frame;
  encode_into(frame, session, body);
  return frame;
}

}  // namespace flame::wire
