// Several real processes change one store at a time, and are killed in the middle of it.
#include <gmock/gmock.h>
#include <signal.h>
#include <sys/wait.h>
#include <unistd.h>

#include <array>
#include <random>

#include "plugin_sdk/base/unique_fd.hpp"
#include "tests/unit/host/plugins/store/store_test.hpp"

namespace flame::store {
namespace store_processes_test {

constexpr int kVersions = 4;

class StoreProcesses : public StoreTest {
 protected:
  void SetUp() override {
    for (int i = 0; i < kVersions; ++i) {
      const std::string version = "1." + std::to_string(i) + ".0";
      sources_.push_back(put({.version = version, .salt = std::string(100'000, 's')}, version + ".so"));
      digests_.push_back(installed_from(sources_.back()));
    }
  }
  std::string installed_from(const std::string& file) {
    const auto done = shared_.install(file, {.now = 1000});
    EXPECT_TRUE(done) << done.error().message;
    return done->plugin.digest;
  }
  /// One change, chosen by a number. 0: it went well, or was refused for a reason that is good.
  int change(unsigned number) {
    const unsigned which = number / 8 % kVersions;
    const std::string& digest = digests_[which];
    switch (number % 8) {
      case 0:
      case 1:
        return shared_.install(sources_[which], {.now = 1000}) ? 0 : 1;
      case 2:
      case 3:
        return shared_.record("video", {}, digest, Narrower::keep) ? 0 : 2;
      case 4:
        return shared_.refuse(digest, {"bad", "web-1", 1}) ? 0 : 3;
      case 5:
        return shared_.unrefuse(digest) ? 0 : 4;
      case 6:
        return shared_.gc() ? 0 : 5;
      default:
        return removes(which);
    }
  }
  int removes(unsigned which) {
    const auto done = shared_.remove(reference("video@1." + std::to_string(which) + ".0"));
    if (done || done.error().code == ErrorCode::not_found) return 0;
    return done.error().message.starts_with("cannot remove video@") ? 0 : 6;
  }
  /// A process that makes changes until it is killed, and says "x" after each. It exits if one fails.
  pid_t start(unsigned seed, int say) {
    const pid_t child = ::fork();
    if (child != 0) return child;
    std::minstd_rand numbers(seed);
    for (;;) {
      const int problem = change(static_cast<unsigned>(numbers()));
      if (problem != 0 || ::write(say, "x", 1) != 1) ::_exit(10 + problem);
    }
  }
  /// While others go on, a file may vanish between two looks at it, but none is ever seen half.
  Listing valid_listing() {
    auto listing = shared_.list();
    EXPECT_TRUE(listing) << listing.error().message;
    EXPECT_TRUE(listing->damaged.empty()) << listing->damaged.front().message;
    EXPECT_TRUE(shared_.all_records());
    return std::move(*listing);
  }
  void expect_all_intact() {
    const Listing listing = valid_listing();
    for (const Installed& plugin : listing.plugins) {
      EXPECT_TRUE(plugin.present) << plugin.reference();
      EXPECT_TRUE(is_intact(StoreFiles(root().string(), disk_), plugin.digest));
    }
  }

  SystemFiles disk_;
  Store shared_{root(), disk_};
  std::vector<std::string> sources_;
  std::vector<std::string> digests_;
};

TEST_F(StoreProcesses, KilledInTheMiddleLeaveAValidStoreToTheOthers) {
  std::array<int, 2> ends{-1, -1};
  ASSERT_EQ(::pipe(ends.data()), 0);
  const base::UniqueFd out(ends[0]);
  const base::UniqueFd in(ends[1]);
  std::minstd_rand numbers(20261129);
  std::array<pid_t, 3> children{};
  unsigned seed = 0;
  for (pid_t& child : children) child = start(++seed, in.get());
  for (int round = 0; round < 40; ++round) {
    std::array<char, 16> said{};
    for (unsigned wait = 1 + static_cast<unsigned>(numbers()) % 6; wait > 0; --wait) {
      ASSERT_EQ(::read(out.get(), said.data(), 1), 1);
    }
    pid_t& child = children[numbers() % children.size()];
    ASSERT_EQ(::kill(child, SIGKILL), 0);
    int status = 0;
    ASSERT_EQ(::waitpid(child, &status, 0), child);
    EXPECT_TRUE(WIFSIGNALED(status)) << "change " << WEXITSTATUS(status) - 10 << " has failed";
    valid_listing();
    child = start(++seed, in.get());
  }
  for (const pid_t child : children) {
    ::kill(child, SIGKILL);
    ::waitpid(child, nullptr, 0);
  }
  expect_all_intact();
  ASSERT_TRUE(shared_.gc());
  EXPECT_THAT(files_in("staging"), testing::IsEmpty());
  for (const std::string& file : sources_) installed_from(file);
  EXPECT_EQ(versions(), "video@1.0.0 video@1.1.0 video@1.2.0 video@1.3.0");
}

TEST_F(StoreProcesses, LoseNoneOfTheirRecords) {
  constexpr std::size_t kChildren = 4;
  constexpr std::size_t kScopes = 25;
  std::array<pid_t, kChildren> children{};
  for (std::size_t i = 0; i < kChildren; ++i) {
    children[i] = ::fork();
    if (children[i] != 0) continue;
    bool good = true;
    for (std::size_t k = 0; k < kScopes; ++k) {
      const Scope scope{"host-" + std::to_string(i), "pool-" + std::to_string(k)};
      good = good && shared_.record("video", scope, digests_.front(), Narrower::keep);
    }
    ::_exit(good ? 0 : 1);
  }
  for (const pid_t child : children) {
    int status = 0;
    ASSERT_EQ(::waitpid(child, &status, 0), child);
    EXPECT_EQ(status, 0);
  }
  EXPECT_EQ(shared_.records("video")->all().size(), kChildren * kScopes);
}

}  // namespace store_processes_test
}  // namespace flame::store
