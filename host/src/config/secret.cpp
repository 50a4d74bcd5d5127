// Secret and Location: where configured values come from, named without showing them.
#include <fcntl.h>
#include <sys/stat.h>

#include <cerrno>
#include <cstdlib>
#include <cstring>
#include <utility>

#include <flame/config.hpp>

#include "plugin_sdk/base/file.hpp"
#include "plugin_sdk/base/make_error.hpp"
#include "plugin_sdk/base/unique_fd.hpp"

namespace flame {

namespace {

constexpr std::size_t kSecretMax = 64 * 1024;

Error unavailable(std::string message) {
  return base::make_error(ErrorCode::invalid_argument, std::move(message));
}

// What is no regular file may block whoever opens it, or can be read once only; a secret is read at each boot.
Result<std::string> read_secret(const std::string& path) {
  const base::UniqueFd fd(::open(path.c_str(), O_RDONLY | O_CLOEXEC | O_NONBLOCK));
  if (!fd) return unavailable("secret: cannot open \"" + path + "\": " + std::strerror(errno));
  struct ::stat status {};
  if (::fstat(fd.get(), &status) != 0)
    return unavailable("secret: cannot read \"" + path + "\": " + std::strerror(errno));
  if (!S_ISREG(status.st_mode))
    return unavailable("secret: \"" + path +
                       "\" is no regular file, and would be read at each boot; write it into one");
  auto contents = base::read_all(fd.get(), kSecretMax, path);
  if (!contents) return unavailable("secret: " + contents.error().message);
  return contents;
}

}  // namespace

std::string Location::to_string() const {
  if (file.empty()) return {};
  if (line == 0) return file;
  return file + ":" + std::to_string(line) + ":" + std::to_string(column);
}

Secret Secret::from_env(std::string variable) {
  return {Source::env, std::move(variable)};
}
Secret Secret::from_file(std::string path) {
  return {Source::file, std::move(path)};
}
Secret Secret::literal(std::string value) {
  return {Source::literal, std::move(value)};
}

Result<std::string> Secret::reveal() const {
  std::string value;
  if (source_ == Source::literal) value = text_;
  if (source_ == Source::env) {
    const char* set = std::getenv(text_.c_str());
    if (!set) return unavailable(describe() + " is not set; set it, or name another source for the secret");
    value = set;
  }
  if (source_ == Source::file) {
    auto contents = read_secret(text_);
    if (!contents) return contents;
    value = std::move(*contents);
    if (value.ends_with('\n')) value.pop_back();
    if (value.ends_with('\r')) value.pop_back();
  }
  if (value.empty()) return unavailable(describe() + " is empty");
  return value;
}

std::string Secret::describe() const {
  switch (source_) {
    case Source::env:
      return "environment variable " + text_;
    case Source::file:
      return "file " + text_;
    case Source::literal:
      break;
  }
  return "a secret given in C++";
}

}  // namespace flame
