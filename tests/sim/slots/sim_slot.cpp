// SimSlot: its states, as slot::SlotHandle has them.
#include "tests/sim/slots/sim_slot.hpp"

#include <algorithm>
#include <utility>

#include "plugin_sdk/base/limits.hpp"
#include "plugin_sdk/base/task_id.hpp"

namespace flame::sim {

namespace {

// Beyond this the slot is told of a call before all of its bytes are there, and takes so many chunks at once.
constexpr std::uint64_t kToldAtOnce = limits::kChunkMax;
constexpr std::uint32_t kChunksTaken = 2;

Work work_of(const slot::InvokeView& call) {
  return {.id = call.id,
          .linked = call.linked,
          .on_object = call.object != 0,
          .child = call.places_child,
          .brief = call.task == base::task_id("brief", 0),
          .purpose = call.purpose};
}

slot::SlotReady event_of(const said::Ready& ready) {
  slot::SlotReady event;
  event.reusable = ready.reusable;
  event.discard = ready.reusable ? DiscardReason::none : DiscardReason::other;
  event.reason = ready.reusable ? "" : "simulated";
  event.code = ready.code;
  event.shortage = ready.shortage;
  event.objects = ready.objects;
  return event;
}

}  // namespace

SimSlot::SimSlot(Context& sim, Machine& machine, Around around)
    : sim_(sim),
      around_(std::move(around)),
      worker_(sim, machine, {[this](said::Message message) { say(std::move(message)); }, around_.crash, around_.exit}) {
}

void SimSlot::say(said::Message message) {
  said_.push_back(std::move(message));
  around_.heard();
}

void SimSlot::cut() {
  cut_ = true;
  if (state_ == State::feeding) sim_.ledger.could_not_start(invocation_);
  around_.heard();
}

void SimSlot::read(std::vector<slot::SlotEvent>& events) {
  if (state_ == State::closed) return;
  while (!said_.empty()) {
    const said::Message message = std::move(said_.front());
    said_.pop_front();
    std::visit([&](const auto& one) { hear(one, events); }, message);
    if (idle() && (cut_ || !said_.empty())) return around_.heard();  // the rest another time
    if (idle()) return;
  }
  if (!cut_) return;
  if (state_ == State::streaming || state_ == State::cleaning) sim_.ledger.died(invocation_);
  state_ = State::closed;
  events.emplace_back(slot::SlotClosed{"simulated end"});
}

void SimSlot::hear(const said::Hello& hello, std::vector<slot::SlotEvent>& events) {
  events.emplace_back(slot::SlotHello{hello.pid});
}

void SimSlot::hear(const said::Ready& ready, std::vector<slot::SlotEvent>& events) {
  if (state_ == State::destroying && ready.objects == 0) child_ = false;
  state_ = State::idle;
  invocation_ = 0;
  events.emplace_back(event_of(ready));
}

void SimSlot::hear(const said::Outcome& outcome, std::vector<slot::SlotEvent>& events) {
  if (outcome.id != invocation_) sim_.findings.broken("call ", outcome.id, " ends where call ", invocation_, " is");
  slot::SlotResult result;
  result.id = outcome.id;
  result.error.code = outcome.code;
  result.error.message = outcome.code == ErrorCode::none ? "" : "simulated";
  result.usage.wall_ns = outcome.brief ? 20'000 : 10'000'000;
  result.quiet = outcome.brief;
  result.resources = outcome.objects;
  result.streamed = outcome.streamed;
  if (outcome.code == ErrorCode::none) {
    result.parts = {outcome.bytes};
    result.total = slot::padded(outcome.bytes);
    if (!outcome.streamed) result.bytes = slot::PayloadBuffer(result.total);
    if (result.bytes.size() > 0) result.bytes.data()[0] = std::byte{0};
  }
  events.emplace_back(std::move(result));
  state_ = outcome.streamed ? State::streaming : State::idle;
  if (!outcome.streamed) invocation_ = 0;
  run_next(outcome.goes_on, events);
  if (!outcome.streamed) events.emplace_back(event_of(outcome.ready));
}

void SimSlot::run_next(bool goes_on, std::vector<slot::SlotEvent>& events) {
  if (pipelined_.empty()) return;
  if (!goes_on) {
    events.emplace_back(slot::SlotRevoked{revoke()});
    return;
  }
  invocation_ = pipelined_.front();
  pipelined_.erase(pipelined_.begin());
  state_ = State::running;
  total_ = fed_ = 0;
}

void SimSlot::hear(const said::Chunk& chunk, std::vector<slot::SlotEvent>& events) {
  slot::SlotResultChunk event;
  event.id = chunk.id;
  event.offset = chunk.offset;
  event.bytes = slot::PayloadBuffer(chunk.bytes);
  event.last = chunk.last;
  if (chunk.last) state_ = State::cleaning;
  events.emplace_back(std::move(event));
}

void SimSlot::hear(const said::Ack&, std::vector<slot::SlotEvent>& events) {
  const bool was_full = unacknowledged_ == kChunksTaken;
  --unacknowledged_;
  if (was_full && missing_bytes() > 0) events.emplace_back(slot::SlotRoom{});
}

void SimSlot::hear(const said::ChildEnded& ended, std::vector<slot::SlotEvent>& events) {
  child_ = false;
  slot::SlotChildEnded event;
  if (ended.failed) event.error = {.code = ErrorCode::task_failed, .message = "simulated", .started = Started::yes};
  events.emplace_back(std::move(event));
}

Result<void> SimSlot::invoke(const slot::InvokeView& call) {
  if (!idle()) sim_.findings.broken("call ", call.id, " is sent to a slot in which call ", invocation_, " is");
  invocation_ = call.id;
  work_ = work_of(call);
  brief_ = call.brief;
  child_ = child_ || call.places_child;
  stopped_ = told_ = false;
  total_ = 0;
  for (const std::uint64_t part : call.parts) total_ += slot::padded(part);
  fed_ = call.bytes.size();
  unacknowledged_ = 0;
  state_ = fed_ == total_ ? State::running : State::feeding;
  if (cut_ && work_.purpose == slot::Purpose::task) sim_.ledger.could_not_start(call.id);
  if (state_ == State::running) worker_.accept(work_);
  return boost::system::in_place_value;
}

bool SimSlot::takes_pipelined() const noexcept {
  if (idle()) sim_.findings.broken("a call follows nothing");
  return state_ == State::running && brief_ && !stopped_ && pipelined_.size() < slot::kPipelinedMax;
}

void SimSlot::push(const slot::InvokeView& call) {
  if (!takes_pipelined() || !call.brief) sim_.findings.broken("call ", call.id, " is sent behind one that takes none");
  pipelined_.push_back(call.id);
  Work work = work_of(call);
  work.pipelined = true;
  worker_.accept(work);
}

std::vector<std::uint64_t> SimSlot::revoke() {
  std::vector<std::uint64_t> back = worker_.revoke();
  for (const std::uint64_t id : back) std::erase(pipelined_, id);
  return back;
}

std::size_t SimSlot::feed(std::span<const std::byte> bytes) {
  if (state_ != State::feeding) return 0;
  const bool streams = total_ > kToldAtOnce;
  told_ = told_ || streams;
  if (streams && unacknowledged_ == kChunksTaken) return 0;
  const std::uint64_t count = std::min<std::uint64_t>(bytes.size(), total_ - fed_);
  fed_ += count;
  if (streams) {
    ++unacknowledged_;
    worker_.take_chunk();
  }
  if (fed_ == total_) {
    state_ = State::running;
    worker_.accept(work_);
  }
  return count;
}

bool SimSlot::withdraw() {
  if (state_ != State::feeding || told_) return false;
  state_ = State::idle;
  invocation_ = 0;
  total_ = fed_ = 0;
  return true;
}

void SimSlot::request_stop() noexcept {
  stopped_ = true;
  worker_.stop();
}

void SimSlot::destroy_objects(std::span<const std::uint64_t> ids) {
  if (!idle()) sim_.findings.broken("objects are destroyed under call ", invocation_);
  state_ = State::destroying;
  worker_.destroy({ids.begin(), ids.end()});
}

slot::PostMortem SimSlot::post_mortem() const {
  slot::PostMortem found;
  found.begun = begun();
  if (worker_.crashed()) found.crash = slot::CrashReport{.signal = 11, .frames = {}};
  return found;
}

}  // namespace flame::sim
