// Worker: how tasks go.
#include "tests/sim/slots/worker.hpp"

#include <algorithm>
#include <utility>

#include "plugin_sdk/base/limits.hpp"

namespace flame::sim {

using namespace std::chrono_literals;

namespace {

// As many chunks as a slot may have said that nobody has passed on.
constexpr std::uint32_t kChunksAhead = 2;

}  // namespace

void Worker::later(Duration delay, std::function<void()> task) {
  machine_.later(delay, [this, alive = std::weak_ptr(alive_), task = std::move(task)] {
    if (alive.lock() && !dead_) task();
  });
}

void Worker::go_on(Duration delay, void (Worker::*step)()) {
  later(delay, [this, step, run = runs_] {
    if (run == runs_) (this->*step)();
  });
}

void Worker::accept(const Work& work) {
  if (dead_ && work.purpose == slot::Purpose::task) sim_.ledger.could_not_start(work.id);
  queue_.push_back(work);
  if (!work.pipelined && !running_) later(sim_.chance.skewed(1us, 300us), [this] { start_next(); });
}

void Worker::start_next() {
  const auto next = std::find_if(queue_.begin(), queue_.end(), [](const Work& work) { return !work.pipelined; });
  if (running_ || next == queue_.end()) return;
  const Work work = *next;
  queue_.erase(next);
  begin(work);
}

std::vector<std::uint64_t> Worker::revoke() {
  std::vector<std::uint64_t> ids;
  for (const Work& work : queue_)
    if (work.pipelined) ids.push_back(work.id);
  std::erase_if(queue_, [](const Work& work) { return work.pipelined; });
  return ids;
}

void Worker::begin(const Work& work) {
  page_ = work.id;
  running_ = Running{.work = work};
  ++runs_;
  if (work.purpose == slot::Purpose::idle_check) return go_on(sim_.chance.skewed(10us, 2s), &Worker::check_idle);
  const Plan& plan = sim_.plan;
  sim_.findings.note("      call ", work.id, " begins on runner ", machine_.id());
  sim_.ledger.began(work.id, machine_.id());
  running_->ending = sim_.trouble(plan.tasks_crash, 15)  ? Ending::crashes
                     : sim_.trouble(plan.tasks_hang, 10) ? Ending::hangs
                     : sim_.trouble(plan.tasks_fail, 20) ? Ending::throws
                                                         : Ending::returns;
  running_->deaf = sim_.trouble(plan.tasks_deaf, 40);
  if (running_->ending == Ending::hangs) return;
  const bool quick = work.brief && !sim_.chance.one_in(6);
  go_on(quick ? sim_.chance.skewed(5us, 500us) : sim_.chance.between(plan.task_min, plan.task_max), &Worker::finish);
}

void Worker::check_idle() {
  const std::uint64_t id = std::exchange(running_, std::nullopt)->work.id;
  if (sim_.trouble(sim_.plan.tasks_crash, 10)) return around_.crash();
  said::Outcome yes{.id = id, .bytes = sim_.trouble(true, 30) ? 1ULL : 0ULL};
  if (sim_.trouble(sim_.plan.tasks_fail, 10)) yes = {.id = id, .code = ErrorCode::task_failed};
  around_.say(std::move(yes));
}

void Worker::finish() {
  if (running_->over) return;
  if (running_->ending == Ending::crashes) {
    crashed_ = true;
    return around_.crash();
  }
  running_->over = true;
  const bool threw = running_->ending != Ending::returns;
  sim_.ledger.ended(running_->work.id, machine_.id(), threw ? Outcome::threw : Outcome::returned);
  if (sim_.chance.percent(80)) return answer();
  go_on(sim_.chance.skewed(100us, 200ms), &Worker::answer);  // hygiene mostly takes no time
}

void Worker::answer() {
  const Running done = *std::exchange(running_, std::nullopt);
  const bool returned = done.ending == Ending::returns;
  said::Outcome outcome{.id = done.work.id, .brief = done.work.brief};
  outcome.code = returned ? ErrorCode::none : ErrorCode::task_failed;
  if (returned) outcome.objects = leave_objects(done.work);
  sim_.findings.note("      call ", done.work.id, returned ? " has returned" : " has thrown");
  outcome.ready = {.reusable = !sim_.chance.one_in(10), .objects = static_cast<std::uint32_t>(objects_.size())};
  if (returned && sim_.plan.results_large && sim_.chance.one_in(2)) {
    outcome.bytes = limits::kInlinePayloadMax + sim_.chance.number(1ULL, 10ULL);
    outcome.streamed = sim_.chance.one_in(3);
    if (outcome.streamed && sim_.chance.one_in(4)) outcome.bytes += 3 * limits::kChunkMax;
  }
  const auto next_in_line = std::find_if(queue_.begin(), queue_.end(), [](const Work& work) { return work.pipelined; });
  outcome.goes_on =
      returned && outcome.ready.reusable && objects_.empty() && outcome.bytes == 0 && next_in_line != queue_.end();
  if (outcome.streamed) {
    streaming_ = outcome.bytes = slot::padded(outcome.bytes);
    streamed_ = 0;
    window_ = kChunksAhead;
    after_stream_ = outcome.ready;
  }
  const bool goes_on = outcome.goes_on;
  around_.say(std::move(outcome));
  if (streaming_ > 0) return send_chunks();
  if (!goes_on) return;
  const Work next = *next_in_line;
  queue_.erase(next_in_line);
  begin(next);
}

void Worker::send_chunks() {
  while (streaming_ > 0 && window_ > 0 && !dead_) {
    const std::uint64_t bytes = std::min<std::uint64_t>(streaming_, limits::kChunkMax);
    streaming_ -= bytes;
    --window_;
    around_.say(said::Chunk{page_, streamed_, bytes, streaming_ == 0});
    streamed_ += bytes;
    if (streaming_ == 0) around_.say(after_stream_);
  }
}

void Worker::acknowledge_chunk() {
  ++window_;
  send_chunks();
}

void Worker::take_chunk() {
  later(sim_.chance.skewed(1us, 2ms), [this] { around_.say(said::Ack{}); });
}

std::vector<std::uint64_t> Worker::leave_objects(const Work& work) {
  std::vector<std::uint64_t> objects;
  if (!sim_.plan.objects || (!work.child && !sim_.chance.one_in(3))) return objects;
  const std::uint64_t count = work.child ? 1 : sim_.chance.number(1ULL, 3ULL);
  for (std::uint64_t i = 0; i < count; ++i) objects.push_back(runs_ * 10 + i);
  if (lease_ == 0) lease_ = work.id;
  objects_.insert(objects.begin(), objects.end());
  if (!work.child) return objects;
  child_ = work.id;
  if (sim_.chance.one_in(2)) return objects;
  later(sim_.chance.skewed(1ms, 30s), [this, child = child_] { end_child(child); });
  return objects;
}

void Worker::end_child(std::uint64_t child) {
  if (child_ != child) return;
  child_ = 0;
  sim_.ledger.objects_in_trouble(lease_);
  const bool failed = sim_.chance.one_in(3);
  if (failed) sim_.ledger.child_failed(lease_);
  around_.say(said::ChildEnded{failed});
}

void Worker::stop() {
  if (!running_ || running_->work.purpose == slot::Purpose::idle_check || running_->deaf || running_->over ||
      running_->ending == Ending::crashes)
    return;
  later(sim_.chance.skewed(50us, 400ms), [this, run = runs_] {
    if (run != runs_ || !running_ || running_->over) return;
    running_->ending = Ending::throws;
    finish();
  });
}

void Worker::stop_child() {
  if (child_ == 0 || sim_.chance.one_in(4)) return;  // it does not listen
  later(sim_.chance.skewed(50us, 100ms), [this, child = child_] { end_child(child); });
}

void Worker::destroy(std::vector<std::uint64_t> objects) {
  if (running_) sim_.findings.broken("objects are destroyed under call ", running_->work.id);
  if (sim_.trouble(sim_.plan.tasks_hang, 10)) return;  // a destructor that does not return
  // With the time that it may take to be heard this stays below what a destructor may take.
  later(sim_.chance.skewed(10us, 40ms), [this, objects = std::move(objects)] {
    for (const std::uint64_t object : objects)
      if (objects_.erase(object) == 0) sim_.findings.broken("an object is destroyed twice");
    if (objects_.empty()) lease_ = child_ = 0;
    around_.say(said::Ready{.objects = static_cast<std::uint32_t>(objects_.size())});
  });
}

void Worker::end() {
  later(sim_.chance.skewed(10us, 300ms), [this] { around_.exit(); });
}

void Worker::struck() {
  if (std::exchange(dead_, true)) return;
  for (const Work& work : queue_) sim_.findings.note("      call ", work.id, " is lost in its slot");
  if (running_) sim_.findings.note("      call ", running_->work.id, " dies with its slot");
  if (lease_ != 0) {
    sim_.ledger.objects_in_trouble(lease_);
    sim_.ledger.died(lease_);  // what of its result has not left the runner is lost, too
  }
  for (const Work& work : queue_)
    if (work.purpose == slot::Purpose::task) sim_.ledger.could_not_start(work.id);
  if (!running_ || running_->work.purpose == slot::Purpose::idle_check) return;
  const std::uint64_t id = running_->work.id;
  if (running_->over || running_->paused)
    sim_.ledger.died(id);
  else
    sim_.ledger.ended(id, machine_.id(), Outcome::died);
}

void Worker::pause() {
  if (dead_ || !running_ || running_->over || running_->work.purpose == slot::Purpose::idle_check) return;
  running_->paused = true;
  sim_.ledger.paused(running_->work.id);
}

void Worker::resume() {
  if (!dead_ && running_ && std::exchange(running_->paused, false))
    sim_.ledger.resumed(running_->work.id, machine_.id());
}

// A call on an object ends as the object does, which has a moment for its destructor.
bool Worker::linked_work() const noexcept {
  return !dead_ && running_ && !running_->over && running_->work.linked && !running_->work.on_object &&
         running_->work.purpose == slot::Purpose::task;
}

}  // namespace flame::sim
