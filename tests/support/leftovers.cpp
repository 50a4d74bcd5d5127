// Implements LeftoversTest by reading /proc.
#include "tests/support/leftovers.hpp"

#include <signal.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <unistd.h>

#include <algorithm>
#include <cstdlib>
#include <filesystem>
#include <sstream>

#include "plugin_sdk/base/file.hpp"
#include "tests/support/eventually.hpp"

namespace flame::test {
namespace fs = std::filesystem;

namespace {

constexpr const char* kRedirected[] = {"TMPDIR", "XDG_RUNTIME_DIR", "XDG_DATA_HOME"};

// Empty when the process is gone; it may go at any moment, also while it is read.
std::string proc_file(pid_t pid, const std::string& name) {
  constexpr std::size_t kMax = 1 << 20;
  const auto contents = base::read_file("/proc/" + std::to_string(pid) + "/" + name, kMax);
  return contents ? *contents : std::string();
}

// Fields 3 and 4 of /proc/pid/stat follow the last ')' of the command name.
std::pair<char, pid_t> state_and_parent(pid_t pid) {
  const std::string stat = proc_file(pid, "stat");
  const auto name_end = stat.rfind(')');
  if (name_end == std::string::npos) return {'?', 0};
  std::istringstream rest(stat.substr(name_end + 1));
  char state = '?';
  pid_t parent = 0;
  rest >> state >> parent;
  return {state, parent};
}

std::map<pid_t, pid_t> parents() {
  std::map<pid_t, pid_t> result;
  std::error_code ignored;
  for (const auto& entry : fs::directory_iterator("/proc", ignored)) {
    const std::string name = entry.path().filename();
    if (name.find_first_not_of("0123456789") != std::string::npos) continue;
    const pid_t pid = std::stoi(name);
    result[pid] = state_and_parent(pid).second;
  }
  return result;
}

// Orphans that were re-parented to us are ours to reap; a test's own children are not (it may still want their status).
void reap_dead(const std::set<pid_t>& pids) {
  for (pid_t pid : pids) {
    const auto [state, parent] = state_and_parent(pid);
    if (state == 'Z' && parent == getpid()) waitpid(pid, nullptr, WNOHANG);
  }
}

template <typename Set>
Set without(Set from, const Set& these) {
  for (const auto& item : these) from.erase(item);
  return from;
}

}  // namespace

std::set<pid_t> descendants(pid_t root) {
  const auto parent_of = parents();
  std::set<pid_t> found;
  for (bool grew = true; grew;) {
    grew = false;
    for (const auto& [pid, parent] : parent_of) {
      if ((parent == root || found.count(parent) > 0) && found.insert(pid).second) grew = true;
    }
  }
  return found;
}

std::map<int, std::string> open_descriptors(pid_t pid) {
  std::map<int, std::string> result;
  std::error_code gone;
  for (const auto& entry : fs::directory_iterator("/proc/" + std::to_string(pid) + "/fd", gone)) {
    const auto target = fs::read_symlink(entry.path(), gone);
    // The iterator's own descriptor.
    if (gone || target.string().ends_with("/fd")) continue;
    result[std::stoi(entry.path().filename())] = target;
  }
  return result;
}

std::vector<std::string> entries_of(const std::string& directory) {
  std::vector<std::string> result;
  std::error_code gone;
  for (const auto& entry : fs::recursive_directory_iterator(directory, gone)) {
    result.push_back(fs::relative(entry.path(), directory, gone));
  }
  return result;
}

std::string command_of(pid_t pid) {
  std::string line = proc_file(pid, "cmdline");
  for (char& c : line) {
    if (c == '\0') c = ' ';
  }
  return line;
}

void LeftoversTest::SetUp() {
  int subreaper = 0;
  prctl(PR_GET_CHILD_SUBREAPER, &subreaper);
  was_subreaper_ = subreaper != 0;
  prctl(PR_SET_CHILD_SUBREAPER, 1);
  directory_ = std::make_unique<TempDir>();
  for (const char* name : kRedirected) {
    if (const char* old = std::getenv(name)) environment_before_[name] = old;
    setenv(name, directory().c_str(), 1);
  }
  processes_before_ = descendants(getpid());
  descriptors_before_ = open_descriptors(getpid());
}

void LeftoversTest::TearDown() {
  accept_symbolizer();
  check_processes();
  check_descriptors();
  check_files();
  for (const char* name : kRedirected) {
    const auto old = environment_before_.find(name);
    old == environment_before_.end() ? unsetenv(name) : setenv(name, old->second.c_str(), 1);
  }
  directory_.reset();
  prctl(PR_SET_CHILD_SUBREAPER, was_subreaper_ ? 1 : 0);
}

void LeftoversTest::accept_symbolizer() {
  for (pid_t pid : without(descendants(getpid()), processes_before_)) {
    if (command_of(pid).find("llvm-symbolizer") == std::string::npos) continue;
    processes_before_.insert(pid);
    const auto theirs = open_descriptors(pid);
    for (const auto& [fd, target] : open_descriptors(getpid())) {
      const bool shared = std::ranges::any_of(theirs, [&](const auto& one) { return one.second == target; });
      if (shared && target.starts_with("pipe:")) descriptors_before_[fd] = target;
    }
  }
}

void LeftoversTest::check_processes() {
  std::set<pid_t> left;
  const bool gone = eventually(
      [&] {
        left = without(descendants(getpid()), processes_before_);
        reap_dead(left);
        left = without(descendants(getpid()), processes_before_);
        return left.empty();
      },
      patience_);
  if (gone) return;
  for (pid_t pid : left) {
    ADD_FAILURE() << "the test left process " << pid << " behind: " << command_of(pid);
    kill(pid, SIGKILL);
  }
  EXPECT_TRUE(eventually([&] {
    reap_dead(left);
    return without(descendants(getpid()), processes_before_).empty();
  })) << "and it does not die";
}

void LeftoversTest::check_descriptors() {
  if (descriptors_may_stay_) return;
  std::map<int, std::string> left;
  const bool gone = eventually(
      [&] {
        left = open_descriptors(getpid());
        for (const auto& [fd, target] : descriptors_before_) left.erase(fd);
        return left.empty();
      },
      patience_);
  if (gone) return;
  for (const auto& [fd, target] : left) ADD_FAILURE() << "the test left descriptor " << fd << " open: " << target;
}

void LeftoversTest::check_files() {
  std::vector<std::string> left;
  const bool gone = eventually(
      [&] {
        left = entries_of(directory());
        // A process that is killed in its first moment leaves this file of ThreadSanitizer's own.
        std::erase_if(left, [](const std::string& path) { return path.starts_with("tsan.rodata."); });
        return left.empty();
      },
      patience_);
  if (gone) return;
  for (const auto& path : left) ADD_FAILURE() << "the test left a file behind: " << path;
}

}  // namespace flame::test
