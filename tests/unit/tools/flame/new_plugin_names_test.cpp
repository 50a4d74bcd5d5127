// Every name that `flame new plugin` takes gives a project that compiles: tried with all that this machine's headers
// declare and its compiler predefines.
#include <gtest/gtest.h>
#include <sys/wait.h>

#include <cctype>
#include <cstdlib>
#include <filesystem>
#include <set>
#include <sstream>
#include <string>
#include <utility>
#include <vector>

#include "plugin_sdk/base/file.hpp"
#include "plugin_sdk/base/spawn.hpp"
#include "tests/support/temp_dir.hpp"
#include "tools/flame/new_plugin.hpp"

namespace flame::cli {
namespace new_plugin_names_test {

// The C library's, as far as it is there.
constexpr const char* kHeaders =
    "aio arpa/inet assert complex cpio ctype dirent dlfcn endian err errno error fcntl features fenv fmtmsg fnmatch "
    "fts "
    "ftw getopt glob grp iconv ifaddrs inttypes langinfo libgen limits link locale malloc math memory mntent monetary "
    "mqueue net/if netdb netinet/in netinet/tcp nl_types paths poll printf pthread pty pwd regex resolv sched search "
    "semaphore setjmp shadow signal spawn stdarg stddef stdint stdio stdio_ext stdlib string strings sys/auxv "
    "sys/epoll "
    "sys/eventfd sys/file sys/inotify sys/ioctl sys/ipc sys/mman sys/mount sys/msg sys/param sys/personality sys/prctl "
    "sys/ptrace sys/queue sys/quota sys/random sys/reboot sys/resource sys/select sys/sem sys/sendfile sys/shm "
    "sys/signalfd sys/socket sys/stat sys/statfs sys/statvfs sys/swap sys/syscall sys/sysinfo sys/syslog sys/sysmacros "
    "sys/time sys/timerfd sys/times sys/timex sys/types sys/uio sys/un sys/utsname sys/wait sys/xattr syscall sysexits "
    "syslog tar termios tgmath threads time ucontext ulimit uchar unistd utime utmp utmpx wchar wctype wordexp";

class NewPluginNames : public testing::Test {
 protected:
  NewPluginNames() {
    std::istringstream words(kHeaders);
    for (std::string word; words >> word;) {
      headers_ += "#if __has_include(<" + word + ".h>)\n#include <" + word + ".h>\n#endif\n";
    }
  }

  /// What the compiler says; empty when it is content.
  std::string compile(std::vector<std::string> arguments) {
    std::vector<std::string> argv = {"sh", "-c",           "exec \"$@\" 2> '" + (files_ / "errors") + "'",
                                     "sh", FLAME_TEST_CXX, "-std=gnu++20"};
    argv.insert(argv.end(), arguments.begin(), arguments.end());
    const auto spawned =
        base::spawn({.path = "/bin/sh", .argv = argv, .env = {std::string("PATH=") + std::getenv("PATH"), "LC_ALL=C"}});
    int status = 0;
    ::waitpid(spawned->pid, &status, 0);
    if (status == 0) return {};
    return "failed: " + base::read_file(files_ / "errors", 1 << 26).value().substr(0, 4000);
  }

  /// All words of the shape of a namespace in what `-E -dD` makes of the headers.
  std::set<std::string> words_of_headers() {
    const auto source = files_.write("all.cpp", headers_);
    EXPECT_EQ(compile({"-E", "-dD", "-o", files_ / "all.i", source}), "");
    std::set<std::string> words;
    std::string word;
    for (const char c : base::read_file(files_ / "all.i", 1 << 28).value()) {
      if (std::isalnum(static_cast<unsigned char>(c)) != 0 || c == '_') {
        word += c;
      } else {
        words.insert(std::exchange(word, {}));
      }
    }
    return words;
  }

  test::TempDir files_;
  std::string headers_;
};

TEST_F(NewPluginNames, NoneCollidesWithWhatTheHeadersDeclareOrTheCompilerPredefines) {
  std::string text = headers_;
  std::size_t names = 0;
  for (const auto& word : words_of_headers()) {
    if (!check_project_name(word)) continue;
    ++names;
    // Functions of different names: some words are macros for one another.
    const auto function = "greet" + std::to_string(names) + "()";
    text += "namespace " + namespace_of(word) + " { void " + function + "; } ";
    text += "void " + namespace_of(word) + "::" + function + " {}\n";
  }
  EXPECT_GT(names, 3000U);
  EXPECT_EQ(compile({"-fsyntax-only", files_.write("names.cpp", text)}), "");
}

TEST_F(NewPluginNames, ProjectsOfAwkwardNamesCompile) {
  // A macro of the compiler, and a name that the test of the project has itself.
  for (const auto& [name, suffix] : {std::pair<std::string, std::string>{"linux", ".cpp"}, {"failures", "_test.cpp"}}) {
    ASSERT_TRUE(check_project_name(name));
    for (const auto& file : project_files(name)) files_.write(file.path, file.text);
    EXPECT_EQ(compile({"-fsyntax-only", "-I" FLAME_TEST_SOURCE "/plugin_sdk/include",
                       "-I" FLAME_TEST_SOURCE "/plugin_sdk/abi", files_ / (name + suffix)}),
              "")
        << name << suffix;
  }
}

}  // namespace new_plugin_names_test
}  // namespace flame::cli
