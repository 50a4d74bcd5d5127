// FLAME_PARENT: its table and its base64 form.
#include <sodium.h>

#include <cstddef>
#include <cstring>
#include <vector>

#include "plugin_sdk/base/assert.hpp"
#include "plugin_sdk/base/limits.hpp"
#include "plugin_sdk/wire/envelope.hpp"
#include "plugin_sdk/wire/field_check.hpp"

namespace flame::wire {
namespace {

constexpr int kBase64Variant = sodium_base64_VARIANT_ORIGINAL;
}  // namespace

std::string encode_parent(const Parent& parent) {
  flatbuffers::FlatBufferBuilder b(limits::kParentMax);  // it never grows, which would leave keys behind
  b.Finish(fb::Parent::Pack(b, &parent), fb::ParentIdentifier());
  FLAME_ASSERT(b.GetSize() <= limits::kParentMax, "configuration bounds names, endpoints and plugins");
  std::string bytes(reinterpret_cast<const char*>(b.GetBufferPointer()), b.GetSize());
  sodium_memzero(b.GetBufferPointer(), b.GetSize());
  return bytes;
}

flame::Result<Parent> decode_parent(std::string_view bytes) {
  if (bytes.size() > limits::kParentMax) return incompatible("FLAME_PARENT is too long");
  // A copy of its own, wiped afterwards: it holds a secret key.
  std::vector<std::uint64_t> copy(bytes.size() / sizeof(std::uint64_t) + 1);
  std::memcpy(copy.data(), bytes.data(), bytes.size());
  const auto* data = reinterpret_cast<const std::uint8_t*>(copy.data());
  flatbuffers::Verifier verifier(data, bytes.size(), limits::kEnvelopeDepthMax, limits::kEnvelopeTablesMax);
  if (!fb::VerifyParentBuffer(verifier)) return incompatible("FLAME_PARENT is not what a FLAME host writes");
  FieldCheck check;
  Parent parent;
  const bool taken = check.take(*fb::GetParent(data), parent);
  sodium_memzero(copy.data(), copy.size() * sizeof(std::uint64_t));
  if (!taken) return check.error();
  return parent;
}

std::string to_base64(std::string_view bytes) {
  std::string text(sodium_base64_encoded_len(bytes.size(), kBase64Variant), '\0');
  sodium_bin2base64(text.data(), text.size(), reinterpret_cast<const unsigned char*>(bytes.data()), bytes.size(),
                    kBase64Variant);
  text.pop_back();  // the terminating NUL is counted
  return text;
}

std::optional<std::string> from_base64(std::string_view text) {
  std::string bytes(text.size(), '\0');
  std::size_t size = 0;
  const char* end = nullptr;
  const int rc = sodium_base642bin(reinterpret_cast<unsigned char*>(bytes.data()), bytes.size(), text.data(),
                                   text.size(), nullptr, &size, &end, kBase64Variant);
  if (rc != 0 || end != text.data() + text.size()) return std::nullopt;
  bytes.resize(size);
  // libsodium takes bytes above 0x7f for letters.
  if (to_base64(bytes) != text) return std::nullopt;
  return bytes;
}

}  // namespace flame::wire
