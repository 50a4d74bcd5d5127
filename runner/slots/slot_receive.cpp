// The supervisor's side of a slot: what the slot sends. Hostile code may have written every byte of it.
#include <sys/socket.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <cstring>

#include "plugin_sdk/base/assert.hpp"
#include "runner/protocol/channel.hpp"
#include "runner/slots/printable.hpp"
#include "runner/slots/slot_handle.hpp"

namespace flame::slot {
namespace {

constexpr int kDatagramsPerTurn = 64;  // then other slots get theirs

/// Takes pieces off the front of a datagram's tail; every take is bounds-checked.
class Tail {
 public:
  explicit Tail(std::span<const std::byte> bytes) : rest_(bytes) {}

  [[nodiscard]] bool take(std::size_t size, std::span<const std::byte>& piece) {
    if (size > rest_.size()) return false;
    piece = rest_.first(size);
    rest_ = rest_.subspan(size);
    return true;
  }
  [[nodiscard]] bool take_numbers(std::uint32_t count, std::size_t max, std::vector<std::uint64_t>& numbers) {
    std::span<const std::byte> piece;
    if (count > max || !take(count * sizeof(std::uint64_t), piece)) return false;
    numbers.resize(count);
    if (count != 0) std::memcpy(numbers.data(), piece.data(), piece.size());
    return true;
  }
  [[nodiscard]] bool take_text(std::uint32_t size, std::size_t max, std::string& text) {
    std::span<const std::byte> piece;
    if (size > max || !take(size, piece)) return false;
    text = printable({reinterpret_cast<const char*>(piece.data()), piece.size()});
    return true;
  }
  [[nodiscard]] std::string_view rest_as_text() const {
    return {reinterpret_cast<const char*>(rest_.data()), std::min(rest_.size(), limits::kTextMax)};
  }
  [[nodiscard]] bool empty() const { return rest_.empty(); }

