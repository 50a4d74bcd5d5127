// Running hosts: what they use stays, and what the dead used counts for nothing.
#include "host/src/plugins/store/running_hosts.hpp"

#include <gmock/gmock.h>
#include <signal.h>
#include <sys/wait.h>
#include <unistd.h>

#include <optional>
#include <utility>

#include "tests/support/eventually.hpp"
#include "tests/unit/host/plugins/store/store_test.hpp"

namespace flame::store {
namespace running_hosts_test {

using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::IsEmpty;

/// A process that is killed at the end of its scope, if not before.
class Child {
 public:
  /// It runs `work`, and then waits.
  template <typename Work>
  explicit Child(Work work) : pid_(::fork()) {
    if (pid_ != 0) return;
    const auto held = work();
    for (;;) ::pause();
  }
  ~Child() { kill(); }
  Child(const Child&) = delete;
  Child& operator=(const Child&) = delete;

  [[nodiscard]] pid_t pid() const noexcept { return pid_; }
  void kill() {
    if (pid_ <= 0) return;
    EXPECT_EQ(::kill(pid_, SIGKILL), 0);
    EXPECT_EQ(::waitpid(std::exchange(pid_, -1), nullptr, 0) > 0, true);
  }

 private:
  pid_t pid_;
};

class RunningHosts : public StoreTest {
 protected:
  /// Hosts, once there are so many.
  std::vector<HostUse> wait_for(std::size_t count) {
    std::vector<HostUse> hosts;
    EXPECT_TRUE(test::eventually([&] {
      hosts = store_.hosts().value();
      return hosts.size() == count;
    }));
    return hosts;
  }

  const std::string a_ = std::string(64, 'a');
  const std::string b_ = std::string(64, 'b');
};

TEST_F(RunningHosts, SayWhatTheyUseUntilTheyEnd) {
  {
    auto host = store_.announce("web-1", {b_, a_, b_});
    ASSERT_TRUE(host) << host.error().message;
    EXPECT_THAT(store_.hosts().value(), ElementsAre(HostUse{"web-1", ::getpid(), {a_, b_}}));
    ASSERT_TRUE(host->use({b_}));
    EXPECT_THAT(store_.hosts().value(), ElementsAre(HostUse{"web-1", ::getpid(), {b_}}));
    const RunningHost moved = std::move(*host);
    const auto other = store_.announce("web-0", {});
    ASSERT_TRUE(other);
    EXPECT_EQ(store_.hosts()->front().name, "web-0");
    EXPECT_EQ(store_.hosts()->size(), 2u);
  }
  EXPECT_THAT(store_.hosts().value(), IsEmpty());
  EXPECT_THAT(files_in("hosts"), IsEmpty());
}

TEST_F(RunningHosts, OfAnotherProcessHoldWhatTheyUseUntilItIsKilled) {
  const std::string digest = installed("1.4.0");
  Child child([&] { return store_.announce("web-1", {digest}); });
  EXPECT_THAT(wait_for(1), ElementsAre(HostUse{"web-1", child.pid(), {digest}}));
  EXPECT_EQ(store_.remove(reference("video@1.4.0")).error().message,
            "cannot remove video@1.4.0: sha256:" + digest + " is used by the host web-1 (process " +
                std::to_string(child.pid()) + "); activate other versions there, or end the host that uses it");
  EXPECT_THAT(store_.gc()->builds, IsEmpty());
  child.kill();
  EXPECT_EQ(files_in("hosts").size(), 1u) << "it could not remove its file";
  EXPECT_THAT(store_.hosts().value(), IsEmpty());
  EXPECT_EQ(store_.gc()->builds.size(), 1u);
  EXPECT_THAT(files_in("hosts"), IsEmpty()) << "the next change sweeps it away";
}

TEST_F(RunningHosts, AreSeenAtEveryMomentWhileTheyChangeWhatTheyUse) {
  const Child changing([&] {
    auto host = store_.announce("web-1", {a_});
    while (host && host->use({b_}) && host->use({a_})) continue;
    return host;
  });
  wait_for(1);
  std::size_t with_a = 0;
  std::size_t with_b = 0;
  while (with_a < 100 || with_b < 100) {
    const auto hosts = store_.hosts();
    ASSERT_TRUE(hosts) << hosts.error().message;
    ASSERT_EQ(hosts->size(), 1u);
    with_a += hosts->front().digests == std::vector{a_} ? 1 : 0;
    with_b += hosts->front().digests == std::vector{b_} ? 1 : 0;
  }
}

TEST_F(RunningHosts, AreNotTakenForDeadWhenTheyChangeJustWhenSomebodyLooks) {
  auto host = store_.announce("web-1", {a_});
  ASSERT_TRUE(host);
  FaultyFiles looking;
  bool once = true;
  looking.before("lock", [&](const std::string&) {
    const bool used = !std::exchange(once, false) || host->use({b_}).has_value();
    EXPECT_TRUE(used);
  });
  EXPECT_THAT(Store(root(), looking).hosts().value(), ElementsAre(HostUse{"web-1", ::getpid(), {b_}}));
  EXPECT_FALSE(once);
}

TEST_F(RunningHosts, AForkOfOneDoesNotEndIt) {
  std::optional<RunningHost> host(store_.announce("web-1", {a_}).value());
  {
    Child child([&] {
      host.reset();
      return store_.announce("child", {});
    });
    EXPECT_EQ(wait_for(2).front().name, "child");
  }
  EXPECT_EQ(wait_for(1).front().name, "web-1");
}

TEST_F(RunningHosts, WithADamagedFileAreToldSo) {
  const auto host = store_.announce("web-1", {a_});
  ASSERT_TRUE(host);
  const std::string path = (root() / "hosts" / files_in("hosts").front()).string();
  std::filesystem::resize_file(path, 20);
  const auto hosts = store_.hosts();
  ASSERT_FALSE(hosts);
  EXPECT_THAT(hosts.error().message, HasSubstr("the store's file \"" + path +
                                               "\" is damaged: its end is missing; "
                                               "restart the host that runs with it"));
  EXPECT_FALSE(store_.gc()) << "it may use anything";
}

}  // namespace running_hosts_test
}  // namespace flame::store
