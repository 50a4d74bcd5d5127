// The mailbox loses nothing, keeps order per thread and wakes once per burst.
#include "plugin_sdk/base/mailbox.hpp"

#include <gtest/gtest.h>
#include <poll.h>

#include <memory>
#include <thread>

namespace flame::base {
namespace {

bool readable(int fd, int wait_ms = 0) {
  pollfd entry{fd, POLLIN, 0};
  return poll(&entry, 1, wait_ms) == 1;
}

TEST(Mailbox, IsQuietWhileEmpty) {
  Mailbox<int> mailbox;
  EXPECT_FALSE(readable(mailbox.fd()));
  std::vector<int> items{1, 2};
  mailbox.take_all(items);
  EXPECT_TRUE(items.empty());
}

TEST(Mailbox, HandsOutABurstInOrderAndIsQuietAgain) {
  Mailbox<std::unique_ptr<int>> mailbox;
  for (int i = 0; i < 3; ++i) mailbox.push(std::make_unique<int>(i));
  EXPECT_TRUE(readable(mailbox.fd()));
  std::vector<std::unique_ptr<int>> items;
  mailbox.take_all(items);
  ASSERT_EQ(items.size(), 3u);
  for (int i = 0; i < 3; ++i) EXPECT_EQ(*items[static_cast<std::size_t>(i)], i);
  EXPECT_FALSE(readable(mailbox.fd()));
}

TEST(Mailbox, LosesNothingWhenManyThreadsPush) {
  constexpr int kThreads = 4;
  constexpr int kItems = 5000;
  Mailbox<std::pair<int, int>> mailbox;
  std::vector<std::thread> threads;
  for (int t = 0; t < kThreads; ++t) {
    threads.emplace_back([&mailbox, t] {
      for (int i = 0; i < kItems; ++i) mailbox.push({t, i});
    });
  }
  std::vector<int> next(kThreads, 0);
  std::vector<std::pair<int, int>> items;
  for (int seen = 0; seen < kThreads * kItems;) {
    // A lost wake-up shows as this wait running out.
    ASSERT_TRUE(readable(mailbox.fd(), 10'000));
    mailbox.take_all(items);
    for (const auto& [thread, i] : items) EXPECT_EQ(i, next[static_cast<std::size_t>(thread)]++);
    seen += static_cast<int>(items.size());
  }
  for (auto& thread : threads) thread.join();
}

}  // namespace
}  // namespace flame::base
