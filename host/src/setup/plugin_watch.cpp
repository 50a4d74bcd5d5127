// See plugin_watch.hpp.
#include "host/src/setup/plugin_watch.hpp"

#include <fcntl.h>
#include <poll.h>
#include <pthread.h>
#include <sys/inotify.h>
#include <unistd.h>

#include <array>
#include <cerrno>
#include <exception>
#include <system_error>
#include <utility>

#include "plugin_sdk/base/digest.hpp"
#include "plugin_sdk/base/limits.hpp"
#include "plugin_sdk/base/make_error.hpp"
#include "plugin_sdk/base/signal_mask.hpp"
#include "plugin_sdk/manifest/manifest.hpp"

namespace flame::pool {

namespace {

namespace fs = std::filesystem;

Error no_watch(const std::string& what, int error) {
  return base::make_error(ErrorCode::boot_failed, "[plugins] watch: cannot watch " + what + ": " +
                                                      std::generic_category().message(error) +
                                                      ". Raise fs.inotify.max_user_watches and max_user_instances, or "
                                                      "set watch = false");
}

// "video@sha256:…". Error: why the file is no plugin that could be named.
Result<std::string> reference_of(const fs::path& file) {
  const auto manifest = manifest::read(file);
  if (!manifest) return manifest.error();
  const base::UniqueFd fd(::open(file.c_str(), O_RDONLY | O_CLOEXEC));
  if (!fd) return base::make_error(ErrorCode::not_found, "\"" + file.string() + "\" is gone");
  const auto digest = base::hash_fd(fd.get(), limits::kPluginBytesMax);
  if (!digest) return digest.error();
  return manifest->name + "@sha256:" + digest->hex();
}

}  // namespace

Result<std::unique_ptr<PluginWatch>> PluginWatch::open(const std::vector<std::string>& directories, Activate activate,
                                                       base::Logger log) {
  base::UniqueFd inotify(::inotify_init1(IN_NONBLOCK | IN_CLOEXEC));
  if (!inotify) return no_watch("[plugins] path", errno);
  std::map<int, fs::path> watched;
  for (const std::string& directory : directories) {
    const int watch = ::inotify_add_watch(inotify.get(), directory.c_str(), IN_CLOSE_WRITE | IN_MOVED_TO | IN_ONLYDIR);
    if (watch < 0 && errno != ENOENT) return no_watch("\"" + directory + "\"", errno);
    if (watch < 0) {
      log.warning("a directory of [plugins] path is not there, so it is not watched", {{"directory", directory}});
    } else {
      watched[watch] = directory;
    }
  }
  return std::unique_ptr<PluginWatch>(
      new PluginWatch(std::move(inotify), std::move(watched), std::move(activate), std::move(log)));
}

PluginWatch::PluginWatch(base::UniqueFd inotify, std::map<int, fs::path> directories, Activate activate,
                         base::Logger log)
    : inotify_(std::move(inotify)),
      directories_(std::move(directories)),
      activate_(std::move(activate)),
      log_(std::move(log)) {
  const base::SignalMaskScope blocked(base::all_but_faults());
  thread_ = std::thread([this] { run(); });
  pthread_setname_np(thread_.native_handle(), "flame-watch");
}

PluginWatch::~PluginWatch() {
  stop_.signal();
  thread_.join();
}

void PluginWatch::run() {
  std::array<pollfd, 2> fds{{{stop_.fd(), POLLIN, 0}, {inotify_.get(), POLLIN, 0}}};
  while (true) {
    if (::poll(fds.data(), fds.size(), -1) < 0 && errno != EINTR) return;
    if (fds[0].revents != 0) return;
    try {
      while (read_events()) continue;
    } catch (const std::exception& error) {
      log_.error("[plugins] watch has passed something over", {{"what", error.what()}});
    }
  }
}

// False: there are none for now.
bool PluginWatch::read_events() {
  alignas(inotify_event) std::array<char, 4096> buffer;
  const ssize_t size = ::read(inotify_.get(), buffer.data(), buffer.size());
  if (size <= 0) return false;
  for (ssize_t at = 0; at < size;) {
    const auto* event = reinterpret_cast<const inotify_event*>(buffer.data() + at);
    at += static_cast<ssize_t>(sizeof(inotify_event) + event->len);
    if ((event->mask & IN_Q_OVERFLOW) != 0)
      log_.warning("too much happened in a watched directory; activate by hand what was missed", {});
    const auto directory = directories_.find(event->wd);
    const fs::path name = event->len > 0 ? fs::path(event->name) : fs::path();
    if (directory != directories_.end() && name.extension() == ".so") appeared(directory->second / name);
  }
  return true;
}

void PluginWatch::appeared(const fs::path& file) {
  const auto reference = reference_of(file);
  if (!reference) {
    log_.warning("a file that appeared is not activated",
                 {{"file", file.string()}, {"why", reference.error().message}});
    return;
  }
  const auto done = activate_(*reference);
  if (done.has_value()) return;
  const Error& error = done.error();
  if (error.code == ErrorCode::shutting_down) return;
  log_.log(error.code == ErrorCode::not_found ? base::LogLevel::debug : base::LogLevel::warning,
           "a plugin that appeared is not activated", {{"file", file.string()}, {"why", error.message}});
}

}  // namespace flame::pool
