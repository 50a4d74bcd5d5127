// Who made a plugin: keys, and signatures that bind a file's bytes to the plugin's name and version. Ed25519; pure.
//
// Keys and signatures are texts of one line, "WHAT ID BASE64", where WHAT is flame-public-key-v1, flame-secret-key-v1
// or flame-signature-v1, and ID the key's: 16 hexadecimal digits that follow from the public key. A newline may end
// them.
#pragma once

#include <array>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include <flame/result.hpp>

#include "host/src/plugins/wiped.hpp"
#include "plugin_sdk/base/limits.hpp"

namespace flame::pool {

/// "3f0c…": tells keys apart for people; no proof of anything by itself.
using KeyId = std::string;

/// What is signed: these bytes are this plugin in this version.
struct Statement {
  std::string name;     ///< as detail::is_plugin_name() allows it
  std::string version;  ///< semantic
  std::string digest;   ///< SHA-256 of the file, 64 lower-case hex digits

  /// "flame-plugin-v1\nname=…\nversion=…\nsha256=…\n"
  [[nodiscard]] std::string text() const;
};

/// Whose signatures count. A plain value.
class PublicKey {
 public:
  /// Errors: invalid_argument, as the end of a sentence whose subject is the text: "holds a secret key, …". Shows
  /// nothing of the text, which may be a secret in the wrong place. [any thread]
  [[nodiscard]] static Result<PublicKey> parse(std::string_view text);
  /// One line without its newline.
  [[nodiscard]] std::string text() const;
  [[nodiscard]] const KeyId& id() const noexcept { return id_; }

  friend bool operator==(const PublicKey&, const PublicKey&) = default;

 private:
  friend class SecretKey;
  friend Result<KeyId> verify(const struct SignedPlugin&, std::span<const PublicKey>);
  using Bytes = std::array<unsigned char, 32>;
  explicit PublicKey(const Bytes& bytes);
  Bytes bytes_{};
  KeyId id_;
};

/// Signs. Moved, never copied; its bytes are wiped when it goes. Not for two threads at once.
class SecretKey {
 public:
  /// A new one. Error: boot_failed when the system gives no random numbers.
  [[nodiscard]] static Result<SecretKey> make();
  /// As PublicKey::parse().
  [[nodiscard]] static Result<SecretKey> parse(std::string_view text);
  /// One line with its newline, then NULs.
  using Text = Wiped<char, limits::kKeyTextMax>;
  [[nodiscard]] Text text() const;
  [[nodiscard]] PublicKey public_key() const;
  /// The signature's text, one line with its newline.
  [[nodiscard]] std::string sign(const Statement& statement) const;

 private:
  SecretKey() = default;
  Wiped<unsigned char, 64> bytes_;  // seed and public key
};

/// A detached signature as it stands in its file. A plain value.
struct Signature {
  KeyId key;
  std::array<unsigned char, 64> bytes{};

  /// At most limits::kKeyTextMax bytes. Errors as PublicKey::parse(). [any thread]
  [[nodiscard]] static Result<Signature> parse(std::string_view text);
};

/// A plugin file with the signature that was found beside it. The paths are for messages.
struct SignedPlugin {
  Statement statement;
  std::string file;
  std::string signature_file;
  std::optional<std::string> signature;  ///< the text of that file; nullopt: there is none
};

/// The one of `trusted` that signed the plugin. Errors: incompatible, each with both files and the remedy: there is no
/// signature; its file holds none; it is by a key that is not trusted (names that one and the trusted ones); it does
/// not belong to the plugin, which was changed or renamed. [any thread]
[[nodiscard]] Result<KeyId> verify(const SignedPlugin& plugin, std::span<const PublicKey> trusted);

}  // namespace flame::pool
