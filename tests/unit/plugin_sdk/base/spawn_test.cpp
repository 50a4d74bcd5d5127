// A spawned program gets exactly the descriptors, environment and signals it should.
#include "plugin_sdk/base/spawn.hpp"

#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <sys/wait.h>

#include <sstream>

#include "plugin_sdk/base/file.hpp"
#include "tests/support/leftovers.hpp"

namespace flame::base {
namespace {

struct SpawnTest : test::LeftoversTest {
  // Runs a shell script with its stdout captured.
  std::string output_of(const std::string& script, SpawnRequest request = {}) {
    int ends[2];
    EXPECT_EQ(pipe2(ends, O_CLOEXEC), 0);
    const UniqueFd read_end(ends[0]);
    UniqueFd write_end(ends[1]);
    request.path = "/bin/sh";
    request.argv = {"sh", "-c", script};
    request.fds.push_back({write_end.get(), 1});
    auto spawned = spawn(request);
    write_end.reset();
    EXPECT_TRUE(spawned);
    if (!spawned) return {};
    auto text = read_all(read_end.get(), 1 << 20, "pipe");
    EXPECT_EQ(waitpid(spawned->pid, &status, 0), spawned->pid);
    return *text;
  }
  int status = -1;
};

TEST_F(SpawnTest, PassesArgumentsAndExitStatus) {
  EXPECT_EQ(output_of("echo hello; exit 7"), "hello\n");
  EXPECT_EQ(WEXITSTATUS(status), 7);
}

TEST_F(SpawnTest, PassesNothingOfItsOwnEnvironment) {
  SpawnRequest request;
  request.env = {"FLAME_X=1"};
  setenv("FLAME_LEAK", "1", 1);
  EXPECT_EQ(output_of("tr '\\0' '\\n' < /proc/$$/environ", request), "FLAME_X=1\n");
  unsetenv("FLAME_LEAK");
}

TEST_F(SpawnTest, PassesOnlyTheMappedDescriptors) {
  // Not CLOEXEC on purpose: an embedding program may be careless.
  const UniqueFd leak(open("/dev/zero", O_RDONLY));
  const UniqueFd wanted(open("/dev/full", O_WRONLY | O_CLOEXEC));
  SpawnRequest request;
  request.fds = {{wanted.get(), 9}};
  // Tests each number instead of listing them: a listing opens descriptors of its own.
  EXPECT_EQ(output_of("n=0; while [ $n -lt 64 ]; do [ -e /proc/$$/fd/$n ] && echo $n; n=$((n+1)); done; "
                      "readlink /proc/$$/fd/0 /proc/$$/fd/9",
                      request),
            "0\n1\n2\n9\n/dev/null\n/dev/full\n");
}

TEST_F(SpawnTest, CanSwapDescriptors) {
  const UniqueFd a(open("/dev/full", O_WRONLY | O_CLOEXEC));
  const UniqueFd b(open("/dev/zero", O_RDONLY | O_CLOEXEC));
  SpawnRequest request;
  request.fds = {{a.get(), b.get()}, {b.get(), a.get()}};
  const std::string script =
      "readlink /proc/$$/fd/" + std::to_string(a.get()) + "; readlink /proc/$$/fd/" + std::to_string(b.get());
  EXPECT_EQ(output_of(script, request), "/dev/zero\n/dev/full\n");
}

TEST_F(SpawnTest, ATargetMayBeANumberThatIsFreeHere) {
  const UniqueFd a(open("/dev/full", O_WRONLY | O_CLOEXEC));
  const UniqueFd b(open("/dev/zero", O_RDONLY | O_CLOEXEC));
  // The numbers that come next, of which output_of()'s pipe takes two: a careless copy of `b` would be the first
  // target.
  std::vector<UniqueFd> next;
  for (int i = 0; i < 4; ++i) next.emplace_back(fcntl(a.get(), F_DUPFD_CLOEXEC, 3));
  const int first = next[2].get();
  const int second = next[3].get();
  next.clear();
  SpawnRequest request;
  request.fds = {{a.get(), second}, {b.get(), first}};
  const std::string script = "readlink /proc/$$/fd/" + std::to_string(first) + " /proc/$$/fd/" + std::to_string(second);
  EXPECT_EQ(output_of(script, request), "/dev/zero\n/dev/full\n");
}

TEST_F(SpawnTest, StartsWithDefaultSignals) {
  sigset_t blocked;
  sigset_t before;
  sigemptyset(&blocked);
  sigaddset(&blocked, SIGTERM);
  pthread_sigmask(SIG_BLOCK, &blocked, &before);
  const auto old = signal(SIGPIPE, SIG_IGN);
  // The shell itself reads: it blocks signals while it starts another program.
  const std::string text =
      output_of("while read key value; do case $key in SigBlk:|SigIgn:) echo $value;; esac; done < /proc/$$/status");
  signal(SIGPIPE, old);
  pthread_sigmask(SIG_SETMASK, &before, nullptr);
  std::istringstream in(text);
  std::uint64_t block = 1;
  std::uint64_t ignore = 1;
  in >> std::hex >> block >> ignore;
  EXPECT_EQ(block, 0u);
  // glibc itself ignores its two internal signals, 32 and 33.
  EXPECT_EQ(ignore & 0x7fffffff, 0u) << text;
}

TEST_F(SpawnTest, CanStartASession) {
  SpawnRequest request;
  request.new_session = true;
  EXPECT_EQ(output_of("[ $(cut -d' ' -f6 /proc/$$/stat) = $$ ] && echo own", request), "own\n");
}

TEST_F(SpawnTest, ThePidfdTellsTheEnd) {
  SpawnRequest request;
  request.path = "/bin/true";
  const auto spawned = spawn(request);
  ASSERT_TRUE(spawned);
  pollfd entry{spawned->pidfd.get(), POLLIN, 0};
  EXPECT_EQ(poll(&entry, 1, 10'000), 1);
  EXPECT_EQ(waitpid(spawned->pid, nullptr, 0), spawned->pid);
}

TEST_F(SpawnTest, SaysWhatIsWrongWithThePath) {
  SpawnRequest request;
  request.path = "/nonexistent/program";
  EXPECT_EQ(spawn(request).error(), std::errc::no_such_file_or_directory);
  request.path = "/etc/passwd";
  EXPECT_EQ(spawn(request).error(), std::errc::permission_denied);
}

}  // namespace
}  // namespace flame::base
