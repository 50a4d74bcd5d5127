// A slot of a simulated machine, as its supervisor sees it: what slot::SlotHandle is on a real one.
#pragma once

#include <cstdint>
#include <deque>
#include <functional>
#include <memory>
#include <span>
#include <string>
#include <vector>

#include "runner/slots/slot.hpp"
#include "tests/sim/slots/worker.hpp"

namespace flame::sim {

class SimSlot final : public slot::Slot {
 public:
  struct Around {
    std::function<void()> heard;  // something can be read
    std::function<void()> crash;  // its process ends by its fault
    std::function<void()> exit;   // … in good order
    std::function<void()> gone;   // nobody has this slot any more
  };
  SimSlot(Context& sim, Machine& machine, Around around);
  ~SimSlot() override { around_.gone(); }
  SimSlot(const SimSlot&) = delete;
  SimSlot& operator=(const SimSlot&) = delete;

  // --- by its process
  [[nodiscard]] Worker& worker() noexcept { return worker_; }
  void say(said::Message message);
  /// The process is gone: what it said is still there.
  void cut();

  // --- Slot
  [[nodiscard]] bool open() const noexcept override { return state_ != State::closed; }
  void read(std::vector<slot::SlotEvent>& events) override;
  void on_writable() override {}
  bool drain(slot::OutputStream, std::string&) override { return true; }
  [[nodiscard]] bool idle() const noexcept override { return state_ == State::idle; }
  [[nodiscard]] Result<void> invoke(const slot::InvokeView& call) override;
  [[nodiscard]] bool takes_pipelined() const noexcept override;
  void push(const slot::InvokeView& call) override;
  [[nodiscard]] std::vector<std::uint64_t> revoke() override;
  [[nodiscard]] std::size_t feed(std::span<const std::byte> bytes) override;
  [[nodiscard]] std::uint64_t missing_bytes() const noexcept override { return total_ - fed_; }
  [[nodiscard]] bool withdraw() override;
  [[nodiscard]] bool begun() const noexcept override { return invocation_ != 0 && worker_.begun() == invocation_; }
  void request_stop() noexcept override;
  void acknowledge_chunk() override { worker_.acknowledge_chunk(); }
  void destroy_objects(std::span<const std::uint64_t> ids) override;
  void request_child_stop() noexcept override { worker_.stop_child(); }
  [[nodiscard]] bool has_child() const noexcept override { return child_; }
  void end() override { worker_.end(); }
  [[nodiscard]] bool crash_announced() const noexcept override { return worker_.crashed(); }
  [[nodiscard]] std::vector<slot::CodeAddress> thrown_at(std::uint64_t) const override { return {}; }
  [[nodiscard]] slot::PostMortem post_mortem() const override;
  void trim() noexcept override {}

 private:
  enum class State : std::uint8_t { starting, idle, feeding, running, streaming, cleaning, destroying, closed };

  void hear(const said::Message& message, std::vector<slot::SlotEvent>& events);
  void hear(const said::Hello& hello, std::vector<slot::SlotEvent>& events);
  void hear(const said::Ready& ready, std::vector<slot::SlotEvent>& events);
  void hear(const said::Outcome& outcome, std::vector<slot::SlotEvent>& events);
  void hear(const said::Chunk& chunk, std::vector<slot::SlotEvent>& events);
  void hear(const said::Ack& ack, std::vector<slot::SlotEvent>& events);
  void hear(const said::ChildEnded& ended, std::vector<slot::SlotEvent>& events);
  void run_next(bool goes_on, std::vector<slot::SlotEvent>& events);

  Context& sim_;
  Around around_;
  Worker worker_;
  std::deque<said::Message> said_;
  State state_ = State::starting;
  std::uint64_t invocation_ = 0;
  std::vector<std::uint64_t> pipelined_;
  Work work_;  // whose bytes are still to come
  std::uint64_t total_ = 0;
  std::uint64_t fed_ = 0;
  std::uint32_t unacknowledged_ = 0;
  bool told_ = false;  // the slot knows of the call whose bytes come
  bool brief_ = false;
  bool stopped_ = false;
  bool child_ = false;
  bool cut_ = false;
};

}  // namespace flame::sim
