// The texts of keys and signatures, and Ed25519 by libsodium.
#include "host/src/plugins/signature.hpp"

#include <sodium.h>

#include <algorithm>
#include <cstring>
#include <utility>

#include <flame/config.hpp>
#include <flame/detail/plugin_identity.hpp>

#include "plugin_sdk/base/assert.hpp"
#include "plugin_sdk/base/digest.hpp"
#include "plugin_sdk/base/make_error.hpp"

namespace flame::pool {

namespace {

constexpr int kBase64 = sodium_base64_VARIANT_ORIGINAL;
constexpr std::size_t kIdDigits = 16;
constexpr std::size_t kSeedBytes = crypto_sign_SEEDBYTES;

// What a text may be: how it begins, without the number of its version, and what people call it.
struct Kind {
  std::string_view prefix;
  std::string_view name;
};
constexpr Kind kPublicKey{kPublicKeyPrefix, "a public key"};
constexpr Kind kSecretKey{kSecretKeyPrefix, "a secret key"};
constexpr Kind kSignature{"flame-signature-v", "a signature"};
constexpr Kind kKinds[] = {kPublicKey, kSecretKey, kSignature};

Error bad(std::string what) {
  return base::make_error(ErrorCode::invalid_argument, std::move(what));
}

std::string quoted_kind(const Kind& kind) {
  return std::string(kind.name) + " of flame";
}

// Names what the text is instead.
Error of_another_kind(std::string_view text, const Kind& wanted) {
  if (text.empty()) return bad("is empty; it should hold " + quoted_kind(wanted));
  for (const Kind& kind : kKinds) {
    if (!text.starts_with(kind.prefix)) continue;
    if (kind.prefix != wanted.prefix)
      return bad("holds " + std::string(kind.name) + ", not " + std::string(wanted.name));
    return bad("holds " + std::string(kind.name) + " of another version of flame; make it with this version");
  }
  if (text.starts_with("-----BEGIN") || text.starts_with("ssh-") || text.starts_with("untrusted comment:"))
    return bad(
        "holds a key or signature of another program (OpenSSL, OpenSSH, minisign); flame has its own, see "
        "`flame plugin keygen`");
  return bad("does not hold " + quoted_kind(wanted));
}

Error damaged(const Kind& kind) {
  return bad("holds " + std::string(kind.name) + " that is cut off or damaged; take it from where it was made");
}

// libsodium takes bytes above 0x7f for letters.
bool is_base64(std::string_view text) {
  return std::ranges::all_of(text, [](char c) {
    return (c >= 'A' && c <= 'Z') || (c >= 'a' && c <= 'z') || (c >= '0' && c <= '9') || c == '+' || c == '/' ||
           c == '=';
  });
}

// "WHAT ID BASE64" into `out`, which it has to fill. The id on success.
Result<KeyId> decode(std::string_view text, const Kind& kind, std::span<unsigned char> out) {
  while (text.ends_with('\n') || text.ends_with('\r')) text.remove_suffix(1);
  const std::string begin = std::string(kind.prefix) + "1 ";
  if (text.size() > limits::kKeyTextMax) return bad("is too large to be " + quoted_kind(kind));
  if (!text.starts_with(begin)) return of_another_kind(text, kind);
  text.remove_prefix(begin.size());
  const std::string_view id = text.substr(0, kIdDigits);
  const bool spaced = text.size() > kIdDigits && text[kIdDigits] == ' ';
  if (!spaced) return damaged(kind);
  const std::string_view data = text.substr(kIdDigits + 1);
  std::size_t size = 0;
  const char* end = nullptr;
  const int rc = is_base64(data) ? sodium_base642bin(out.data(), out.size(), data.data(), data.size(), nullptr, &size,
                                                     &end, kBase64)
                                 : -1;
  if (rc != 0 || end != data.data() + data.size() || size != out.size()) return damaged(kind);
  return KeyId(id);
}

// At most kKeyTextMax bytes into `out`, a newline included; how many.
std::size_t encode(const Kind& kind, const KeyId& id, std::span<const unsigned char> bytes, std::span<char> out) {
  const std::string begin = std::string(kind.prefix) + "1 " + id + " ";
  const std::size_t encoded = sodium_base64_encoded_len(bytes.size(), kBase64);  // with a NUL
  FLAME_ASSERT(begin.size() + encoded <= out.size(), "limits::kKeyTextMax holds every key and signature");
  std::ranges::copy(begin, out.begin());
  sodium_bin2base64(out.data() + begin.size(), encoded, bytes.data(), bytes.size(), kBase64);
  out[begin.size() + encoded - 1] = '\n';
  return begin.size() + encoded;
}

std::string encode(const Kind& kind, const KeyId& id, std::span<const unsigned char> bytes) {
  std::string text(limits::kKeyTextMax, '\0');
  text.resize(encode(kind, id, bytes, text));
  return text;
}

std::string list_of(std::span<const PublicKey> keys) {
  std::string text;
  for (const PublicKey& key : keys) text += (text.empty() ? "" : ", ") + key.id();
  return text;
}

Error refused(std::string message) {
  return base::make_error(ErrorCode::incompatible, std::move(message));
}

Error unknown_key(const SignedPlugin& plugin, const KeyId& key, std::span<const PublicKey> trusted) {
  return refused("\"" + plugin.file + "\" is signed by the key " + key + ", which is not trusted; " +
                 (trusted.empty() ? "no key is" : "trusted: " + list_of(trusted)) +
                 ". Sign it with a trusted key, or " + "add its public key to [plugins] trusted_keys");
}

Error mismatch(const SignedPlugin& plugin, const KeyId& key) {
  return refused("the signature \"" + plugin.signature_file + "\" by the key " + key + " does not belong to \"" +
                 plugin.file + "\" as " + plugin.statement.name + "@" + plugin.statement.version +
                 ": the file was changed after it had been signed, or was signed as another plugin or version. Take " +
                 "both files anew from where they were made, or sign this one");
}

}  // namespace

std::string Statement::text() const {
  FLAME_ASSERT(detail::is_plugin_name(name) && base::Digest::is_hex(digest), "they come from a manifest and a hash");
  FLAME_ASSERT(version.find('\n') == std::string::npos, "it comes from a manifest");
  return "flame-plugin-v1\nname=" + name + "\nversion=" + version + "\nsha256=" + digest + "\n";
}

PublicKey::PublicKey(const Bytes& bytes)
    : bytes_(bytes), id_(base::sha256(std::as_bytes(std::span(bytes_))).hex().substr(0, kIdDigits)) {}

Result<PublicKey> PublicKey::parse(std::string_view text) {
  Bytes bytes{};
  const Result<KeyId> id = decode(text, kPublicKey, bytes);
  if (!id) return id.error();
  PublicKey key(bytes);
  if (key.id_ != *id) return damaged(kPublicKey);
  return key;
}

std::string PublicKey::text() const {
  std::string line = encode(kPublicKey, id_, bytes_);
  line.pop_back();
  return line;
}

Result<SecretKey> SecretKey::make() {
  if (::sodium_init() < 0)
    return base::make_error(ErrorCode::boot_failed, "cannot make a key: the system gives no random numbers");
  SecretKey key;
  PublicKey::Bytes ignored{};
  crypto_sign_keypair(ignored.data(), key.bytes_.data());
  return key;
}

Result<SecretKey> SecretKey::parse(std::string_view text) {
  Wiped<unsigned char, kSeedBytes> seed;
  const Result<KeyId> id = decode(text, kSecretKey, {seed.data(), seed.size()});
  if (!id) return id.error();
  SecretKey key;
  PublicKey::Bytes ignored{};
  crypto_sign_seed_keypair(ignored.data(), key.bytes_.data(), seed.data());
  if (key.public_key().id() != *id) return damaged(kSecretKey);
  return key;
}

SecretKey::Text SecretKey::text() const {
  Text text;
  encode(kSecretKey, public_key().id(), {bytes_.data(), kSeedBytes}, {text.data(), text.size()});
  return text;
}

PublicKey SecretKey::public_key() const {
  PublicKey::Bytes bytes{};
  std::memcpy(bytes.data(), bytes_.data() + kSeedBytes, bytes.size());
  return PublicKey(bytes);
}

std::string SecretKey::sign(const Statement& statement) const {
  static_assert(decltype(bytes_)::size() == crypto_sign_SECRETKEYBYTES);
  const std::string text = statement.text();
  Signature signature;
  static_assert(sizeof(signature.bytes) == crypto_sign_BYTES);
  crypto_sign_detached(signature.bytes.data(), nullptr, reinterpret_cast<const unsigned char*>(text.data()),
                       text.size(), bytes_.data());
  return encode(kSignature, public_key().id(), signature.bytes);
}

Result<Signature> Signature::parse(std::string_view text) {
  Signature signature;
  Result<KeyId> id = decode(text, kSignature, signature.bytes);
  if (!id) return id.error();
  const auto is_digit = [](char c) { return (c >= '0' && c <= '9') || (c >= 'a' && c <= 'f'); };
  if (!std::ranges::all_of(*id, is_digit)) return damaged(kSignature);
  signature.key = std::move(*id);
  return signature;
}

Result<KeyId> verify(const SignedPlugin& plugin, std::span<const PublicKey> trusted) {
  if (!plugin.signature)
    return refused("\"" + plugin.file + "\" is not signed: there is no \"" + plugin.signature_file +
                   "\". Sign it with `flame plugin sign`, or take the signature from where the plugin was made");
  const Result<Signature> signature = Signature::parse(*plugin.signature);
  if (!signature)
    return refused("\"" + plugin.signature_file + "\" " + signature.error().message +
                   ". It has to be the signature of \"" + plugin.file + "\": sign that with `flame plugin sign`");
  const std::string text = plugin.statement.text();
  bool known = false;
  for (const PublicKey& key : trusted) {
    if (key.id() != signature->key) continue;
    known = true;
    if (crypto_sign_verify_detached(signature->bytes.data(), reinterpret_cast<const unsigned char*>(text.data()),
                                    text.size(), key.bytes_.data()) == 0)
      return key.id();
  }
  if (!known) return unknown_key(plugin, signature->key, trusted);
  return mismatch(plugin, signature->key);
}

}  // namespace flame::pool
