// One slot's life: announces itself, then receives, runs and answers one call after the other.
#include "runner/slot/slot_loop.hpp"

#include <cxxabi.h>
#include <pthread.h>
#include <unistd.h>

#include <algorithm>
#include <cstring>

#include "runner/protocol/channel.hpp"
#include "runner/slot/hook.hpp"
#include "runner/slot/streams.hpp"

namespace flame::slot {
namespace {

constexpr std::uint32_t kCallsBetweenFdChecks = 32;

/// Takes `size` bytes off the front of a datagram's tail. The supervisor is trusted, but a build mix-up must not crash.
std::span<const std::byte> take(std::span<const std::byte>& rest, std::size_t size) {
  if (size > rest.size()) ::_exit(kExitBadRequest);
  const auto piece = rest.first(size);
  rest = rest.subspan(size);
  return piece;
}

std::span<const std::uint64_t> take_numbers(std::span<const std::byte>& rest, std::uint32_t count) {
  const auto piece = take(rest, count * sizeof(std::uint64_t));
  return {reinterpret_cast<const std::uint64_t*>(piece.data()), count};  // 8-aligned: fixed parts are multiples of 16
}

}  // namespace

SlotLoop::SlotLoop(SlotShared& shared, int channel, ControlPage* page, std::byte* arena)
    : shared_(shared),
      channel_(channel),
      page_(page),
      arena_(arena),
      state_(channel, page, arena, shared.limits.payload_max),
      meter_(shared.threads) {
  state_.parent = &shared.parent;
}

void SlotLoop::run() {
  if (!announce()) return;
  for (;;) {
    const ssize_t size = receive_datagram(channel_, received_.span(), 0);
    if (size <= 0 && child_ != nullptr) ::_exit(0);  // its run() need not return
    if (size <= 0) return;
    EndMessage end{};
    if (read_message(received_.span().first(static_cast<std::size_t>(size)), end) && end.header.kind == Kind::end) {
      return stop();
    }
    serve(received_.span().first(static_cast<std::size_t>(size)));
  }
}

bool SlotLoop::announce() {
  send(as_datagram(make_message<HelloMessage>(Kind::hello)));
  std::optional<Error> failed;
  {
    const std::lock_guard lock(shared_.hooks);
    page_->in_start_slot.store(1, std::memory_order_release);
    failed = run_hook(shared_.table.plugin().start_slot, shared_.parent, "start_slot()");
    page_->in_start_slot.store(0, std::memory_order_release);
  }
  flush_streams();
  const SharedProcess process{shared_.slots, shared_.running};
  hygiene_.emplace(channel_, shared_.limits, shared_.threads ? &process : nullptr);
  if (!failed) send_ready({});
  if (failed) send_ready({DiscardReason::other, failed->message}, failed->code);
  return !failed;
}

void SlotLoop::stop() {
  const std::shared_lock lock(shared_.hooks);
  const auto failed = run_hook(stop_slot_of(shared_.table.plugin()), shared_.parent, "stop_slot()");
  if (failed) send_log(state_, 2, failed->message);
}

void SlotLoop::serve(std::span<const std::byte> datagram) {
  Header header{};
  if (datagram.size() < sizeof(header)) ::_exit(kExitBadRequest);
  std::memcpy(&header, datagram.data(), sizeof(header));
  if (header.kind == Kind::invoke) return invoke(datagram);
  if (header.kind == Kind::destroy) return destroy(datagram);
  if (header.kind != Kind::ack) ::_exit(kExitBadRequest);  // acks of a stream's last chunks come late
}

void SlotLoop::destroy(std::span<const std::byte> datagram) {
  DestroyMessage message{};
  if (!read_message(datagram, message)) ::_exit(kExitBadRequest);
  const RunningCall running(shared_.running);
  hygiene_->touched();
  auto rest = datagram.subspan(sizeof(message));
  for (const std::uint64_t id : take_numbers(rest, message.count)) {
    if (child_ != nullptr && child_->object() == id) child_.reset();
    state_.objects.destroy(id);
  }
  send_ready(verdict(0, 0));
}

void SlotLoop::invoke(std::span<const std::byte> datagram) {
  const RunningCall running(shared_.running);  // outlives what the call holds
  Call call = unpack(datagram);
  if (!may_begin(call.head)) return;
  if (call.head.pipelined != 0) page_->allocation_failed.store(0, std::memory_order_relaxed);
  page_->deadline_ns.store(call.head.deadline_ns, std::memory_order_relaxed);
  page_->memory_kept.store(hygiene_->memory_kept(), std::memory_order_relaxed);
  state_.result.reset();
  state_.result_resources.clear();
  state_.error_type.clear();
  state_.error_message.clear();
  state_.id.store(call.head.call.id, std::memory_order_relaxed);
  meter_.begin(*page_);
  std::optional<Failure> failure = receive_stream(call);
  if (!failure) failure = execute(call);
  // A child that the task forked came back out of it: it is nobody's slot and must not answer.
  if (process_.in_child()) ::_exit(0);
  note_sickness(failure);
  if (failure) drop_results();
  const std::uint64_t child = !failure && call.places_child ? state_.result_resources.front() : 0;
  answer(call, std::move(failure));
  if (child != 0) start_child(call.head.call.id, child);
}

// See Claims. False: the supervisor has taken the call back, or will when it reads the last result.
bool SlotLoop::may_begin(const InvokeMessage& call) const {
  if (call.pipelined != 0 && !runs_pipelined_) return false;
  if (call.number == 0) return true;
  std::uint64_t word = page_->claims.load(std::memory_order_acquire);
  for (;;) {
    const Claims claims = Claims::unpack(word);
    if (call.number == claims.begun) return true;
    if (call.number <= claims.revoked) return false;
    if (page_->claims.compare_exchange_weak(word, Claims{call.number, claims.revoked}.pack())) return true;
  }
}

void SlotLoop::start_child(std::uint64_t lease, std::uint64_t object) {
  const auto [instance, type] = state_.objects.get(object);
  if (type->run == nullptr) return;
  hygiene_->touched();
  limit_cpu(0);  // the limit is for calls, and the process is one: run() would use it up
  child_ = std::make_unique<ChildThread>(ChildThread::Child{lease, object, instance, type}, channel_, page_, arena_,
                                         &shared_.parent);
}

SlotLoop::Call SlotLoop::unpack(std::span<const std::byte> datagram) {
  Call call;
  if (!read_message(datagram, call.head)) ::_exit(kExitBadRequest);
  auto rest = datagram.subspan(sizeof(InvokeMessage));
  if (call.head.carrier == Carrier::inline_bytes) call.input = take(rest, call.head.total).data();
  if (call.head.carrier == Carrier::arena) call.input = arena_;
  call.parts = take_numbers(rest, call.head.part_count);
  state_.argument_resources = take_numbers(rest, call.head.resource_count);
  return call;
}

std::optional<SlotLoop::Failure> SlotLoop::execute(Call& call) {
  if (call.head.call.purpose == Purpose::idle_check) return check_idle(call);
  const flame_task* const task = shared_.table.find(call.head.call.task);
  if (task == nullptr) return Failure{ErrorCode::not_found, {}, "the plugin has no such task; rebuild one side"};
  void* object = nullptr;
  if ((task->flags & FLAME_TASK_METHOD) != 0) {
    object = state_.objects.find(call.head.call.object, task->object->name);
    if (object == nullptr) {
      return Failure{ErrorCode::runner_lost, {}, "the object no longer exists on its runner; make it again"};
    }
  }
  set_input(call);
  state_.object = object;
  state_.attempt = call.head.call.attempt;
  if ((call.head.call.cpu_time_ns != 0 || cpu_limited_) && child_ == nullptr) {
    limit_cpu(call.head.call.cpu_time_ns);
    cpu_limited_ = call.head.call.cpu_time_ns != 0;
  }
  page_->invocation.store(call.head.call.id, std::memory_order_release);
  hygiene_->task_begins(reinterpret_cast<std::uintptr_t>(task));
  const flame_status status = run_task(*task);
  hygiene_->task_ended();
  call.places_child = (task->flags & FLAME_TASK_CHILD) != 0;
  if (status == FLAME_OK && call.places_child && state_.result_resources.size() != 1) {
    return Failure{ErrorCode::task_failed, {}, "\"" + std::string(task->name) + "\" did not make one object"};
  }
  return outcome(status, *task);
}

// pthread_exit() and cancellations unwind the stack up to here. Whoever stops that is aborted, and further up the
// thread would be gone, with nobody left to answer the call. UBSan takes the object of such an unwind, which is at no
// address, for a fault.
__attribute__((no_sanitize("null"))) flame_status SlotLoop::run_task(const flame_task& task) {
  try {
    const flame_status status = task.invoke(&state_);
    ::pthread_testcancel();  // a cancellation that the task left pending would end a later call
    return status;
  } catch (abi::__forced_unwind&) {
    end_with_thread();
  }
}

// As if the task had called exit(), but for what its caller is told.
void SlotLoop::end_with_thread() {
  if (process_.in_child()) ::_exit(0);
  flush_streams();
  page_->exited.store(1, std::memory_order_release);
  ::_exit(kExitThreadEnded);
}

std::optional<SlotLoop::Failure> SlotLoop::check_idle(const Call& call) {
  page_->invocation.store(call.head.call.id, std::memory_order_release);
  hygiene_->touched();
  const auto check = idle_check_of(shared_.table.plugin());
  std::array<char, 4096> message{};
  const std::int32_t verdict = check == nullptr ? 1 : check(&shared_.parent, message.data(), message.size());
  message.back() = '\0';
  if (verdict < 0) return Failure{ErrorCode::task_failed, {}, message.data()};
  std::byte* const answer = state_.result.allocate_table(1);
  if (answer == nullptr) return Failure{ErrorCode::out_of_memory, {}, "no memory for the answer"};
  *answer = std::byte(verdict == 0 ? 0 : 1);
  return std::nullopt;
}

void SlotLoop::set_input(const Call& call) {
  const auto* bytes = reinterpret_cast<const std::uint8_t*>(call.input);
  state_.attachment_views.clear();
  std::uint64_t at = 0;
  for (const std::uint64_t size : call.parts) {
    state_.attachment_views.push_back({bytes + at, size});
    at += padded(size);
  }
  state_.input = state_.attachment_views.empty() ? flame_view{} : state_.attachment_views.front();
  state_.attachments = state_.attachment_views.size() < 2 ? nullptr : &state_.attachment_views[1];
  state_.attachment_count = state_.attachment_views.empty() ? 0 : state_.attachment_views.size() - 1;
  state_.resource_count = state_.argument_resources.size();
}

std::optional<SlotLoop::Failure> SlotLoop::outcome(flame_status status, const flame_task& task) {
  ErrorCode code = ErrorCode::task_failed;
  switch (status) {
    case FLAME_OK:
      return std::nullopt;
    case FLAME_TASK_FAILED:
      state_.error_message += thread_remedy(shared_.limits, state_.error_message);
      break;
    case FLAME_INVALID_ARGUMENT:
      code = ErrorCode::invalid_argument;
      break;
    case FLAME_OUT_OF_MEMORY:
      code = ErrorCode::out_of_memory;
      break;
    case FLAME_TOO_LARGE:
      code = ErrorCode::too_large;
      break;
    case FLAME_RUNNER_LOST:
      code = ErrorCode::runner_lost;
      break;
    default:
      return Failure{
          code, {}, "\"" + std::string(task.name) + "\" returned the unknown status " + std::to_string(status)};
  }
  // Storage that could not be had for a result within the limit is a lack of memory, whatever the plugin made of it.
  if (code == ErrorCode::too_large && page_->allocation_failed.load() != 0) code = ErrorCode::out_of_memory;
  return Failure{code, std::move(state_.error_type), std::move(state_.error_message)};
}

void SlotLoop::drop_results() {
  for (const std::uint64_t id : state_.result_resources) state_.objects.destroy(id);
  state_.result_resources.clear();
  state_.result.reset();
}

void SlotLoop::limit_cpu(std::int64_t budget_ns) {
  hygiene_->expect_cpu_limit(limit_cpu_time(budget_ns));
}

// Remembered until the slot is judged, which it is not while objects live in it.
void SlotLoop::note_sickness(const std::optional<Failure>& failure) {
  const bool said_so = failure && failure->code == ErrorCode::out_of_memory;
  if (said_so || page_->allocation_failed.load(std::memory_order_relaxed) != 0) allocation_failed_ = true;
}

Finding SlotLoop::verdict(std::uint64_t task, std::uint64_t in_hand) {
  Finding finding;
  if (state_.objects.size() > 0) {
    hygiene_->tidy();
  } else {
    finding = judge(task, in_hand);
  }
  require_channel();
  return finding;
}

Finding SlotLoop::judge(std::uint64_t task, std::uint64_t in_hand) {
  Finding finding = hygiene_->clean(task, in_hand);
  if (finding) return finding;
  if (allocation_failed_) return {DiscardReason::allocation_failed, "an allocation failed in it"};
  if (++calls_ >= limits::kSlotCallsMax) return {DiscardReason::calls_max, "the slot has served its number of calls"};
  warn_of_leaked_fds();
  return {};
}

void SlotLoop::warn_of_leaked_fds() {
  if (warned_fds_ || shared_.threads || calls_ % kCallsBetweenFdChecks != 0) return;
  const long leaked = hygiene_->leaked_fds();
  if (leaked == 0) return;
  warned_fds_ = true;
  send_log(state_, 2, "the tasks of this slot left " + std::to_string(leaked) + " file descriptors open");
}

void SlotLoop::require_channel() const {
  // Writing on would put our bytes into whatever the task has opened under this number.
  if (!hygiene_->channel_intact()) ::_exit(kExitChannelLost);
}

}  // namespace flame::slot
