// A slot's answers: results inline, in the arena or streamed through it; streamed inputs.
#include <unistd.h>

#include <algorithm>
#include <cstring>

#include "runner/protocol/channel.hpp"
#include "runner/slot/slot_loop.hpp"

namespace flame::slot {
namespace {

/// Writes one datagram piece by piece.
class Packer {
 public:
  Packer(std::span<std::byte> buffer, std::size_t reserved) : buffer_(buffer), size_(reserved) {}
  void add(const void* data, std::size_t size) {
    if (size != 0) std::memcpy(buffer_.data() + size_, data, size);
    size_ += size;
  }
  void add_padding(std::size_t size) {
    std::memset(buffer_.data() + size_, 0, size);
    size_ += size;
  }
  void add_number(std::uint64_t number) { add(&number, sizeof(number)); }
  [[nodiscard]] std::size_t size() const { return size_; }

 private:
  std::span<std::byte> buffer_;
  std::size_t size_;
};

/// Yields a result's padded parts as one stream of bytes.
class PartReader {
 public:
  explicit PartReader(std::span<const ResultStore::Part> parts) : parts_(parts) {}
  void read(std::byte* to, std::size_t size) {
    while (size != 0) {
      const ResultStore::Part& part = parts_.front();
      const bool data = at_ < part.size;
      const std::size_t count = std::min<std::size_t>(size, (data ? part.size : padded(part.size)) - at_);
      if (data) {
        std::memcpy(to, part.data + at_, count);
      } else {
        std::memset(to, 0, count);
      }
      to += count;
      size -= count;
      at_ += count;
      if (at_ == padded(part.size)) {
        parts_ = parts_.subspan(1);
        at_ = 0;
      }
    }
  }

