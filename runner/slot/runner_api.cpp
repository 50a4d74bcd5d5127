// flame_runner_api: what plugin code may call while it runs in a slot.
#include <linux/futex.h>
#include <sys/syscall.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <climits>
#include <cmath>
#include <cstring>

#include "plugin_sdk/base/boot_time.hpp"
#include "runner/protocol/channel.hpp"
#include "runner/slot/call_state.hpp"
#include "runner/slot/code_frame.hpp"

namespace flame::slot {
namespace {

/// A bar that moves 50 times per second is smooth; more would only wake the supervisor.
constexpr std::int64_t kProgressInterval_ns = 20'000'000;

CallState& state(flame_call* call) {
  return *static_cast<CallState*>(call);
}
const CallState& state(const flame_call* call) {
  return *static_cast<const CallState*>(call);
}

void send_text(int channel, std::span<const std::byte> fixed, std::string_view text, std::size_t limit) {
  std::array<std::byte, sizeof(LogMessage) + limits::kTextMax> datagram;  // not zeroed
  const std::size_t size = std::min(text.size(), limit);
  std::memcpy(datagram.data(), fixed.data(), fixed.size());
  if (size != 0) std::memcpy(datagram.data() + fixed.size(), text.data(), size);
  const auto total = static_cast<std::uint32_t>(fixed.size() + size);
  std::memcpy(datagram.data() + offsetof(Header, size), &total, sizeof(total));
  // A lost channel is found after the call, by the hygiene check.
  static_cast<void>(send_datagram(channel, std::span(datagram).first(total), 0));
}

void send_progress(const CallState& call, double fraction, std::string_view message) {
  auto progress = make_message<ProgressMessage>(Kind::progress);
  progress.id = call.id.load(std::memory_order_relaxed);
  progress.fraction = fraction;
  send_text(call.channel, as_datagram(progress), message, limits::kTextMax);
}

std::uint8_t* result_alloc(flame_call* call, std::size_t size) {
  return reinterpret_cast<std::uint8_t*>(state(call).result.allocate_table(size));
}

flame_status result_attach(flame_call* call, flame_view bytes) {
  std::byte* place = state(call).result.allocate_attachment(bytes.size);
  if (place == nullptr) return FLAME_TOO_LARGE;
  if (bytes.size != 0) std::memcpy(place, bytes.data, bytes.size);
  return FLAME_OK;
}

void set_error(flame_call* call, const char* type, const char* message) {
  state(call).error_type.assign(type, ::strnlen(type, kTypeMax));
  state(call).error_message.assign(message, ::strnlen(message, limits::kTextMax));
}

int32_t stop_requested(const flame_call* call) {
  return (state(call).stop->load(std::memory_order_acquire) & kStopRequested) != 0 ? 1 : 0;
}

int32_t wait_stop(flame_call* call) {
  std::atomic<std::uint32_t>& word = *state(call).stop;
  for (;;) {
    const std::uint32_t value = word.load(std::memory_order_acquire);
    if ((value & kStopRequested) != 0) return 1;
    if ((value & kStopWaitEnded) != 0) return 0;
    ::syscall(SYS_futex, &word, FUTEX_WAIT, value, nullptr, nullptr, 0);
  }
}

void end_wait_stop(flame_call* call) {
  std::atomic<std::uint32_t>& word = *state(call).stop;
  word.fetch_or(kStopWaitEnded, std::memory_order_release);
  ::syscall(SYS_futex, &word, FUTEX_WAKE, INT_MAX, nullptr, nullptr, 0);
}

std::int64_t remaining_ns(const flame_call* call) {
  if (!state(call).has_deadline) return -1;
  const std::int64_t deadline = state(call).control->deadline_ns.load(std::memory_order_relaxed);
  return deadline == 0 ? -1 : std::max<std::int64_t>(0, deadline - base::boot_time().time_since_epoch().count());
}

void log_line(flame_call* call, std::int32_t level, const char* message, std::size_t size) {
  send_log(state(call), level, {message, size});
}

void progress(flame_call* c, double fraction, const char* message, std::size_t size) {
  if (std::isnan(fraction)) return;
  CallState& call = state(c);
  const std::string_view text(message, std::min(size, limits::kTextMax));
  const double clamped = std::clamp(fraction, 0.0, 1.0);
  const std::lock_guard lock(call.progress_mutex);
  const std::int64_t now = base::boot_time().time_since_epoch().count();
  if (now - call.progress_sent_ns >= kProgressInterval_ns) {
    call.progress_sent_ns = now;
    call.progress_pending = false;
    return send_progress(call, clamped, text);
  }
  call.progress_pending = true;
  call.progress_fraction = clamped;
  call.progress_message = text;
}

std::uint32_t track(flame_call* c, void* object, const flame_object_type* type) {
  CallState& call = state(c);
  if (call.result_resources.size() >= limits::kAttachmentsMax) return 0;
  const std::uint64_t id = call.objects.add(object, *type);
  if (id == 0) return 0;
  call.result_resources.push_back(id);
  return static_cast<std::uint32_t>(call.result_resources.size());
}

void* tracked(flame_call* c, std::uint32_t index, const char* type_name) {
  CallState& call = state(c);
  if (index == 0 || index > call.argument_resources.size()) return nullptr;
  return call.objects.find(call.argument_resources[index - 1], type_name);
}

void set_where(flame_call* c, void* const* addresses, std::size_t count) {
  CallState& call = state(c);
  ThrowInfo& thrown = call.control->thrown;
  count = std::min(count, kThrowFrames);
  for (std::size_t i = 0; i < count; ++i) describe_frame(thrown.frames[i], addresses[i]);
  thrown.frame_count.store(static_cast<std::uint32_t>(count), std::memory_order_relaxed);
  thrown.invocation.store(call.id.load(std::memory_order_relaxed), std::memory_order_release);
}

constexpr flame_where_extension kWhere = {sizeof(flame_where_extension), 0, set_where};

const void* get_extension(const char* id) {
  return std::strcmp(id, FLAME_EXTENSION_WHERE) == 0 ? &kWhere : nullptr;
}

constexpr flame_runner_api kApi = {
    .struct_size = sizeof(flame_runner_api),
    .abi_minor = FLAME_ABI_MINOR,
    .result_alloc = result_alloc,
    .result_attach = result_attach,
    .set_error = set_error,
    .stop_requested = stop_requested,
    .wait_stop = wait_stop,
    .end_wait_stop = end_wait_stop,
    .remaining_ns = remaining_ns,
    .log = log_line,
    .progress = progress,
    .track = track,
    .tracked = tracked,
    .get_extension = get_extension,
};

}  // namespace

CallState::CallState(int channel_fd, ControlPage* page, std::byte* arena, std::uint64_t payload_max)
    : flame_call{}, channel(channel_fd), control(page), stop(&page->stop), result(arena, payload_max) {
  struct_size = sizeof(flame_call);
  api = &kApi;
}

const flame_runner_api* runner_api() {
  return &kApi;
}

void flush_progress(CallState& call) {
  const std::lock_guard lock(call.progress_mutex);
  if (!call.progress_pending) return;
  call.progress_pending = false;
  send_progress(call, call.progress_fraction, call.progress_message);
}

void send_log(CallState& call, int level, std::string_view text) {
  auto message = make_message<LogMessage>(Kind::log);
  message.id = call.id.load(std::memory_order_relaxed);
  message.level = level;
  send_text(call.channel, as_datagram(message), text, limits::kTextMax);
}

}  // namespace flame::slot
