// FLAME_PARENT: its table and its base64 form.
#include <parent_generated.h>
#include <sodium.h>

#include <cstddef>
#include <utility>

#include "plugin_sdk/base/assert.hpp"
#include "plugin_sdk/base/limits.hpp"
#include "plugin_sdk/wire/envelope.hpp"
#include "plugin_sdk/wire/field_reader.hpp"

namespace flame::wire {
namespace {

constexpr int kBase64Variant = sodium_base64_VARIANT_ORIGINAL;
constexpr std::size_t kKeyChars = 40;  // Z85 of 32 bytes

using Endpoints = flatbuffers::Vector<flatbuffers::Offset<flatbuffers::String>>;

std::vector<std::string> endpoints(FieldReader& reader, const Endpoints* values, std::string_view field) {
  std::vector<std::string> result;
  reader.each(values, limits::kEndpointsMax, field, [&](const flatbuffers::String& endpoint) {
    result.push_back(reader.text(&endpoint, limits::kEndpointMax, field));
  });
  return result;
}

std::string key(FieldReader& reader, const flatbuffers::String* value, std::string_view field) {
  std::string result = reader.text(value, kKeyChars, field);
  if (!result.empty() && result.size() != kKeyChars) reader.fail(field, "is not a CURVE key of 40 characters");
  return result;
}

Parent read(FieldReader& reader, const fb::Parent& t) {
  Parent parent;
  parent.protocol_major = t.protocol_major();
  parent.protocol_minor = t.protocol_minor();
  parent.incarnation = t.incarnation();
  parent.nonce = t.nonce();
  parent.host_name = reader.name(t.host_name(), "parent.host_name");
  parent.pool = reader.name(t.pool(), "parent.pool");
  parent.runner = reader.name(t.runner(), "parent.runner");
  parent.backend = reader.name(t.backend(), "parent.backend");
  parent.control = endpoints(reader, t.control(), "parent.control");
  parent.bulk = endpoints(reader, t.bulk(), "parent.bulk");
  if (parent.control.size() != parent.bulk.size()) reader.fail("parent.bulk", "is not as long as parent.control");
  parent.host_key = key(reader, t.host_key(), "parent.host_key");
  parent.public_key = key(reader, t.public_key(), "parent.public_key");
  parent.secret_key = key(reader, t.secret_key(), "parent.secret_key");
  reader.each(t.plugins(), limits::kListMax, "parent.plugins", [&](const fb::WantedPlugin& wanted) {
    auto name = reader.name(wanted.name(), "parent.plugins.name");
    auto version = reader.name(wanted.version(), "parent.plugins.version");
    parent.plugins.push_back(
        {std::move(name), std::move(version), reader.digest(wanted.digest(), "parent.plugins.digest")});
  });
  parent.failsafe_ns = reader.duration(t.failsafe_ns(), "parent.failsafe_ns");
  return parent;
}

}  // namespace

std::string encode_parent(const Parent& parent) {
  flatbuffers::FlatBufferBuilder b(1024);
  std::vector<flatbuffers::Offset<fb::WantedPlugin>> plugins;
  for (const auto& plugin : parent.plugins) {
    plugins.push_back(
        fb::CreateWantedPluginDirect(b, plugin.name.c_str(), plugin.version.c_str(), plugin.digest.c_str()));
  }
  const auto host_name = b.CreateString(parent.host_name);
  const auto pool = b.CreateString(parent.pool);
  const auto runner = b.CreateString(parent.runner);
  const auto backend = b.CreateString(parent.backend);
  const auto control = b.CreateVectorOfStrings(parent.control);
  const auto bulk = b.CreateVectorOfStrings(parent.bulk);
  const auto host_key = b.CreateString(parent.host_key);
  const auto public_key = b.CreateString(parent.public_key);
  const auto secret_key = b.CreateString(parent.secret_key);
  b.Finish(fb::CreateParent(b, parent.protocol_major, parent.protocol_minor, parent.incarnation, parent.nonce,
                            host_name, pool, runner, backend, control, bulk, host_key, public_key, secret_key,
                            b.CreateVector(plugins), parent.failsafe_ns),
           fb::ParentIdentifier());
  FLAME_ASSERT(b.GetSize() <= limits::kParentMax, "configuration bounds names, endpoints and plugins");
  std::string bytes(reinterpret_cast<const char*>(b.GetBufferPointer()), b.GetSize());
  sodium_memzero(b.GetBufferPointer(), b.GetSize());
  return bytes;
}

boost::system::result<Parent, Error> decode_parent(std::string_view bytes) {
  if (bytes.size() > limits::kParentMax) return incompatible("FLAME_PARENT is too long");
  // A copy of its own, wiped afterwards: it holds a secret key.
  std::vector<std::uint64_t> copy(bytes.size() / sizeof(std::uint64_t) + 1);
  std::memcpy(copy.data(), bytes.data(), bytes.size());
  const auto* data = reinterpret_cast<const std::uint8_t*>(copy.data());
  flatbuffers::Verifier verifier(data, bytes.size(), limits::kEnvelopeDepthMax, limits::kEnvelopeTablesMax);
  if (!fb::VerifyParentBuffer(verifier)) return incompatible("FLAME_PARENT is not what a FLAME host writes");
  FieldReader reader;
  Parent parent = read(reader, *fb::GetParent(data));
  sodium_memzero(copy.data(), copy.size() * sizeof(std::uint64_t));
  if (reader.failed()) return reader.error();
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
