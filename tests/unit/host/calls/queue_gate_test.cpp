// QueueGate: exact counts, whoever enters and leaves at once.
#include "host/src/calls/queue_gate.hpp"

#include <gtest/gtest.h>

#include <thread>
#include <vector>

#include "plugin_sdk/base/limits.hpp"

namespace flame::pool {
namespace queue_gate_test {

std::shared_ptr<QueueGate> make_gate(std::uint64_t max_queue, std::uint64_t bytes = 1 << 30) {
  PoolConfig config;
  config.max = 2;
  config.max_concurrency = 3;
  config.max_queue = max_queue;
  config.max_queue_bytes = bytes;
  return std::make_shared<QueueGate>(config);
}

ErrorCode enter(const std::shared_ptr<QueueGate>& gate, std::uint64_t bytes, QueueGate::Ticket& ticket) {
  const auto error = QueueGate::enter(gate, bytes, ticket);
  return error ? error->code : ErrorCode::none;
}

TEST(QueueGate, LetsInWhatMayWaitAndOneForEverySlot) {
  const auto gate = make_gate(4);
  std::vector<QueueGate::Ticket> tickets(11);
  for (int i = 0; i < 10; ++i) EXPECT_EQ(enter(gate, 1, tickets[static_cast<std::size_t>(i)]), ErrorCode::none) << i;
  EXPECT_EQ(enter(gate, 1, tickets[10]), ErrorCode::queue_full);
  tickets[3].release();
  tickets[3].release();
  EXPECT_EQ(enter(gate, 1, tickets[10]), ErrorCode::none);
  EXPECT_EQ(gate->calls(), 10U);
}

TEST(QueueGate, KnowsHowManyRunnersThePoolMayHave) {
  const auto gate = make_gate(0);
  gate->set_runners(1);
  std::vector<QueueGate::Ticket> tickets(4);
  for (std::size_t i = 0; i < 3; ++i) EXPECT_EQ(enter(gate, 1, tickets[i]), ErrorCode::none);
  EXPECT_EQ(enter(gate, 1, tickets[3]), ErrorCode::queue_full);
  gate->set_runners(2);
  EXPECT_EQ(enter(gate, 1, tickets[3]), ErrorCode::none);
}

TEST(QueueGate, CountsBytesAndWhatTheHostKeepsOfACall) {
  const auto gate = make_gate(1000, 4 * limits::kQueuedCallBytes);
  std::vector<QueueGate::Ticket> tickets(4);
  EXPECT_EQ(enter(gate, limits::kQueuedCallBytes, tickets[0]), ErrorCode::none);
  EXPECT_EQ(enter(gate, limits::kQueuedCallBytes + 1, tickets[1]), ErrorCode::queue_full);
  EXPECT_EQ(enter(gate, limits::kQueuedCallBytes, tickets[1]), ErrorCode::none);
  EXPECT_EQ(gate->calls(), 2U) << "who was refused left nothing";
  EXPECT_EQ(gate->bytes(), 4 * limits::kQueuedCallBytes);
}

TEST(QueueGate, TakesACallThatIsTooLargeForTheQueueAlone) {
  const auto gate = make_gate(1000, 10'000);
  QueueGate::Ticket large;
  QueueGate::Ticket small;
  EXPECT_EQ(enter(gate, 1 << 20, large), ErrorCode::none);
  EXPECT_EQ(enter(gate, 1, small), ErrorCode::queue_full);
  large.release();
  EXPECT_EQ(enter(gate, 1, small), ErrorCode::none);
  EXPECT_EQ(enter(gate, 1 << 20, large), ErrorCode::queue_full);
}

TEST(QueueGate, RefusesEverybodyOnceClosed) {
  const auto gate = make_gate(4);
  gate->close();
  QueueGate::Ticket ticket;
  EXPECT_EQ(enter(gate, 1, ticket), ErrorCode::shutting_down);
  EXPECT_EQ(gate->calls(), 0U);
}

TEST(QueueGate, LosesNoCountBetweenThreads) {
  const auto gate = make_gate(2, 20'000);
  std::vector<std::thread> threads;
  for (std::uint64_t i = 0; i < 4; ++i) {
    threads.emplace_back([&gate, i] {
      for (int n = 0; n < 20'000; ++n) {
        QueueGate::Ticket ticket;
        QueueGate::Ticket second;
        static_cast<void>(QueueGate::enter(gate, 100 * i, ticket));
        static_cast<void>(QueueGate::enter(gate, 15'000, second));
        const QueueGate::Ticket moved = std::move(ticket);
        EXPECT_LE(gate->calls(), 8U);
      }
    });
  }
  for (std::thread& thread : threads) thread.join();
  EXPECT_EQ(gate->calls(), 0U);
  EXPECT_EQ(gate->bytes(), 0U);
}

}  // namespace queue_gate_test
}  // namespace flame::pool
