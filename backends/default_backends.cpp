// The backends that come with FLAME, by kind.
#include <memory>
#include <utility>

#include <flame/backend.hpp>

#include "backends/local/local_backend.hpp"

namespace flame {
namespace {

Result<std::unique_ptr<Backend>> make_local(const BackendOptions& options, const BackendEnvironment& environment) {
  auto parsed = backends::parse_local_options(options);
  if (!parsed) return std::move(parsed).error();
  return std::unique_ptr<Backend>(std::make_unique<backends::LocalBackend>(std::move(*parsed), environment.name));
}

}  // namespace

std::map<std::string, BackendFactory> default_backends() {
  return {{"local", make_local}};
}

}  // namespace flame
