// A plugin file on its way into the store: copied while it is hashed, and looked at before anything of it can run.
#pragma once

#include <cstdint>
#include <filesystem>
#include <functional>
#include <optional>
#include <string>

#include <flame/result.hpp>

#include "host/src/plugins/store/store_files.hpp"
#include "plugin_sdk/manifest/manifest.hpp"

namespace flame::store {

/// What a signature binds together, and the signature.
struct SignedBuild {
  std::string name;
  std::string version;
  std::string digest;                    ///< 64 lower-case hex digits, of the bytes that were copied
  std::optional<std::string> signature;  ///< contents of FILE.sig, else what is kept for that digest; nullopt: neither
};

/// Whether a plugin may be installed; its error is install()'s. Called once for each, on the caller's thread, without
/// any lock.
using Verifier = std::function<Result<void>(const SignedBuild&)>;

struct InstallOptions {
  std::int64_t now = 0;         ///< seconds since 1970, UTC
  bool force = false;           ///< other bytes of a version that is there replace it
  std::string expected_digest;  ///< empty: any
  Verifier verify;              ///< none: all may be installed
};

struct Incoming {
  StagedFile file;
  std::string digest;
  manifest::Manifest manifest;
  std::optional<std::string> signature;  ///< contents of FILE.sig
};

/// Makes the store if there is none; holds its lock only to begin. The source: a regular file, no link, of root or this
/// user, that only its owner may write to; with FILE.sig beside it, of at most limits::kSignatureBytesMax, or without.
/// Errors: not_found; too_large; incompatible (ABI, machine, sanitizer); invalid_argument (the rules above, no plugin,
/// not the expected digest, libraries that it finds through $ORIGIN); disk_error()'s; the verifier's. [any thread]
[[nodiscard]] Result<Incoming> take_in(const StoreFiles& files, const std::filesystem::path& source,
                                       const InstallOptions& options);

/// Whether the store's file of that digest is there and has those bytes: reads all of it.
[[nodiscard]] bool is_intact(const StoreFiles& files, const std::string& digest);

}  // namespace flame::store