 private:
  std::span<const std::byte> rest_;
};

/// The parts add up to `total` and stay within `limit`.
bool parts_fit(const std::vector<std::uint64_t>& parts, std::uint64_t total, std::uint64_t limit) {
  std::uint64_t sum = 0;
  for (const std::uint64_t part : parts) {
    if (part > limit || sum > limit) return false;
    sum += padded(part);
  }
  return sum == total;
}

/// Copies parts out of the arena once; offsets come from the slot.
bool copy_out(const std::byte* arena, const std::vector<std::uint64_t>& parts,
              const std::vector<std::uint64_t>& offsets, PayloadBuffer& bytes) {
  std::byte* to = bytes.data();
  for (std::size_t i = 0; i < parts.size(); ++i) {
    if (offsets[i] < kArenaInput || offsets[i] > limits::kArenaBytes) return false;
    if (parts[i] > limits::kArenaBytes - offsets[i]) return false;
    if (parts[i] != 0) std::memcpy(to, arena + offsets[i], parts[i]);
    const std::size_t step = padded(parts[i]);
    if (step != parts[i]) std::memset(to + parts[i], 0, step - parts[i]);
    to += step;
  }
  return true;
}

}  // namespace

void SlotHandle::read(std::vector<SlotEvent>& events) {
  alignas(16) std::array<std::byte, kDatagramMax> buffer;  // not zeroed: this is the hot path
  for (int turn = 0; turn < kDatagramsPerTurn && channel_; ++turn) {
    pid_t sender = 0;
    const ssize_t size = said_hello_ ? receive_datagram(channel_.get(), buffer, MSG_DONTWAIT)
                                     : receive_with_sender(channel_.get(), buffer, MSG_DONTWAIT, sender);
    if (size < 0 && (errno == EAGAIN || errno == EWOULDBLOCK)) return;
    if (size <= 0) return close(events, "the task closed the runner's channel");
    receive(std::span(buffer).first(static_cast<std::size_t>(size)), sender, events);
    // The usual case ends here without a second, empty receive. With pipelined calls there is more.
    if (state_ == State::idle) return;
  }
}

void SlotHandle::close(std::vector<SlotEvent>& events, std::string reason) {
  if (state_ == State::closed) return;
  state_ = State::closed;
  channel_.reset();
  outgoing_.clear();
  kept_.clear();
  events.emplace_back(SlotClosed{std::move(reason)});
}

void SlotHandle::receive(std::span<const std::byte> datagram, pid_t sender, std::vector<SlotEvent>& events) {
  Header header{};
  if (datagram.size() < sizeof(header)) return close(events, "the slot sent a datagram that is too short");
  std::memcpy(&header, datagram.data(), sizeof(header));
  if (header.kind != Kind::hello && !said_hello_) return close(events, "the slot did not say hello first");
  switch (header.kind) {
    case Kind::hello:
      return receive_hello(sender, events);
    case Kind::ready:
      return receive_ready(datagram, events);
    case Kind::result:
      return receive_result(datagram, events);
    case Kind::data:
      return receive_data(datagram, events);
    case Kind::ack:
      return receive_ack(datagram, events);
    case Kind::child_ended:
      return receive_child_ended(datagram, events);
    case Kind::progress:
    case Kind::log:
      return receive_text(datagram, events);
    default:
      return close(events, "the slot sent a datagram of an unknown kind");
  }
}

void SlotHandle::receive_hello(pid_t sender, std::vector<SlotEvent>& events) {
  if (said_hello_ || sender <= 0) return close(events, "the slot said hello twice or without credentials");
  said_hello_ = true;
  pass_credentials(channel_.get(), false);
  events.emplace_back(SlotHello{sender});
}

void SlotHandle::receive_ready(std::span<const std::byte> datagram, std::vector<SlotEvent>& events) {
  ReadyMessage message{};
  const bool expected = state_ == State::starting || state_ == State::ready_wait || state_ == State::destroying;
  if (!expected || !read_message(datagram, message)) return close(events, "the slot sent an unexpected ready");
  if (state_ == State::destroying && message.objects == 0) child_ = 0;
  state_ = State::idle;
  invocation_ = 0;
  SlotReady ready;
  ready.reusable = message.verdict == Verdict::reusable;
  if (!ready.reusable)
    ready.discard = discard_reason_from(std::max(static_cast<std::uint64_t>(message.discard_reason), std::uint64_t{1}));
  ready.objects = message.objects;
  ready.threads = message.threads;
  if (message.code <= static_cast<std::uint32_t>(ErrorCode::shutting_down)) {
    ready.code = static_cast<ErrorCode>(message.code);
    ready.shortage = ready.code != ErrorCode::none && message.shortage != 0;
  }
  ready.reason = printable(Tail(datagram.subspan(sizeof(message))).rest_as_text());
  events.emplace_back(std::move(ready));
}

void SlotHandle::receive_result(std::span<const std::byte> datagram, std::vector<SlotEvent>& events) {
  ResultMessage message{};
  if (!read_message(datagram, message) || state_ != State::running || message.id != invocation_ ||
      fed_ != feed_total_) {
    return close(events, "the slot sent an unexpected result");
  }
  SlotResult result;
  result.id = message.id;
  result.total = message.total;
  result.streamed = message.carrier == Carrier::stream;
  result.usage = {message.usage.wall_ns, message.usage.user_ns, message.usage.system_ns, message.usage.peak_memory};
  SlotReady ready;
  ready.reusable = message.verdict == Verdict::reusable;
  if (!ready.reusable)
    ready.discard = discard_reason_from(std::max(static_cast<std::uint64_t>(message.discard_reason), std::uint64_t{1}));
  ready.objects = message.objects;
  ready.threads = message.threads;
  if (!unpack_result(message, datagram.subspan(sizeof(message)), result, ready.reason)) {
    return close(events, "the slot sent a malformed result");
  }
  result_total_ = message.total;
  result_got_ = 0;
  result_chunks_ = result_acked_ = 0;
  state_ = result.streamed ? State::result_stream : State::idle;
  const bool streamed = result.streamed;
  result.quiet = message.quiet != 0;
  events.emplace_back(std::move(result));
  if (streamed) {
    static_cast<void>(run_next(false, events));
    return;
  }
  invocation_ = 0;
  const bool leaves_nothing = ready.reusable && ready.objects == 0 && message.resource_count == 0 &&
                              message.carrier == Carrier::inline_bytes && message.code == 0;
  if (run_next(message.runs_pipelined != 0 && leaves_nothing, events)) events.emplace_back(std::move(ready));
}

// The slot goes on with what it has been sent, or says that it does not. False: it lied, and is closed.
bool SlotHandle::run_next(bool may_be_pipelined, std::vector<SlotEvent>& events) {
  if (pipelined_.empty()) return true;
  if (!may_be_pipelined) events.emplace_back(SlotRevoked{revoke()});
  if (pipelined_.empty()) return true;
  if (!may_be_pipelined) {
    close(events, "the slot runs what it has refused");
    return false;
  }
  invocation_ = pipelined_.front().id;
  running_number_ = pipelined_.front().number;
  pipelined_.pop_front();
  state_ = State::running;
  fed_ = feed_total_ = 0;
  return true;
}

bool SlotHandle::unpack_result(const ResultMessage& message, std::span<const std::byte> bytes, SlotResult& result,
                               std::string& reason) const {
  Tail tail(bytes);
  std::span<const std::byte> payload;
  std::vector<std::uint64_t> offsets;
  const bool in_arena = message.carrier == Carrier::arena;
  if (message.carrier == Carrier::inline_bytes) {
    if (message.total > kInlineMax || !tail.take(message.total, payload)) return false;
  }
  if (!tail.take_numbers(message.part_count, kPartsMax, result.parts) ||
      !tail.take_numbers(in_arena ? message.part_count : 0, kPartsMax, offsets) ||
      !tail.take_numbers(message.resource_count, limits::kAttachmentsMax, result.resources) ||
      !tail.take_text(message.type_size, kTypeMax, result.error.type) ||
      !tail.take_text(message.message_size, limits::kTextMax, result.error.message) ||
      !tail.take_text(message.reason_size, limits::kTextMax, reason) || !tail.empty()) {
    return false;
  }
  if (message.code > static_cast<std::uint32_t>(ErrorCode::shutting_down)) return false;
  result.error.code = static_cast<ErrorCode>(message.code);
  if (result.error.code != ErrorCode::none) {
    result.error.started = Started::yes;
    return message.total == 0 && result.parts.empty() && message.carrier == Carrier::inline_bytes;
  }
  if (result.parts.empty() || !parts_fit(result.parts, message.total, payload_max_)) return false;
  if (message.carrier == Carrier::stream) return message.total != 0;
  if (in_arena && message.total > kArenaOutput + kPartsMax * limits::kPartAlignment) return false;
  result.bytes = PayloadBuffer(message.total);
  if (in_arena) return copy_out(arena_, result.parts, offsets, result.bytes);
  if (message.total != 0) std::memcpy(result.bytes.data(), payload.data(), payload.size());
  return message.carrier == Carrier::inline_bytes;
}

void SlotHandle::receive_data(std::span<const std::byte> datagram, std::vector<SlotEvent>& events) {
  DataMessage message{};
  if (!read_message(datagram, message) || state_ != State::result_stream || message.id != invocation_ ||
      message.sequence != result_chunks_ || message.offset != result_got_ ||
      message.length != std::min<std::uint64_t>(kStreamSlab, result_total_ - result_got_) ||
      result_chunks_ - result_acked_ >= kStreamSlabs) {
    return close(events, "the slot sent an unexpected chunk");
  }
  SlotResultChunk chunk;
  chunk.id = message.id;
  chunk.offset = message.offset;
  chunk.bytes = PayloadBuffer(message.length);
  std::memcpy(chunk.bytes.data(), arena_ + (message.sequence % kStreamSlabs) * kStreamSlab, message.length);
  ++result_chunks_;
  result_got_ += message.length;
  chunk.last = result_got_ == result_total_;
  if (chunk.last) state_ = State::ready_wait;
  events.emplace_back(std::move(chunk));
}

void SlotHandle::receive_ack(std::span<const std::byte> datagram, std::vector<SlotEvent>& events) {
  AckMessage message{};
  if (!read_message(datagram, message) || state_ != State::running || carrier_ != Carrier::stream ||
      message.id != invocation_ || message.next < chunks_acked_ || message.next > chunks_sent_) {
    return close(events, "the slot sent an unexpected acknowledgement");
  }
  chunks_acked_ = message.next;
  if (!kept_.empty()) return send_kept();
  if (!room_wanted_ || chunks_sent_ - chunks_acked_ == kStreamSlabs) return;
  room_wanted_ = false;
  events.emplace_back(SlotRoom{});
}

void SlotHandle::receive_child_ended(std::span<const std::byte> datagram, std::vector<SlotEvent>& events) {
  ChildEndedMessage message{};
  SlotChildEnded ended;
  if (!read_message(datagram, message) || child_ == 0 || message.id != child_ ||
      message.code > static_cast<std::uint32_t>(ErrorCode::shutting_down)) {
    return close(events, "the slot sent an unexpected end of a child");
  }
  Tail tail(datagram.subspan(sizeof(message)));
  if (!tail.take_text(message.type_size, kTypeMax, ended.error.type) ||
      !tail.take_text(message.message_size, limits::kTextMax, ended.error.message) || !tail.empty()) {
    return close(events, "the slot sent a malformed end of a child");
  }
  child_ = 0;
  ended.error.code = static_cast<ErrorCode>(message.code);
  ended.error.started = Started::yes;
  events.emplace_back(std::move(ended));
}

void SlotHandle::send_kept() {
  kept_sent_ += feed_stream(std::span<const std::byte>(kept_).subspan(kept_sent_));
  if (kept_sent_ == kept_.size()) kept_ = {};
}

void SlotHandle::receive_text(std::span<const std::byte> datagram, std::vector<SlotEvent>& events) {
  ProgressMessage progress{};
  LogMessage log{};
  Header header{};
  std::memcpy(&header, datagram.data(), sizeof(header));
  if (header.kind == Kind::progress && read_message(datagram, progress)) {
    // A late report of a thread that its task left behind is dropped, as is anything outside [0, 1].
    if (progress.id != invocation_ || !(progress.fraction >= 0 && progress.fraction <= 1)) return;
    events.emplace_back(SlotProgress{progress.id, progress.fraction,
                                     printable(Tail(datagram.subspan(sizeof(progress))).rest_as_text())});
  } else if (header.kind == Kind::log && read_message(datagram, log)) {
    const std::uint64_t id = log.id == invocation_ ? log.id : 0;
    events.emplace_back(
        SlotLog{id, std::clamp<int>(log.level, 0, 3), printable(Tail(datagram.subspan(sizeof(log))).rest_as_text())});
  } else {
    close(events, "the slot sent a malformed report");
  }
}

}  // namespace flame::slot
