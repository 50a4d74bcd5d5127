// The invocations of a simulated runner, from Invoke to Result and Ended, and the tasks that they run: as runner/calls
// keeps them, without bytes.
#pragma once

#include <cstdint>
#include <map>
#include <set>
#include <vector>

#include "runner/policy/terminator.hpp"
#include "tests/sim/slots_model.hpp"

namespace flame::sim {

class CallsModel final : public SlotsListener {
 public:
  CallsModel(Context& sim, RunnerPort& runner, runner::Terminator& terminator, const wire::Welcome& welcome,
             std::set<DigestId> digests);
  void generation_up(DigestId digest) { slots_.generation_up(digest); }

  // --- from the host
  void invoke(const wire::Invoke& message);
  void chunk(const wire::Chunk& chunk);
  void release(const wire::Release& release);
  // --- from the terminator
  void stop(CallId call, runner::StopCause cause);
  void kill(CallId call, runner::StopCause cause);
  // --- from the loop
  void tick() { slots_.tick(); }
  [[nodiscard]] Instant wake_at() const { return slots_.wake_at(); }
  /// Some task runs whose caller wants it to end with the host.
  [[nodiscard]] bool linked_work() const;
  /// The machine stands still, and what runs on it; later both go on.
  void pause();
  void resume();
  /// The machine is gone: nothing runs any more.
  void die();

  // --- SlotsListener
  void on_granted(CallId call, bool dead) override;
  void on_struck(CallId call) override;
  void on_died(CallId call, runner::StopCause cause) override;
  void on_freed(CallId call) override;
  void on_held(CallId lease) override;
  void on_let_go(CallId lease) override;
  void on_refused(CallId call) override;

 private:
  enum class Ending : std::uint8_t { returns, throws, crashes, hangs };
  struct Call {
    DigestId digest = 0;
    CallId lease = 0;  // the call that left the objects that this one uses
    bool stays = false;
    bool child = false;
    bool linked = true;
    std::uint64_t arguments = 0;  // the transfer that they are; 0: they are here
    std::uint64_t run = 0;        // which execution: what was planned for another one is void
    Ending ending = Ending::returns;
    bool deaf = false;
    bool granted = false;
    bool struck = false;
    bool running = false;
    bool paused = false;
    bool answered = false;
    bool ended = false;
    bool sending = false;  // its result is still on its way out
  };

  void begin(CallId id, Call& call);
  void finish(CallId id, std::uint64_t run);
  void unpause(CallId id, Call& call);
  void died(CallId id, Call& call);
  void returned(CallId id, Call& call);
  [[nodiscard]] std::vector<std::uint64_t> leave_objects(CallId id, Call& call);
  void enter(CallId id, Call& call);
  void ask_to_end(CallId id);
  void answer(CallId id, Call& call, ErrorCode code, Started started);
  void end(CallId id, Call& call);
  void forget_if_done(CallId id);
  [[nodiscard]] bool withdraw(CallId id, Call& call, runner::StopCause cause);
  [[nodiscard]] std::uint32_t busy() const;

  Context& sim_;
  RunnerPort& runner_;
  runner::Terminator& terminator_;
  std::uint32_t most_;
  std::set<DigestId> digests_;
  SlotsModel slots_;
  std::map<CallId, Call> calls_;
  std::set<std::uint64_t> arrived_;  // transfers that are here
  std::uint64_t runs_ = 0;
  std::uint64_t objects_ = 0;
};

}  // namespace flame::sim
