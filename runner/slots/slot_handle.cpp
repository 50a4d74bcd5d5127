// The supervisor's side of a slot: making it, sending calls and payloads, reading what is left after its death.
#include "runner/slots/slot_handle.hpp"

#include <fcntl.h>
#include <linux/futex.h>
#include <linux/memfd.h>
#include <sys/mman.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <time.h>

#include <algorithm>
#include <cerrno>
#include <climits>
#include <cstring>
#include <new>

#include "plugin_sdk/base/assert.hpp"
#include "runner/protocol/channel.hpp"
#include "runner/slots/drain_pipe.hpp"

namespace flame::slot {
namespace {

// An honest slot changes the word once per call; a hostile one may never stop, and keeps its calls.
constexpr int kClaimTries = 1000;

Error refused(ErrorCode code, std::string message) {
  Error error;
  error.code = code;
  error.message = std::move(message);
  error.started = Started::no;
  return error;
}

/// A shared memory file that nobody can shrink, grow or seal further: mapping it is safe against a hostile peer.
bool make_sealed_memory(const char* name, std::size_t size, UniqueFd& fd, void*& address) {
  fd.reset(::memfd_create(name, MFD_CLOEXEC | MFD_ALLOW_SEALING));
  if (!fd || ::ftruncate(fd.get(), static_cast<off_t>(size)) != 0) return false;
  if (::fcntl(fd.get(), F_ADD_SEALS, F_SEAL_SHRINK | F_SEAL_GROW | F_SEAL_SEAL) != 0) return false;
  address = ::mmap(nullptr, size, PROT_READ | PROT_WRITE, MAP_SHARED, fd.get(), 0);
  return address != MAP_FAILED;
}

bool make_output(UniqueFd& read_end, UniqueFd& write_end) {
  int ends[2] = {-1, -1};
  if (::pipe2(ends, O_CLOEXEC) != 0) return false;
  read_end.reset(ends[0]);
  write_end.reset(ends[1]);
  return ::fcntl(ends[0], F_SETFL, O_NONBLOCK) == 0;
}

void request_stop_through(std::atomic<std::uint32_t>& word) noexcept {
  word.fetch_or(kStopRequested, std::memory_order_release);
  ::syscall(SYS_futex, &word, FUTEX_WAKE, INT_MAX, nullptr, nullptr, 0);
}

void append(std::vector<std::byte>& buffer, std::size_t& at, const void* data, std::size_t size) {
  if (size != 0) std::memcpy(buffer.data() + at, data, size);
  at += size;
}

Carrier carrier_of(std::uint64_t total) {
  if (total <= kInlineMax) return Carrier::inline_bytes;
  return total <= kArenaInput ? Carrier::arena : Carrier::stream;
}

/// The padded total of `parts`; false when it exceeds `limit` (also by overflow).
bool padded_total(std::span<const std::uint64_t> parts, std::uint64_t limit, std::uint64_t& total) {
  total = 0;
  for (const std::uint64_t part : parts) {
    if (part > limit || padded(part) > limit + limits::kPartAlignment - total) return false;
    total += padded(part);
  }
  return total <= limit + limits::kPartAlignment * parts.size();
}

}  // namespace

MakeResult<std::unique_ptr<SlotHandle>> SlotHandle::create(std::uint64_t payload_max, bool shares_output) {
  std::unique_ptr<SlotHandle> slot(new SlotHandle);
  slot->payload_max_ = payload_max;
  if (!make_channel(slot->channel_, slot->child_channel_)) return make_failure("cannot make a slot's channel", errno);
  pass_credentials(slot->channel_.get(), true);
  void* page = nullptr;
  if (!make_sealed_memory("flame-control", kControlBytes, slot->control_fd_, page)) {
    return make_failure("cannot make a slot's control page", errno);
  }
  slot->control_ = new (page) ControlPage;
  void* arena = nullptr;
  if (!make_sealed_memory("flame-arena", limits::kArenaBytes, slot->arena_fd_, arena)) {
    return make_failure("cannot make a slot's arena", errno);
  }
  slot->arena_ = static_cast<std::byte*>(arena);
  if (shares_output) return slot;
  if (!make_output(slot->output_[0], slot->child_out_) || !make_output(slot->output_[1], slot->child_err_)) {
    return make_failure("cannot make a slot's output pipes", errno);
  }
  return slot;
}

SlotHandle::~SlotHandle() {
  if (control_ != nullptr) ::munmap(control_, kControlBytes);
  if (arena_ != nullptr) ::munmap(arena_, limits::kArenaBytes);
}

Result<void> SlotHandle::invoke(const InvokeView& call) {
  FLAME_ASSERT(idle() && call.id != 0, "one invocation at a time per slot");
  if (call.parts.empty() || call.parts.size() > kPartsMax || call.resources.size() > limits::kAttachmentsMax) {
    return refused(ErrorCode::invalid_argument, "a payload has a table and at most 4096 attachments and resources");
  }
  std::uint64_t total = 0;
  if (!padded_total(call.parts, payload_max_, total)) {
    return refused(ErrorCode::too_large, "the arguments exceed the pool's payload_max; send less or raise it");
  }
  if (!call.bytes.empty() && call.bytes.size() != total) {
    return refused(ErrorCode::invalid_argument, "the payload's bytes are not what its part sizes say");
  }
  feed_total_ = total;
  fed_ = 0;
  begin_call(call);
  if (call.bytes.empty()) {
    if (total == 0 || carrier_ == Carrier::stream) send_invoke();
  } else if (feed(call.bytes) != call.bytes.size()) {
    // Only a stream can be short of room. The caller handed over the whole, so what is left is ours to keep.
    const auto rest = call.bytes.subspan(fed_);
    kept_.assign(rest.begin(), rest.end());
    kept_sent_ = 0;
  }
  return boost::system::in_place_value;
}

void SlotHandle::begin_call(const InvokeView& call) {
  carrier_ = carrier_of(feed_total_);
  FLAME_ASSERT(!call.brief || carrier_ == Carrier::inline_bytes, "a brief call travels inline");
  pack(call, feed_total_, false);
  running_number_ = call.brief ? last_number_ : 0;
  invocation_ = call.id;
  if (call.places_child) {
    child_ = call.id;
    control_->child_stop.store(0, std::memory_order_relaxed);
  }
  state_ = State::feeding;
  chunks_sent_ = chunks_acked_ = 0;
  room_wanted_ = false;
  stop_requested_ = false;
  control_->stop.store(0, std::memory_order_relaxed);
  control_->allocation_failed.store(0, std::memory_order_relaxed);
}

// The datagram, but for an inline payload's bytes.
void SlotHandle::pack(const InvokeView& call, std::uint64_t total, bool pipelined) {
  const Carrier carrier = carrier_of(total);
  const std::size_t inline_size = carrier == Carrier::inline_bytes ? total : 0;
  invoke_size_ = sizeof(InvokeMessage) + inline_size + call.parts.size_bytes() + call.resources.size_bytes();
  if (invoke_.size() < invoke_size_) invoke_.resize(invoke_size_);
  auto message = make_message<InvokeMessage>(Kind::invoke, invoke_size_);
  message.call = call;
  message.total = total;
  message.carrier = carrier;
  message.part_count = static_cast<std::uint32_t>(call.parts.size());
  message.resource_count = static_cast<std::uint32_t>(call.resources.size());
  message.deadline_ns = call.deadline == base::kNever ? 0 : call.deadline.time_since_epoch().count();
  message.number = call.brief ? ++last_number_ : 0;
  message.pipelined = pipelined ? 1 : 0;
  std::size_t at = 0;
  append(invoke_, at, &message, sizeof(message));
  at += inline_size;
  append(invoke_, at, call.parts.data(), call.parts.size_bytes());
  append(invoke_, at, call.resources.data(), call.resources.size_bytes());
}

bool SlotHandle::takes_pipelined() const noexcept {
  return state_ == State::running && running_number_ != 0 && !stop_requested_ && pipelined_.size() < kPipelinedMax;
}

void SlotHandle::push(const InvokeView& call) {
  FLAME_ASSERT(takes_pipelined() && call.brief && call.id != 0, "only a brief call follows, and only a brief call");
  FLAME_ASSERT(call.bytes.size() <= kInlineMax, "a brief call travels inline");
  pack(call, call.bytes.size(), true);
  if (!call.bytes.empty()) std::memcpy(invoke_.data() + sizeof(InvokeMessage), call.bytes.data(), call.bytes.size());
  pipelined_.push_back({call.id, last_number_});
  send(std::span(invoke_).first(invoke_size_));
}

std::vector<std::uint64_t> SlotHandle::revoke() {
  std::vector<std::uint64_t> ids;
  if (pipelined_.empty()) return ids;
  std::uint64_t word = control_->claims.load(std::memory_order_acquire);
  std::uint32_t begun = 0;
  int tries = 0;
  do {
    if (++tries > kClaimTries) return ids;
    begun = std::max(Claims::unpack(word).begun, running_number_);
  } while (!control_->claims.compare_exchange_weak(word, Claims{begun, last_number_}.pack()));
  while (!pipelined_.empty() && pipelined_.back().number > begun) {
    ids.insert(ids.begin(), pipelined_.back().id);
    pipelined_.pop_back();
  }
  return ids;
}

void SlotHandle::send_invoke() {
  state_ = State::running;
  send(std::span(invoke_).first(invoke_size_));
}

std::size_t SlotHandle::feed(std::span<const std::byte> bytes) {
  if (state_ == State::feeding && carrier_ == Carrier::stream) send_invoke();
  if (state_ == State::running && carrier_ == Carrier::stream && kept_.empty()) return feed_stream(bytes);
  if (state_ != State::feeding) return 0;
  const std::size_t count = std::min<std::uint64_t>(bytes.size(), feed_total_ - fed_);
  std::byte* base = carrier_ == Carrier::arena ? arena_ : invoke_.data() + sizeof(InvokeMessage);
  if (count != 0) std::memcpy(base + fed_, bytes.data(), count);
  fed_ += count;
  if (fed_ == feed_total_) send_invoke();
  return count;
}

std::size_t SlotHandle::feed_stream(std::span<const std::byte> bytes) {
  std::size_t taken = 0;
  while (taken < bytes.size() && fed_ < feed_total_) {
    if (chunks_sent_ - chunks_acked_ == kStreamSlabs) {
      room_wanted_ = true;
      break;
    }
    const std::size_t count = std::min({bytes.size() - taken, kStreamSlab, std::size_t{feed_total_ - fed_}});
    std::memcpy(arena_ + (chunks_sent_ % kStreamSlabs) * kStreamSlab, bytes.data() + taken, count);
    auto message = make_message<DataMessage>(Kind::data);
    message.id = invocation_;
    message.offset = fed_;
    message.sequence = chunks_sent_++;
    message.length = static_cast<std::uint32_t>(count);
    send(as_datagram(message));
    fed_ += count;
    taken += count;
  }
  return taken;
}

bool SlotHandle::withdraw() {
  if (state_ != State::feeding) return false;
  state_ = State::idle;
  invocation_ = 0;
  fed_ = feed_total_ = 0;
  return true;
}

bool SlotHandle::begun() const noexcept {
  return invocation_ != 0 && control_->invocation.load(std::memory_order_acquire) == invocation_;
}

void SlotHandle::request_stop() noexcept {
  stop_requested_ = true;
  request_stop_through(control_->stop);
}

void SlotHandle::request_child_stop() noexcept {
  request_stop_through(control_->child_stop);
}

void SlotHandle::acknowledge_chunk() {
  if (state_ != State::result_stream && state_ != State::ready_wait) return;
  result_acked_ = std::min(result_acked_ + 1, result_chunks_);
  auto message = make_message<AckMessage>(Kind::ack);
  message.id = invocation_;
  message.next = result_acked_;
  send(as_datagram(message));
}

void SlotHandle::destroy_objects(std::span<const std::uint64_t> ids) {
  FLAME_ASSERT(idle(), "objects are dropped between calls");
  FLAME_ASSERT(!ids.empty() && ids.size() <= limits::kAttachmentsMax, "a datagram holds so many ids");
  std::vector<std::byte> datagram(sizeof(DestroyMessage) + ids.size_bytes());
  auto message = make_message<DestroyMessage>(Kind::destroy, datagram.size());
  message.count = static_cast<std::uint32_t>(ids.size());
  std::size_t at = 0;
  append(datagram, at, &message, sizeof(message));
  append(datagram, at, ids.data(), ids.size_bytes());
  state_ = State::destroying;
  send(datagram);
}

void SlotHandle::end() {
  FLAME_ASSERT(idle() || state_ == State::starting, "a slot at work does not end in good order");
  send(as_datagram(make_message<EndMessage>(Kind::end)));
}

void SlotHandle::send(std::span<const std::byte> datagram) {
  if (!channel_) return;
  if (outgoing_.empty()) {
    // A lost channel is reported once, by the end that read() finds.
    if (send_datagram(channel_.get(), datagram, MSG_DONTWAIT) != Sent::would_block) return;
  }
  outgoing_.emplace_back(datagram.begin(), datagram.end());
  if (outgoing_.size() == 1 && tell_backlog_) tell_backlog_(true);
}

void SlotHandle::on_writable() {
  while (!outgoing_.empty()) {
    if (send_datagram(channel_.get(), outgoing_.front(), MSG_DONTWAIT) == Sent::would_block) return;
    outgoing_.pop_front();
    if (outgoing_.empty() && tell_backlog_) tell_backlog_(false);
  }
}

bool SlotHandle::drain(OutputStream stream, std::string& text) {
  return drain_pipe(output_[stream == OutputStream::out ? 0 : 1], text, limits::kOutputMax);
}

bool SlotHandle::crash_announced() const noexcept {
  return control_->crash.announced.load(std::memory_order_acquire) != 0;
}

std::vector<CodeAddress> SlotHandle::thrown_at(std::uint64_t invocation) const {
  return slot::thrown_at(*control_, invocation);
}

void SlotHandle::trim() noexcept {
  static_cast<void>(::fallocate(arena_fd_.get(), FALLOC_FL_PUNCH_HOLE | FALLOC_FL_KEEP_SIZE, 0,
                                static_cast<off_t>(limits::kArenaBytes)));
}

SlotHandle::ChildEnds SlotHandle::child_ends() const noexcept {
  return {child_channel_.get(), control_fd_.get(), arena_fd_.get(), child_out_.get(), child_err_.get()};
}

void SlotHandle::close_child_ends() noexcept {
  child_channel_.reset();
  control_fd_.reset();
  child_out_.reset();
  child_err_.reset();
}

}  // namespace flame::slot
