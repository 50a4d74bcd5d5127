// Loads a plugin through Boost.DLL, for good: the handle is never closed.
#include "runner/zygote/loader.hpp"

#include <sys/statvfs.h>

#include <boost/dll/shared_library.hpp>
#include <exception>
#include <filesystem>
#include <string>
#include <string_view>

namespace flame::slot {
namespace {

Loaded failed(ErrorCode code, std::string message) {
  Loaded loaded;
  loaded.error.code = code;
  loaded.error.message = std::move(message);
  return loaded;
}

// The loader's own words leave out what to do.
std::string remedy_for(const std::string& path, std::string_view words) {
  const auto says = [&](std::string_view text) { return words.find(text) != std::string_view::npos; };
  struct statvfs system {};
  if (::statvfs(path.c_str(), &system) == 0 && (system.f_flag & ST_NOEXEC) != 0) {
    return ". Its file system is mounted noexec: put plugins elsewhere (for a local runner, set the host's "
           "XDG_RUNTIME_DIR to a private directory without noexec)";
  }
  if (says("static TLS block")) {
    return ". A library that the plugin needs wants more static thread-local storage than is left once a program runs: "
           "set GLIBC_TUNABLES=glibc.rtld.optional_static_tls=65536 in the runner's environment, or LD_PRELOAD that "
           "library there";
  }
  if (!says("cannot open shared object file")) return {};
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
    const std::string_view words = error.what();
    return failed(ErrorCode::invalid_argument,
                  "cannot load " + expected.path + ": " + std::string(words) + remedy_for(expected.path, words));
  }
}

}  // namespace flame::slot