 private:
  std::span<const ResultStore::Part> parts_;
  std::size_t at_ = 0;
};

bool is_pipelined(std::span<const std::byte> datagram) {
  InvokeMessage message{};
  if (!read_message(datagram, message)) return false;
  return message.header.kind == Kind::invoke && message.pipelined != 0;
}

}  // namespace

template <typename T>
T SlotLoop::receive_reply(Kind kind) {
  T message{};
  for (;;) {
    const ssize_t size = receive_datagram(channel_, received_.span(), 0);
    if (size <= 0) ::_exit(0);  // the supervisor has given this slot up
    const auto datagram = received_.span().first(static_cast<std::size_t>(size));
    if (is_pipelined(datagram)) continue;  // this call does not end as they need it
    if (!read_message(datagram, message) || message.header.kind != kind) ::_exit(kExitBadRequest);
    return message;
  }
}

std::optional<SlotLoop::Failure> SlotLoop::receive_stream(Call& call) {
  if (call.head.carrier != Carrier::stream) return std::nullopt;
  // The next datagrams overwrite what `call` points to.
  stream_parts_.assign(call.parts.begin(), call.parts.end());
  stream_resources_.assign(state_.argument_resources.begin(), state_.argument_resources.end());
  call.parts = stream_parts_;
  state_.argument_resources = stream_resources_;
  call.streamed = AlignedBytes(call.head.total);
  call.input = call.streamed.data();
  for (std::uint64_t got = 0; got < call.head.total;) {
    const auto data = receive_reply<DataMessage>(Kind::data);
    if (data.offset != got || data.length > kStreamSlab || data.length > call.head.total - got) {
      ::_exit(kExitBadRequest);
    }
    // Without memory the stream is read all the same, so that the supervisor need not unwind a transfer.
    if (call.input != nullptr) {
      std::memcpy(call.streamed.data() + got, arena_ + (data.sequence % kStreamSlabs) * kStreamSlab, data.length);
    }
    got += data.length;
    auto ack = make_message<AckMessage>(Kind::ack);
    ack.id = call.head.call.id;
    ack.next = data.sequence + 1;
    send(as_datagram(ack));
  }
  if (call.input != nullptr) return std::nullopt;
  return Failure{
      ErrorCode::out_of_memory, {}, "the arguments do not fit into the slot's memory limit; raise limits.memory"};
}

void SlotLoop::answer(const Call& call, std::optional<Failure> failure) {
  auto head = make_message<ResultMessage>(Kind::result);
  head.id = call.head.call.id;
  head.usage = meter_.end();
  page_->ended.store(call.head.call.id, std::memory_order_release);
  page_->stop.fetch_and(~kStopWaitEnded, std::memory_order_relaxed);
  const bool streamed = !failure && state_.result.carrier() == Carrier::stream;
  const std::uint64_t in_hand = (streamed ? state_.result.total() : 0) + call.streamed.span().size();
  const Finding finding = verdict(call.head.call.task, in_hand);
  flush_progress(state_);
  state_.id.store(0, std::memory_order_relaxed);
  if (!streamed) head.verdict = finding ? Verdict::discard : Verdict::reusable;
  if (!streamed) head.discard_reason = finding.reason;
  head.objects = state_.objects.size();
  head.threads = static_cast<std::uint16_t>(std::min<std::uint32_t>(hygiene_->kept_threads(), UINT16_MAX));
  const bool quiet = hygiene_->output_read();
  // The supervisor looks later at a result in the arena, the frames of a throw, and output; the next call would write
  // over them. (Where slots share their process, output has no owner anyway.)
  const bool in_datagram = !failure && state_.result.carrier() == Carrier::inline_bytes;
  runs_pipelined_ = in_datagram && !finding && head.objects == 0 && (quiet || shared_.threads);
  head.quiet = quiet ? 1 : 0;
  head.runs_pipelined = runs_pipelined_ ? 1 : 0;
  head.code = static_cast<std::uint32_t>(failure ? failure->code : ErrorCode::none);
  send_result(head, failure ? *failure : Failure{}, streamed ? std::string() : finding.text);
  if (streamed) {
    stream_result(head.id);
    send_ready(finding);
  }
  state_.result.reset();
}

void SlotLoop::send_result(ResultMessage& head, const Failure& failure, const std::string& reason) {
  const ResultStore& result = state_.result;
  Packer out(sent_.span(), sizeof(head));
  if (failure.code == ErrorCode::none) {
    head.carrier = result.carrier();
    head.total = result.total();
    head.part_count = static_cast<std::uint32_t>(result.parts().size());
    if (head.carrier == Carrier::inline_bytes) {
      for (const ResultStore::Part& part : result.parts()) {
        out.add(part.data, part.size);
        out.add_padding(padded(part.size) - part.size);
      }
    }
    for (const ResultStore::Part& part : result.parts()) out.add_number(part.size);
    if (head.carrier == Carrier::arena) {
      for (const ResultStore::Part& part : result.parts()) {
        out.add_number(part.size == 0 ? kArenaInput : result.offset(part));
      }
    }
  }
  head.resource_count = static_cast<std::uint32_t>(state_.result_resources.size());
  for (const std::uint64_t id : state_.result_resources) out.add_number(id);
  head.type_size = static_cast<std::uint32_t>(std::min(failure.type.size(), kTypeMax));
  head.message_size = static_cast<std::uint32_t>(std::min(failure.message.size(), limits::kTextMax));
  head.reason_size = static_cast<std::uint32_t>(std::min(reason.size(), limits::kTextMax));
  out.add(failure.type.data(), head.type_size);
  out.add(failure.message.data(), head.message_size);
  out.add(reason.data(), head.reason_size);
  head.header.size = static_cast<std::uint32_t>(out.size());
  std::memcpy(sent_.data(), &head, sizeof(head));
  send(sent_.span().first(out.size()));
}

void SlotLoop::stream_result(std::uint64_t id) {
  PartReader reader(state_.result.parts());
  const std::uint64_t total = state_.result.total();
  std::uint32_t acked = 0;
  std::uint32_t sequence = 0;
  for (std::uint64_t offset = 0; offset < total; ++sequence) {
    while (sequence - acked == kStreamSlabs) acked = receive_reply<AckMessage>(Kind::ack).next;
    auto data = make_message<DataMessage>(Kind::data);
    data.id = id;
    data.offset = offset;
    data.sequence = sequence;
    data.length = static_cast<std::uint32_t>(std::min<std::uint64_t>(kStreamSlab, total - offset));
    reader.read(arena_ + (sequence % kStreamSlabs) * kStreamSlab, data.length);
    send(as_datagram(data));
    offset += data.length;
  }
}

void SlotLoop::send_ready(const Finding& finding, ErrorCode code) {
  const std::string_view reason = std::string_view(finding.text).substr(0, limits::kTextMax);
  auto message = make_message<ReadyMessage>(Kind::ready, sizeof(ReadyMessage) + reason.size());
  message.verdict = finding ? Verdict::discard : Verdict::reusable;
  message.discard_reason = finding.reason;
  message.objects = state_.objects.size();
  message.code = static_cast<std::uint32_t>(code);
  message.threads = hygiene_->kept_threads();
  Packer out(sent_.span(), 0);
  out.add(&message, sizeof(message));
  out.add(reason.data(), reason.size());
  send(sent_.span().first(out.size()));
}

void SlotLoop::send(std::span<const std::byte> datagram) {
  if (send_datagram(channel_, datagram, 0) == Sent::yes) return;
  // The supervisor is gone (then so should we be), or the task has taken the channel away.
  ::_exit(kExitChannelLost);
}

}  // namespace flame::slot
