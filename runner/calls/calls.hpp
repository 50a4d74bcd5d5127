// The invocations of a session: from Invoke to Result and Ended, with their payloads. Every Invoke is answered while
// the session lives.
#pragma once

#include <cstdint>
#include <deque>
#include <memory>
#include <string>
#include <unordered_map>
#include <utility>

#include "plugin_sdk/wire/bulk_receiver.hpp"
#include "plugin_sdk/wire/bulk_sender.hpp"
#include "plugin_sdk/wire/messages.hpp"
#include "runner/link/host_port.hpp"
#include "runner/plugins/plugin_directory.hpp"
#include "runner/policy/discards.hpp"
#include "runner/policy/service_times.hpp"
#include "runner/policy/terminator.hpp"
#include "runner/processes/slot_pool.hpp"

namespace flame::runner {

class Calls final : public SlotListener, public SlotReports {
 public:
  /// Who it works with. No constructor or destructor uses any of it.
  struct Around {
    HostPort& host;
    Terminator& terminator;
    const PluginDirectory& plugins;
    SlotPool& pool;
  };
  /// `runner` is this runner's id, for errors.
  Calls(std::string runner, const wire::Welcome& welcome, const Around& around);

  // --- from the host
  void invoke(Instant now, wire::Invoke& message, Frame& payload);
  void chunk(Instant now, const wire::Chunk& chunk, Frame& bytes);
  void credit(Instant now, const wire::Credit& credit);
  void abort(Instant now, const wire::Abort& abort);
  void release(Instant now, const wire::Release& release);

  // --- from the terminator
  void stop(Instant now, std::uint64_t id, StopCause cause);
  void kill(Instant now, std::uint64_t id, StopCause cause);

  // --- from the loop
  void tick(Instant now);
  [[nodiscard]] Instant wake_at() const;
  /// Sends chunks while windows and the socket take them.
  void pump(Instant now);

  // --- SlotListener
  void on_granted(Instant now, std::uint64_t id, slot::Slot& slot) override;
  void on_queued(Instant now, std::uint64_t id, slot::Slot& slot) override;
  void on_result(Instant now, slot::SlotResult result, std::string log_tail) override;
  void on_result_chunk(Instant now, slot::SlotResultChunk chunk) override;
  void on_progress(Instant now, slot::SlotProgress progress) override;
  void on_room(std::uint64_t id) override;
  void on_freed(Instant now, std::uint64_t id) override;
  void on_held(Instant now, std::uint64_t id) override;
  void on_let_go(Instant now, std::uint64_t id, Error why) override;
  void on_died(Instant now, std::uint64_t id, Error error) override;
  [[nodiscard]] std::string task_of(std::uint64_t id) const override;

  // --- SlotReports
  void on_output(wire::Output output) override;
  void on_discarded(const SlotDiscard& discard) override;

 private:
  struct HeldProgress {
    std::optional<slot::SlotProgress> report;  // not sent yet
    Instant due{};                             // when the next one may go
  };
  struct Call {
    wire::Invoke message;
    Frame payload;  // until it is in the slot
    std::string plugin;
    GenerationId generation = 0;
    std::shared_ptr<const manifest::TaskEntry> task;  // null until it is known that there is one
    Instant deadline = kNever;
    std::uint64_t total = 0;     // padded bytes of the payload
    std::uint64_t outgoing = 0;  // transfer of the result that is under way
    bool feeding = false;        // its incoming transfer is not in the slot yet
    bool begun = false;          // Begun was sent
    bool answered = false;       // Result was sent
    bool ended = false;          // Ended was sent
    bool brief = false;          // by what its task took so far; may share a slot with others
    bool stays = false;          // its result named objects, which live on in the slot
    HeldProgress progress;

    [[nodiscard]] bool places_child() const { return task->kind == manifest::TaskKind::child; }
  };

  /// Why the call cannot be run here; code none if it can.
  [[nodiscard]] Error refuse(Call& call, const Frame& payload) const;
  [[nodiscard]] Error check_kind(const Call& call) const;
  [[nodiscard]] Error accept_transfer(Call& call);
  [[nodiscard]] bool may_be_pipelined(const Call& call) const;
  [[nodiscard]] slot::InvokeView view_of(const Call& call) const;
  void refuse_transfer(std::uint64_t transfer);
  void reject(std::uint64_t id, Error error, const std::string& plugin);
  void answer(std::uint64_t id, Call& call, Error error);
  void answer_with_payload(Instant now, std::uint64_t id, Call& call, slot::SlotResult& result);
  void end(Instant now, std::uint64_t id, Call& call, Error why = {});
  void start(Instant now, std::uint64_t id, Call& call);
  void forget_if_done(Instant now, std::uint64_t id);
  void feed(std::uint64_t id, Call& call);
  void drop_transfers(Call& call, const std::string& reason, const Error& death = {});
  bool withdraw(Instant now, std::uint64_t id, Call& call, const Error& error);
  void send_begun(std::uint64_t id, Call& call);
  void send_progress(Instant now, std::uint64_t id, Call& call);
  [[nodiscard]] Call* find(std::uint64_t id);

  std::string runner_;
  HostPort& host_;
  Terminator& terminator_;
  const PluginDirectory& plugins_;
  SlotPool& pool_;
  std::uint64_t payload_max_;
  std::int64_t cpu_time_ns_;
  std::unordered_map<std::uint64_t, Call> calls_;
  std::unordered_map<std::uint64_t, std::uint64_t> by_transfer_;  // incoming transfer → invocation
  std::unordered_map<std::uint64_t, std::uint64_t> by_outgoing_;  // transfer of a result → invocation
  wire::BulkQueue in_{wire::Side::host};
  wire::BulkSender out_{wire::Side::runner};
  ServiceTimes pace_;
  Discards discards_;
  std::deque<std::pair<Instant, std::uint64_t>> unbegun_;  // when to look whether it has begun
  Instant progress_wake_ = kNever;
  std::uint64_t dropped_output_ = 0;
};

}  // namespace flame::runner
