// Loads a plugin through Boost.DLL, for good: the handle is never closed.
#include "runner/zygote/loader.hpp"

#include <sys/statvfs.h>

#include <boost/dll/shared_library.hpp>
#include <exception>
#include <filesystem>

namespace flame::slot {
namespace {

Loaded failed(ErrorCode code, std::string message) {
  Loaded loaded;
  loaded.error.code = code;
  loaded.error.message = std::move(message);
  return loaded;
}

// The loader's own words leave out what to do.
std::string remedy_for(const std::string& path, const std::string& words) {
  struct statvfs system {};
  if (::statvfs(path.c_str(), &system) == 0 && (system.f_flag & ST_NOEXEC) != 0) {
    return ". Its file system is mounted noexec: put plugins elsewhere (for a local runner, set the host's "
           "XDG_RUNTIME_DIR to a private directory without noexec)";
  }
  if (words.find("cannot open shared object file") == std::string::npos) return {};
  return ". If LD_LIBRARY_PATH leads to it: a local runner does not inherit that; name it in the configuration, "
         "[backends.local] env = { LD_LIBRARY_PATH = \"…\" }, or give the plugin a search path (INSTALL_RPATH)";
}

}  // namespace

Loaded load(const Expected& expected) {
  const std::filesystem::path path = expected.path;
  std::error_code ignored;
  if (!path.is_absolute() || !std::filesystem::is_regular_file(path, ignored)) {
    return failed(ErrorCode::not_found, "there is no plugin file " + expected.path);
  }
  namespace dll = boost::dll;
  try {
    // Leaked on purpose: unloading code that may still be referenced is never safe.
    auto* library = new dll::shared_library(path, dll::load_mode::rtld_now | dll::load_mode::rtld_local);
    if (!library->has(FLAME_ENTRY_SYMBOL)) {
      return failed(ErrorCode::incompatible, expected.path + " has no " FLAME_ENTRY_SYMBOL
                                                             ": it is no plugin of this ABI; rebuild it with this SDK");
    }
    const flame_plugin* plugin = library->get<const flame_plugin*(std::uint32_t)>(FLAME_ENTRY_SYMBOL)(FLAME_ABI_MINOR);
    if (std::string wrong = check_table(plugin, expected); !wrong.empty()) {
      return failed(ErrorCode::incompatible, expected.path + ": " + wrong + "; rebuild the plugin with this SDK");
    }
    return {plugin, {}};
  } catch (const std::exception& error) {
    // what() has dlerror()'s text; the error code of Boost.DLL says nothing.
    return failed(ErrorCode::invalid_argument,
                  "cannot load " + expected.path + ": " + error.what() + remedy_for(expected.path, error.what()));
  }
}

}  // namespace flame::slot
