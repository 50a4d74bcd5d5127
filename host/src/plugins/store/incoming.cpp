// See incoming.hpp.
#include "host/src/plugins/store/incoming.hpp"

#include <fcntl.h>

#include <cerrno>
#include <memory>
#include <span>
#include <system_error>
#include <utility>

#include "host/src/plugins/origin_libraries.hpp"
#include "host/src/plugins/store/store_errors.hpp"
#include "plugin_sdk/base/digest.hpp"
#include "plugin_sdk/base/limits.hpp"
#include "plugin_sdk/base/make_error.hpp"

namespace flame::store {
namespace {

constexpr int kSourceFlags = O_RDONLY | O_NOFOLLOW | O_NONBLOCK;
constexpr mode_t kOthersWrite = S_IWGRP | S_IWOTH;
constexpr std::size_t kPiece = 256 * limits::KiB;

Error not_installed(const std::string& file, const std::string& why, ErrorCode code = ErrorCode::invalid_argument) {
  return base::make_error(code, "cannot install \"" + file + "\": " + why);
}

std::string words_of(int error) {
  return std::generic_category().message(error);
}

Error too_large(const std::string& file) {
  return not_installed(file, "it is larger than 1 GiB", ErrorCode::too_large);
}

// Whoever can write to the file decides what code runs here.
std::optional<Error> find_fault(const std::string& file, const struct stat& info, uid_t user) {
  if (!S_ISREG(info.st_mode)) return not_installed(file, "it is no regular file");
  if (info.st_uid != 0 && info.st_uid != user) {
    return not_installed(file, "it belongs to another user (uid " + std::to_string(info.st_uid) +
                                   "), who can change it; copy it, and install the copy");
  }
  if ((info.st_mode & kOthersWrite) != 0) {
    return not_installed(
        file,
        "others than its owner can write to it; make sure that it is what you mean, then: chmod go-w \"" + file + "\"");
  }
  if (static_cast<std::uint64_t>(info.st_size) > limits::kPluginBytesMax) return too_large(file);
  return std::nullopt;
}

Result<base::UniqueFd> open_source(FileSystem& system, const std::string& file) {
  Opened source = system.open(file, kSourceFlags, 0);
  if (source.error == ENOENT) return not_installed(file, "there is no such file", ErrorCode::not_found);
  if (source.error == ELOOP) return not_installed(file, "it is a symbolic link; name the file that it leads to");
  struct stat info {};
  if (source.error == 0) source.error = system.status(source.fd.get(), info);
  if (source.error != 0) return not_installed(file, words_of(source.error));
  if (auto problem = find_fault(file, info, system.user())) return *problem;
  return std::move(source.fd);
}

/// Reads a file to its end; what is read may be written to another.
class Hashing {
 public:
  explicit Hashing(FileSystem& system)
      : system_(system), buffer_(std::make_unique_for_overwrite<std::byte[]>(kPiece)) {}

  // nullopt: at the end.
  Result<std::optional<std::span<const std::byte>>> next(int from, const std::string& name) {
    using Piece = std::optional<std::span<const std::byte>>;
    const Got got = system_.read(from, {buffer_.get(), kPiece});
    if (got.error != 0) return not_installed(name, words_of(got.error));
    if (got.bytes == 0) return Piece();
    total_ += got.bytes;
    if (total_ > limits::kPluginBytesMax) return too_large(name);  // it grows
    const std::span<const std::byte> bytes(buffer_.get(), got.bytes);
    hash_.update(bytes);
    return Piece(bytes);
  }
  std::string digest() { return hash_.finish().hex(); }

 private:
  FileSystem& system_;
  std::unique_ptr<std::byte[]> buffer_;
  base::Sha256 hash_;
  std::uint64_t total_ = 0;
};

Result<std::string> copy(FileSystem& system, int from, const std::string& name, const StagedFile& to) {
  Hashing hashing(system);
  for (;;) {
    const auto piece = hashing.next(from, name);
    if (!piece) return piece.error();
    if (!*piece) return hashing.digest();
    if (const int error = system.write(to.fd(), **piece)) return disk_error("write to", to.path(), error);
  }
}

Result<std::optional<std::string>> signature_beside(const StoreFiles& files, const std::string& file) {
  auto signature = files.read(file + ".sig", limits::kSignatureBytesMax);
  if (signature && *signature && (*signature)->size() > limits::kSignatureBytesMax) {
    return not_installed(file, "\"" + file + ".sig\" is larger than 4 KiB, so it is no signature",
                         ErrorCode::too_large);
  }
  return signature;
}

// The digest names one file. Libraries beside it would be part of what runs, and neither digest nor signature would
// tell one set of them from another.
std::optional<Error> depends_on_neighbours(const std::string& file) {
  const auto libraries = pool::origin_libraries(file);
  if (libraries.empty()) return std::nullopt;
  return not_installed(file,
                       "it finds \"" + libraries.front().string() +
                           "\" beside itself ($ORIGIN in its search path), and the store keeps single files, named by "
                           "their digest; link that library statically, give its directory as an absolute path "
                           "(INSTALL_RPATH), or leave the plugin in a directory of [plugins] path");
}

Result<void> verify(const StoreFiles& files, const Incoming& incoming, const Verifier& verifier) {
  if (!verifier) return {};
  SignedBuild statement{incoming.manifest.name, incoming.manifest.version.to_string(), incoming.digest,
                        incoming.signature};
  if (!statement.signature) {
    auto kept = files.read(files.layout().signature(incoming.digest), limits::kSignatureBytesMax);
    if (!kept) return kept.error();
    statement.signature = std::move(*kept);
  }
  return verifier(statement);
}

Result<StagedFile> begin(const StoreFiles& files) {
  const auto lock = files.lock();
  if (!lock) return lock.error();
  return files.stage();
}

}  // namespace

Result<Incoming> take_in(const StoreFiles& files, const std::filesystem::path& source, const InstallOptions& options) {
  const std::string name = source.string();
  const auto from = open_source(files.system(), name);
  if (!from) return from.error();
  auto signature = signature_beside(files, name);
  if (!signature) return signature.error();
  if (auto problem = depends_on_neighbours(name)) return *problem;
  auto staged = begin(files);
  if (!staged) return staged.error();
  auto digest = copy(files.system(), from->get(), name, *staged);
  if (!digest) return digest.error();
  if (!options.expected_digest.empty() && *digest != options.expected_digest) {
    return not_installed(name,
                         "its digest is sha256:" + *digest + ", not the expected sha256:" + options.expected_digest);
  }
  auto manifest = manifest::read(staged->fd(), name);
  if (!manifest) return manifest.error();
  if (const auto problem = manifest::check_abi(*manifest)) return not_installed(name, problem->message, problem->code);
  Incoming incoming{std::move(*staged), std::move(*digest), std::move(*manifest), std::move(*signature)};
  if (auto verified = verify(files, incoming, options.verify); !verified) return verified.error();
  return incoming;
}

bool is_intact(const StoreFiles& files, const std::string& digest) {
  const std::string path = files.layout().object(digest);
  const Opened object = files.system().open(path, kSourceFlags, 0);
  if (object.error != 0) return false;
  Hashing hashing(files.system());
  for (;;) {
    const auto piece = hashing.next(object.fd.get(), path);
    if (!piece) return false;
    if (!*piece) return hashing.digest() == digest;
  }
}

}  // namespace flame::store
