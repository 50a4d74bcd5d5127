// See store_errors.hpp.
#include "host/src/plugins/store/store_errors.hpp"

#include <cerrno>
#include <system_error>

#include "plugin_sdk/base/limits.hpp"
#include "plugin_sdk/base/make_error.hpp"

namespace flame::store {
namespace {

std::string_view remedy_of(int error) {
  switch (error) {
    case ENOSPC:
    case EDQUOT:
      return "free space there, remove versions that nothing uses (flame plugin gc), or name another directory by "
             "[plugins] store";
    case EROFS:
      return "name a directory that can be written to by [plugins] store or --store";
    case EACCES:
    case EPERM:
      return "run this as the user whom the store belongs to, or name a directory of your own by [plugins] store or "
             "--store";
    case ENOTDIR:
      return "a file stands where the store needs a directory: move it away, or name another directory by [plugins] "
             "store or --store";
    default:
      return "name another directory by [plugins] store or --store if this one cannot be repaired";
  }
}

}  // namespace

Error disk_error(std::string_view action, const std::string& path, int error) {
  return base::make_error(ErrorCode::invalid_argument, "cannot " + std::string(action) + " \"" + path +
                                                           "\": " + std::generic_category().message(error) + "; " +
                                                           std::string(remedy_of(error)));
}

Error file_error(const std::string& path, const Error& problem, std::string_view remedy) {
  if (problem.code != ErrorCode::invalid_argument) {
    return base::make_error(problem.code, "the store's file \"" + path + "\" " + problem.message);
  }
  return base::make_error(problem.code,
                          "the store's file \"" + path + "\" " + problem.message + "; " + std::string(remedy));
}

Error no_plugin_name(std::string_view text) {
  return base::make_error(ErrorCode::invalid_argument,
                          "\"" + std::string(text.substr(0, limits::kNameMax)) + "\" is no name of a plugin");
}

Error no_digest(std::string_view text) {
  return base::make_error(ErrorCode::invalid_argument, "\"" + std::string(text.substr(0, limits::kNameMax)) +
                                                           "\" is no digest: 64 hex digits, 0-9 and a-f");
}

}  // namespace flame::store
