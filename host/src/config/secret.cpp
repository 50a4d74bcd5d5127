// Secret and Location: where configured values come from, named without showing them.
#include <cstdlib>
#include <utility>

#include <flame/config.hpp>

#include "plugin_sdk/base/file.hpp"
#include "plugin_sdk/base/make_error.hpp"

namespace flame {

namespace {

constexpr std::size_t kSecretMax = 64 * 1024;

Error unavailable(std::string message) {
  return base::make_error(ErrorCode::invalid_argument, std::move(message));
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
    auto contents = base::read_file(text_, kSecretMax);
    if (!contents) return unavailable("secret: " + contents.error().message);
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
