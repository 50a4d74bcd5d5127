// Cgroups are directories; what is done to them is done by writing to files in them.
#include "plugin_sdk/base/cgroup.hpp"

#include <fcntl.h>
#include <linux/sched.h>
#include <poll.h>
#include <signal.h>
#include <sys/prctl.h>
#include <sys/single_threaded.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <unistd.h>

#include <cerrno>
#include <charconv>
#include <cstdint>
#include <filesystem>
#include <optional>
#include <vector>

#include "plugin_sdk/base/file.hpp"
#include "plugin_sdk/base/unique_fd.hpp"

namespace flame::base {
namespace {

constexpr std::string_view kName = "flame-runner-";
constexpr std::size_t kProcFileMax = 4 * 1024 * 1024;
constexpr int kLookMs = 5;

// The next line of `rest`, without its end.
std::string_view take_line(std::string_view& rest) {
  const std::string_view line = rest.substr(0, rest.find('\n'));
  rest.remove_prefix(line.size() < rest.size() ? line.size() + 1 : rest.size());
  return line;
}

std::vector<std::string_view> words_of(std::string_view line) {
  std::vector<std::string_view> words;
  while (!line.empty()) {
    const std::string_view word = line.substr(0, line.find(' '));
    words.push_back(word);
    line.remove_prefix(word.size() < line.size() ? word.size() + 1 : line.size());
  }
  return words;
}

std::optional<std::string_view> own_cgroup(std::string_view text) {
  while (!text.empty()) {
    const std::string_view line = take_line(text);
    if (line.starts_with("0::/")) return line.substr(3);
  }
  return std::nullopt;
}

struct Mount {
  std::string_view root;  // the cgroup that is mounted there
  std::string_view at;
};

// A line is: id parent device root mount-point options [tags …] - type source options.
std::optional<Mount> cgroup_mount(std::string_view text) {
  while (!text.empty()) {
    const std::string_view line = take_line(text);
    if (line.find(" - cgroup2 ") == std::string_view::npos) continue;
    const auto words = words_of(line);
    if (words.size() > 4) return Mount{words[3], words[4]};
  }
  return std::nullopt;
}

// Of the calling process, without a slash at its end; empty if it is not known.
std::string own_directory(std::string_view cgroup, std::string_view mountinfo) {
  const auto mount = cgroup_mount(mountinfo);
  auto own = own_cgroup(cgroup);
  if (!mount || !own) return {};
  if (mount->root != "/") {
    if (!own->starts_with(mount->root)) return {};
    own->remove_prefix(mount->root.size());
  }
  if (own->find("/..") != std::string_view::npos) return {};  // outside of what this container sees
  std::string path = std::string(mount->at) + std::string(*own);
  if (path.back() == '/') path.pop_back();
  return path;
}

std::string own_directory() {
  const auto cgroup = read_file("/proc/self/cgroup", kProcFileMax);
  const auto mountinfo = read_file("/proc/self/mountinfo", kProcFileMax);
  return cgroup && mountinfo ? own_directory(*cgroup, *mountinfo) : std::string();
}

std::string name_of(pid_t pid) {
  return std::string(kName) + std::to_string(pid);
}

bool write_to(const std::string& path, std::string_view text) {
  const UniqueFd fd(::open(path.c_str(), O_WRONLY | O_CLOEXEC));
  return fd && ::write(fd.get(), text.data(), text.size()) == static_cast<ssize_t>(text.size());
}

// Its children will be there, too.
bool join_cgroup(const std::string& path) {
  return write_to(path + "/cgroup.procs", "0");
}

#if defined(__SANITIZE_ADDRESS__) || defined(__SANITIZE_THREAD__)
constexpr bool kForkIsKnown = false;  // a sanitizer must hear of it
#else
constexpr bool kForkIsKnown = true;
#endif

// To move a process takes the kernel 10 ms and more (it waits until no processor is in the middle of a fork), to be
// born there nothing. -1: not by this way.
pid_t born_in_cgroup(const std::string& path) {
  const UniqueFd directory(::open(path.c_str(), O_PATH | O_DIRECTORY | O_CLOEXEC));
  int* thread_id = nullptr;  // where the C library keeps it: a child has another
  if (!kForkIsKnown || __libc_single_threaded == 0 || !directory || ::prctl(PR_GET_TID_ADDRESS, &thread_id) != 0 ||
      thread_id == nullptr)
    return -1;
  clone_args child{};
  child.flags = CLONE_INTO_CGROUP | CLONE_CHILD_SETTID | CLONE_CHILD_CLEARTID;
  child.child_tid = reinterpret_cast<std::uintptr_t>(thread_id);
  child.exit_signal = SIGCHLD;
  child.cgroup = static_cast<std::uint64_t>(directory.get());
  return static_cast<pid_t>(::syscall(SYS_clone3, &child, sizeof child));
}

// With those of runners that ran inside; false while a process is left in one.
bool remove_cgroups(const std::filesystem::path& path) {
  std::error_code ignored;
  for (const auto& entry : std::filesystem::directory_iterator(path, ignored)) {
    if (entry.path().filename().string().starts_with(kName)) remove_cgroups(entry.path());
  }
  return ::rmdir(path.c_str()) == 0 || errno == ENOENT;
}

}  // namespace

std::string runner_cgroup(std::string_view cgroup, std::string_view mountinfo, pid_t pid) {
  const std::string own = own_directory(cgroup, mountinfo);
  return own.empty() ? own : own + "/" + name_of(pid);
}

std::string runner_cgroup(pid_t pid) {
  const std::string own = own_directory();
  return own.empty() ? own : own + "/" + name_of(pid);
}

void abandon_cgroup(pid_t pid) {
  const std::filesystem::path own = own_directory();
  if (own.filename() != name_of(pid) || !join_cgroup(own.parent_path().string())) return;
  end_cgroup(own.string());
}

bool make_cgroup(const std::string& path) {
  if (path.empty()) return false;
  if (::mkdir(path.c_str(), 0755) != 0) return false;
  if (::access((path + "/cgroup.kill").c_str(), W_OK) == 0) return true;
  ::rmdir(path.c_str());
  return false;
}

pid_t fork_into_cgroup(const std::string& path) {
  if (const pid_t child = born_in_cgroup(path); child >= 0) return child;
  const pid_t child = ::fork();
  if (child == 0) join_cgroup(path);
  return child;
}

// It may be another container's process that cannot be seen from here, so nothing is killed.
void remove_abandoned_cgroups(const std::string& own) {
  std::error_code ignored;
  std::vector<std::filesystem::path> abandoned;
  for (const auto& entry : std::filesystem::directory_iterator(std::filesystem::path(own).parent_path(), ignored)) {
    const std::string name = entry.path().filename().string();
    if (!name.starts_with(kName)) continue;
    pid_t pid = 0;
    std::from_chars(name.data() + kName.size(), name.data() + name.size(), pid);
    if (pid > 0 && ::kill(pid, 0) != 0 && errno == ESRCH) abandoned.push_back(entry.path());
  }
  for (const auto& path : abandoned) remove_cgroups(path);
}

bool end_cgroup(const std::string& path, std::chrono::milliseconds patience) {
  if (path.empty() || ::access(path.c_str(), F_OK) != 0) return true;
  write_to(path + "/cgroup.kill", "1");
  const auto end = std::chrono::steady_clock::now() + patience;
  // The directory can go when the last process is reaped.
  while (!remove_cgroups(path)) {
    if (errno != EBUSY || std::chrono::steady_clock::now() >= end) return false;
    ::poll(nullptr, 0, kLookMs);
  }
  return true;
}

}  // namespace flame::base
