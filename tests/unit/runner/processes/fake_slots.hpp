// Slots that say what a test puts into their mouths, and a listener that writes down what SlotPool makes of it.
#pragma once

#include <gtest/gtest.h>
#include <sys/resource.h>

#include <deque>
#include <memory>
#include <string>
#include <utility>
#include <vector>

#include "runner/processes/slot_pool.hpp"

namespace flame::test {

using runner::Instant;

class FakeSlot final : public slot::Slot {
 public:
  /// Is read with the next read().
  void say(slot::SlotEvent event) { said_.push_back(std::move(event)); }
  std::uint64_t invocation = 0;
  std::vector<std::uint64_t> destroyed;
  int stops = 0;

  [[nodiscard]] bool open() const noexcept override { return open_; }
  void read(std::vector<slot::SlotEvent>& events) override {
    while (!said_.empty()) {
      slot::SlotEvent event = std::move(said_.front());
      said_.pop_front();
      const bool ready = std::holds_alternative<slot::SlotReady>(event);
      if (std::holds_alternative<slot::SlotClosed>(event)) open_ = idle_ = false;
      events.push_back(std::move(event));
      if (!ready) continue;
      idle_ = true;
      return;
    }
  }
  void on_writable() override {}
  bool drain(slot::OutputStream, std::string&) override { return true; }
  [[nodiscard]] bool idle() const noexcept override { return idle_; }
  [[nodiscard]] Result<void> invoke(const slot::InvokeView& call) override {
    idle_ = false;
    invocation = call.id;
    return boost::system::in_place_value;
  }
  [[nodiscard]] bool takes_pipelined() const noexcept override { return false; }
  void push(const slot::InvokeView&) override {}
  [[nodiscard]] std::vector<std::uint64_t> revoke() override { return {}; }
  [[nodiscard]] std::size_t feed(std::span<const std::byte>) override { return 0; }
  [[nodiscard]] std::uint64_t missing_bytes() const noexcept override { return 0; }
  [[nodiscard]] bool withdraw() override { return false; }
  [[nodiscard]] bool begun() const noexcept override { return !idle_ && open_; }
  void request_stop() noexcept override { ++stops; }
  void acknowledge_chunk() override {}
  void destroy_objects(std::span<const std::uint64_t> ids) override {
    idle_ = false;
    destroyed.assign(ids.begin(), ids.end());
  }
  void request_child_stop() noexcept override {}
  [[nodiscard]] bool has_child() const noexcept override { return false; }
  void end() override {}
  [[nodiscard]] bool crash_announced() const noexcept override { return false; }
  [[nodiscard]] std::vector<slot::CodeAddress> thrown_at(std::uint64_t) const override { return {}; }
  [[nodiscard]] slot::PostMortem post_mortem() const override {
    return {.begun = invocation != 0, .usage_at_begin = {}, .crash = {}};
  }
  void trim() noexcept override {}

 private:
  std::deque<slot::SlotEvent> said_;
  bool open_ = true;
  bool idle_ = false;
};

/// Makes processes with pids 101, 102, …
class FakeSystem final : public runner::SlotSystem {
 public:
  std::vector<FakeSlot*> slots;  // as they were made; the pool's
  std::vector<pid_t> killed;
  bool has_processes = true;

  [[nodiscard]] slot::MakeResult<runner::MadeSlots> make(Instant, const runner::ForkProcess& wanted) override {
    if (!has_processes) return slot::MakeFailure{Error{.code = ErrorCode::boot_failed, .message = "no process"}};
    runner::MadeSlots made;
    made.pid = 101 + made_++;
    for (std::uint32_t i = 0; i < wanted.slots; ++i) {
      auto slot = std::make_unique<FakeSlot>();
      slots.push_back(slot.get());
      made.slots.push_back(std::move(slot));
    }
    return made;
  }
  void kill(pid_t pid) override { killed.push_back(pid); }
  [[nodiscard]] std::string why_no_slot(Instant, runner::GenerationId) const override { return {}; }
  [[nodiscard]] std::string plugin_name(runner::GenerationId) const override { return "fake"; }
  [[nodiscard]] bool stops_slots(runner::GenerationId) const override { return false; }
  [[nodiscard]] std::vector<std::string> name_frames(runner::GenerationId, std::vector<slot::CodeAddress>) override {
    return {};
  }
  [[nodiscard]] runner::Duration cpu_time(pid_t) const override { return {}; }
  [[nodiscard]] runner::ThreadWatch::Load load(pid_t) const override { return {}; }
  [[nodiscard]] std::uint64_t oom_kills() const override { return 0; }

 private:
  pid_t made_ = 0;
};

/// Sends each call as it is granted.
class ToldListener final : public runner::SlotListener, public runner::SlotReports {
 public:
  void on_granted(Instant, std::uint64_t id, slot::Slot& slot) override {
    slot::InvokeView call;
    call.id = id;
    EXPECT_TRUE(slot.invoke(call).has_value());
    note("granted", id);
  }
  void on_queued(Instant, std::uint64_t id, slot::Slot&) override { note("queued", id); }
  void on_result(Instant, slot::SlotResult result, std::string) override { note("result", result.id); }
  void on_result_chunk(Instant, slot::SlotResultChunk chunk) override { note("chunk", chunk.id); }
  void on_progress(Instant, slot::SlotProgress progress) override { note("progress", progress.id); }
  void on_output(wire::Output output) override { note("output", output.id); }
  void on_room(std::uint64_t id) override { note("room", id); }
  void on_freed(Instant, std::uint64_t id) override { note("freed", id); }
  void on_held(Instant, std::uint64_t id) override { note("held", id); }
  void on_let_go(Instant, std::uint64_t id, Error why) override { note("let go" + code(why), id); }
  void on_died(Instant, std::uint64_t id, Error error) override { note("died" + code(error), id); }
  void on_discarded(const runner::SlotDiscard& discard) override { note("discarded", discard.invocation); }
  [[nodiscard]] std::string task_of(std::uint64_t) const override { return "task"; }

  /// Since the last time.
  [[nodiscard]] std::vector<std::string> told() { return std::exchange(notes_, {}); }

 private:
  static std::string code(const Error& error) {
    return error.code == ErrorCode::none ? "" : " (" + std::string(to_string(error.code)) + ")";
  }
  void note(const std::string& what, std::uint64_t id) { notes_.push_back(what + " " + std::to_string(id)); }
  std::vector<std::string> notes_;
};

}  // namespace flame::test
