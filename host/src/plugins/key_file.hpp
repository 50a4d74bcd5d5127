// Files of keys and signatures. A secret key's may be read by its owner alone, and no file is ever overwritten.
#pragma once

#include <optional>
#include <string>
#include <vector>

#include <flame/result.hpp>

#include "host/src/plugins/signature.hpp"

namespace flame::pool {

// Errors of all functions here: not_found when there is no such file (except where nullopt says so), else
// invalid_argument; the message names the file and the remedy, and shows nothing of what is in it. Files are of at most
// limits::kKeyTextMax bytes. Each function blocks for one small file. [any thread]

/// Makes a pair of keys: PATH holds the secret one (mode 0600), PATH.pub the public one (0644), both on disk when this
/// returns, or neither is left behind. Error also: one of the files is there already; boot_failed, see
/// SecretKey::make().
[[nodiscard]] Result<PublicKey> make_key_files(const std::string& path);

/// Error also: others than the owner may read or write the file; it holds something else than one whole secret key.
[[nodiscard]] Result<SecretKey> read_secret_key(const std::string& path);

/// Error also: everybody may write the file, so that anybody could become trusted.
[[nodiscard]] Result<PublicKey> read_public_key(const std::string& path);

/// An entry of [plugins] trusted_keys: the text of a public key, or the path of a file that holds one.
[[nodiscard]] Result<PublicKey> trusted_key(const std::string& text_or_path);

/// The text of a signature's file; nullopt: there is no such file. What is in it is Signature::parse()'s.
[[nodiscard]] Result<std::optional<std::string>> read_signature(const std::string& path);

/// Where a plugin's signature stands: "/p/video.so.sig".
[[nodiscard]] std::string signature_file_of(const std::string& plugin);

/// Writes a signature, in place of one that is there: it is no secret, and an old one has no worth.
[[nodiscard]] Result<void> write_signature(const std::string& path, const std::string& signature);

}  // namespace flame::pool
