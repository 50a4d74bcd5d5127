// The test is the slot: it holds the slot's end of a SlotHandle's channel and says what it likes.
#pragma once

#include <sys/mman.h>
#include <unistd.h>

#include <cstring>
#include <functional>
#include <initializer_list>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include <gtest/gtest.h>

#include "runner/protocol/channel.hpp"
#include "runner/slots/slot_handle.hpp"

namespace flame::slot {

class PeerTest : public testing::Test {
 protected:
  void SetUp() override {
    auto made = SlotHandle::create(4 << 20);
    ASSERT_TRUE(made.has_value());
    handle_ = std::move(*made);
    peer_.reset(::dup(handle_->child_ends().channel));
    control_.reset(::dup(handle_->child_ends().control));
    handle_->close_child_ends();
  }
  void say(std::span<const std::byte> datagram) {
    ASSERT_EQ(send_datagram(peer_.get(), datagram, 0), Sent::yes);
    handle_->read(events_);
  }
  template <typename T>
  void say(T message, std::string_view tail = {}) {
    std::string bytes(sizeof(T) + tail.size(), '\0');
    message.header.size = static_cast<std::uint32_t>(bytes.size());
    std::memcpy(bytes.data(), &message, sizeof(T));
    if (!tail.empty()) std::memcpy(bytes.data() + sizeof(T), tail.data(), tail.size());
    say(std::as_bytes(std::span(bytes)));
  }
  void become_idle() {
    say(make_message<HelloMessage>(Kind::hello));
    auto ready = make_message<ReadyMessage>(Kind::ready);
    ready.verdict = Verdict::reusable;
    say(ready);
    ASSERT_TRUE(handle_->idle());
  }
  /// A call with an empty table.
  [[nodiscard]] static InvokeView a_call(std::uint64_t id = 5) {
    static constexpr std::uint64_t kPart = 0;
    InvokeView call;
    call.id = id;
    call.task = 1;
    call.parts = std::span(&kPart, 1);
    return call;
  }
  void run_call() {
    become_idle();
    ASSERT_TRUE(handle_->invoke(a_call()).has_value());
    events_.clear();
  }
  static ResultMessage result() {
    auto message = make_message<ResultMessage>(Kind::result);
    message.id = 5;
    message.part_count = 1;
    message.verdict = Verdict::reusable;
    return message;
  }
  static std::string numbers(std::initializer_list<std::uint64_t> values) {
    std::string bytes;
    for (const std::uint64_t value : values) bytes.append(reinterpret_cast<const char*>(&value), sizeof(value));
    return bytes;
  }
  /// Runs a call and answers it with a result that `lie` has changed: the handle closes.
  void expect_closed_by(const std::function<void(ResultMessage&)>& lie, const std::string& tail = numbers({0})) {
    run_call();
    auto message = result();
    lie(message);
    say(message, tail);
    expect_closed();
  }
  /// Runs a call and announces a result of `total` bytes that comes in chunks.
  void begin_stream(std::uint64_t total) {
    run_call();
    auto message = result();
    message.carrier = Carrier::stream;
    message.total = total;
    say(message, numbers({total}));
  }
  static DataMessage chunk(std::uint32_t length) {
    auto data = make_message<DataMessage>(Kind::data);
    data.id = 5;
    data.length = length;
    return data;
  }
  void expect_closed() {
    ASSERT_FALSE(events_.empty());
    EXPECT_TRUE(std::holds_alternative<SlotClosed>(events_.back()));
    EXPECT_EQ(handle_->channel_fd(), -1);
  }

  std::unique_ptr<SlotHandle> handle_;
  base::UniqueFd peer_, control_;
  std::vector<SlotEvent> events_;
};

}  // namespace flame::slot
