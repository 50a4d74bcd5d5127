// Reads and writes the files of keys and signatures.
#include "host/src/plugins/key_file.hpp"

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cerrno>
#include <cstring>
#include <filesystem>
#include <string_view>
#include <system_error>
#include <utility>

#include <flame/config.hpp>

#include "plugin_sdk/base/file.hpp"
#include "plugin_sdk/base/make_error.hpp"
#include "plugin_sdk/base/unique_fd.hpp"

namespace flame::pool {

namespace {

// One byte more than there may be, to see that there is more.
using FileText = Wiped<char, limits::kKeyTextMax + 1>;

struct Contents {
  FileText text;
  std::size_t size = 0;
  mode_t mode = 0;
  [[nodiscard]] std::string_view view() const { return {text.data(), size}; }
};

Error bad(const std::string& path, const std::string& what) {
  return base::make_error(ErrorCode::invalid_argument, "\"" + path + "\" " + what);
}

Error failed(const std::string& action, const std::string& path, int error) {
  std::string message = "cannot " + action + " \"" + path + "\": " + std::generic_category().message(error);
  if (error == EEXIST) message += ". Keys are never overwritten: name another file, or move this one away";
  if (error == ENOENT && action == "create") message += ". Make its directory first";
  if (error == ENOENT && action != "create")
    message += ". Name a file that is there, or make one with `flame plugin keygen`";
  if (error == EACCES) message += ". Run as the user who owns it, or give this one the right to it";
  return base::make_error(error == ENOENT ? ErrorCode::not_found : ErrorCode::invalid_argument, std::move(message));
}

std::string octal(mode_t mode) {
  const auto digit = [mode](unsigned shift) { return static_cast<char>('0' + (mode >> shift & 7U)); };
  return {'0', digit(6), digit(3), digit(0)};
}

Result<Contents> read_small_file(const std::string& path) {
  const base::UniqueFd fd(::open(path.c_str(), O_RDONLY | O_CLOEXEC | O_NONBLOCK));  // a pipe would block
  if (!fd) return failed("open", path, errno);
  struct stat info {};
  if (::fstat(fd.get(), &info) != 0) return failed("read", path, errno);
  if (!S_ISREG(info.st_mode)) return bad(path, "is no file; name the file itself");
  Contents contents;
  contents.mode = info.st_mode & 07777;
  while (contents.size < FileText::size()) {
    const ssize_t n = ::read(fd.get(), contents.text.data() + contents.size, FileText::size() - contents.size);
    if (n < 0 && errno == EINTR) continue;
    if (n < 0) return failed("read", path, errno);
    if (n == 0) break;
    contents.size += static_cast<std::size_t>(n);
  }
  return contents;
}

// A new file with exactly this mode, whatever the umask is, on disk when this returns; else no file.
Result<void> create(const std::string& path, std::string_view text, mode_t mode) {
  const base::UniqueFd fd(::open(path.c_str(), O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC | O_NOFOLLOW, mode));
  if (!fd) return failed("create", path, errno);
  int problem = ::fchmod(fd.get(), mode) == 0 ? 0 : errno;
  if (problem == 0) problem = base::write_all(fd.get(), std::as_bytes(std::span(text.data(), text.size())));
  if (problem == 0 && ::fsync(fd.get()) != 0) problem = errno;
  if (problem == 0) return {};
  ::unlink(path.c_str());
  return failed("write", path, problem);
}

// So that the name is on disk, too.
Result<void> sync_directory_of(const std::string& path) {
  const std::string parent = std::filesystem::path(path).parent_path().string();
  const std::string directory = parent.empty() ? "." : parent;
  const base::UniqueFd fd(::open(directory.c_str(), O_RDONLY | O_DIRECTORY | O_CLOEXEC));
  if (!fd || ::fsync(fd.get()) != 0) return failed("write", directory, errno);
  return {};
}

}  // namespace

Result<PublicKey> make_key_files(const std::string& path) {
  Result<SecretKey> key = SecretKey::make();
  if (!key) return key.error();
  const SecretKey::Text secret = key->text();
  PublicKey shown = key->public_key();
  const std::string public_path = path + ".pub";
  if (auto made = create(path, {secret.data(), ::strnlen(secret.data(), secret.size())}, 0600); !made)
    return made.error();
  auto made = create(public_path, shown.text() + "\n", 0644);
  if (!made) {
    ::unlink(path.c_str());
    return made.error();
  }
  if (auto kept = sync_directory_of(path); !kept) {
    ::unlink(path.c_str());
    ::unlink(public_path.c_str());
    return kept.error();
  }
  return shown;
}

Result<SecretKey> read_secret_key(const std::string& path) {
  const auto contents = read_small_file(path);
  if (!contents) return contents.error();
  const bool is_public = contents->view().starts_with(kPublicKeyPrefix);  // read by others as it should be
  if (!is_public && (contents->mode & 0077) != 0)
    return bad(path, "has mode " + octal(contents->mode) +
                         ", so others than its owner may use the key: chmod 600 it. If somebody may have read it, make "
                         "a new key and take this one's public key from every trusted_keys");
  auto key = SecretKey::parse(contents->view());
  if (!key) return bad(path, key.error().message);
  return key;
}

Result<PublicKey> read_public_key(const std::string& path) {
  const auto contents = read_small_file(path);
  if (!contents) return contents.error();
  if ((contents->mode & S_IWOTH) != 0)
    return bad(path, "has mode " + octal(contents->mode) + ", so anybody could put a key there: chmod o-w it");
  auto key = PublicKey::parse(contents->view());
  if (!key) return bad(path, key.error().message);
  return key;
}

Result<PublicKey> trusted_key(const std::string& text_or_path) {
  if (!text_or_path.starts_with(kPublicKeyPrefix)) return read_public_key(text_or_path);
  auto key = PublicKey::parse(text_or_path);
  if (!key) return base::make_error(key.error().code, "the entry " + key.error().message);
  return key;
}

Result<std::optional<std::string>> read_signature(const std::string& path) {
  const auto contents = read_small_file(path);
  if (contents) return std::optional(std::string(contents->view()));
  if (contents.error().code == ErrorCode::not_found) return std::optional<std::string>();
  return contents.error();
}

std::string signature_file_of(const std::string& plugin) {
  return plugin + ".sig";
}

Result<void> write_signature(const std::string& path, const std::string& signature) {
  return base::write_file_atomically(path, signature);
}

}  // namespace flame::pool
