// One slot from inside its process: what it was sent, what runs there, and what it says. The ledger hears what is true.
#pragma once

#include <cstdint>
#include <deque>
#include <functional>
#include <memory>
#include <optional>
#include <set>
#include <vector>

#include "runner/protocol/protocol.hpp"
#include "tests/sim/machine.hpp"
#include "tests/sim/slots/said.hpp"

namespace flame::sim {

/// A call as a slot gets it.
struct Work {
  std::uint64_t id = 0;
  bool linked = true;
  bool on_object = false;
  bool child = false;
  bool brief = false;      // its task is known as such
  bool pipelined = false;  // begins only when the one before it has ended well, unless it is revoked
  slot::Purpose purpose = slot::Purpose::task;
};

class Worker {
 public:
  struct Around {
    std::function<void(said::Message)> say;
    std::function<void()> crash;  // the whole process
    std::function<void()> exit;   // the same, in good order
  };
  Worker(Context& sim, Machine& machine, Around around) : sim_(sim), machine_(machine), around_(std::move(around)) {}

  // --- by the supervisor
  void accept(const Work& work);
  /// Those that follow and have not begun will not.
  [[nodiscard]] std::vector<std::uint64_t> revoke();
  void stop();
  void stop_child();
  void destroy(std::vector<std::uint64_t> objects);
  void take_chunk();
  void acknowledge_chunk();
  void end();

  // --- by its process
  /// Nothing runs any more.
  void struck();
  void pause();
  void resume();

  /// The control page's word.
  [[nodiscard]] std::uint64_t begun() const noexcept { return page_; }
  [[nodiscard]] bool crashed() const noexcept { return crashed_; }
  [[nodiscard]] bool linked_work() const noexcept;

 private:
  enum class Ending : std::uint8_t { returns, throws, crashes, hangs };
  struct Running {
    Work work;
    Ending ending = Ending::returns;
    bool deaf = false;
    bool paused = false;
    bool over = false;  // its function has ended, and the slot cleans up
  };

  /// If its process lives then.
  void later(Duration delay, std::function<void()> task);
  /// If the same call runs then.
  void go_on(Duration delay, void (Worker::*step)());
  void start_next();
  void begin(const Work& work);
  void check_idle();
  void finish();
  void answer();
  void send_chunks();
  [[nodiscard]] std::vector<std::uint64_t> leave_objects(const Work& work);
  void end_child(std::uint64_t child);

  Context& sim_;
  Machine& machine_;
  Around around_;
  std::deque<Work> queue_;
  std::optional<Running> running_;
  std::uint64_t runs_ = 0;  // which execution: what was planned for another one is void
  std::uint64_t page_ = 0;
  std::uint64_t lease_ = 0;  // the call that has left the objects that live here
  std::set<std::uint64_t> objects_;
  std::uint64_t child_ = 0;
  std::uint64_t streaming_ = 0;  // bytes of the result that are still to be said
  std::uint64_t streamed_ = 0;
  std::uint32_t window_ = 0;
  said::Ready after_stream_;
  bool dead_ = false;
  bool crashed_ = false;
  std::shared_ptr<const Worker*> alive_ = std::make_shared<const Worker*>(this);
};

}  // namespace flame::sim
