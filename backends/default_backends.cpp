// The backends that come with FLAME, by the name that a configuration uses.
#include <exception>
#include <memory>
#include <utility>

#include <flame/backend.hpp>

#include "backends/local/local_backend.hpp"

namespace flame {
namespace {

using MadeBackend = Result<std::unique_ptr<Backend>>;

MadeBackend make_local(const BackendOptions& options, const BackendEnvironment& environment) {
  auto parsed = backends::parse_local_options(options);
  if (!parsed) return std::move(parsed).error();
  try {
    return std::unique_ptr<Backend>(std::make_unique<backends::LocalBackend>(std::move(*parsed), environment.log));
  } catch (const std::exception& error) {
    return Error{.code = ErrorCode::boot_failed,
                 .message = std::string("the local backend cannot start: ") + error.what() + "."};
  }
}

}  // namespace

std::map<std::string, BackendFactory> default_backends() {
  return {{"local", make_local}};
}

}  // namespace flame
