// The window of recent calls, and what is kept when a call leaves it.
#include "host/src/trace/call_history.hpp"

#include <algorithm>
#include <utility>

namespace flame::pool {
namespace {

constexpr std::size_t kEventsKept = limits::kHistoryEventsMax;
constexpr std::size_t kStoriesMax = limits::kHistoryRecentMax + limits::kHistoryOpenMax + limits::kHistoryEndedMax;
constexpr std::size_t kFailuresMax = limits::kHistoryRecentMax + limits::kHistoryEndedMax;
static_assert(kStoriesMax * (sizeof(CallStory) + limits::kNameMax) + kFailuresMax * limits::kHistoryTextMax <=
              limits::kHistoryBytesMax);

}  // namespace

void CallStory::add(const CallEvent& event) {
  if (count == kEventsKept) {
    // How it began and how it ends is what explains it.
    std::move(events.begin() + kEventsKept / 2 + 1, events.end(), events.begin() + kEventsKept / 2);
    ++dropped;
    --count;
  }
  events[count++] = event;
}

void CallHistory::submitted(const Call& call, Instant now) {
  CallStory* const place = place_for(call.id);
  if (place == nullptr) return;
  place->id = call.id;
  place->pool = call.pool;
  place->digest = call.digest;
  place->task.assign(call.task.substr(0, limits::kNameMax));
  place->submitted = now;
  place->queue.reset();
  place->count = 0;
  place->dropped = 0;
  place->answered = false;
  place->holds = false;
  place->code = ErrorCode::none;
  place->failure.clear();
}

void CallHistory::queued(CallId call, const QueueView& view, Instant now) {
  CallStory* const found = story(call);
  if (found == nullptr) return;
  found->queue = view;
  add(*found, {.step = CallStep::queued}, now);
}

void CallHistory::add(CallId call, CallEvent event, Instant now) {
  if (CallStory* const found = story(call)) add(*found, event, now);
}

void CallHistory::add(CallStory& story, CallEvent event, Instant now) {
  event.after_ns = (now - story.submitted).count();
  story.add(event);
}

void CallHistory::answered(CallId call, RunnerId runner, const Error* error, Instant now) {
  last_answered_ = call;
  if (error != nullptr) last_failed_ = call;
  CallStory* const found = story(call);
  if (found == nullptr) return;
  found->answered = true;
  if (error != nullptr) {
    found->code = error->code;
    found->failure = error->to_string().substr(0, limits::kHistoryTextMax);
  }
  add(*found, {.runner = runner, .step = CallStep::answered, .code = static_cast<std::uint8_t>(found->code)}, now);
  if (kept_.contains(call)) ended(call);
}

void CallHistory::held(CallId call, RunnerId runner, Instant now) {
  CallStory* const found = story(call);
  if (found == nullptr) return;
  found->holds = true;
  std::erase(ended_, call);
  add(*found, {.runner = runner, .step = CallStep::held}, now);
}

void CallHistory::let_go(CallId call, RunnerId runner, const Error* error, Instant now) {
  CallStory* const found = story(call);
  if (found == nullptr || !std::exchange(found->holds, false)) return;
  if (error != nullptr) found->failure = error->to_string().substr(0, limits::kHistoryTextMax);
  const ErrorCode code = error == nullptr ? ErrorCode::none : error->code;
  add(*found, {.runner = runner, .step = CallStep::let_go, .code = static_cast<std::uint8_t>(code)}, now);
  if (kept_.contains(call)) ended(call);
}

const CallStory* CallHistory::find(CallId call) const {
  if (call == 0) return nullptr;
  const std::size_t index = call % limits::kHistoryRecentMax;
  if (index < recent_.size() && recent_[index].id == call) return &recent_[index];
  const auto kept = kept_.find(call);
  return kept == kept_.end() ? nullptr : &kept->second;
}

std::size_t CallHistory::size() const {
  const auto used = std::ranges::count_if(recent_, [](const CallStory& story) { return story.id != 0; });
  return static_cast<std::size_t>(used) + kept_.size();
}

CallStory* CallHistory::story(CallId call) {
  return const_cast<CallStory*>(std::as_const(*this).find(call));
}

CallStory* CallHistory::place_for(CallId call) {
  const std::size_t index = call % limits::kHistoryRecentMax;
  if (index >= recent_.size()) recent_.resize(index + 1);
  CallStory& slot = recent_[index];
  if (slot.id > call) {  // its caller was held up between taking the number and handing the call over
    return room_for_open() ? &kept_[call] : nullptr;
  }
  if (slot.id != 0) keep(slot);
  return &slot;
}

void CallHistory::keep(CallStory& old) {
  const bool open = !old.answered || old.holds;
  if (open ? !room_for_open() : old.code == ErrorCode::none) return;
  if (open) old.failure = std::string();  // what an earlier call's text left behind is not counted twice
  const CallId call = old.id;
  kept_[call] = std::move(old);
  if (!open) ended(call);
}

void CallHistory::ended(CallId call) {
  ended_.push_back(call);
  if (ended_.size() <= limits::kHistoryEndedMax) return;
  kept_.erase(ended_.front());
  ended_.pop_front();
}

}  // namespace flame::pool
