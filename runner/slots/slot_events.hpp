// What the supervisor learns from its slots and zygotes: plain values that Slot::read() and ZygoteHandle::on_readable()
// append.
#pragma once

#include <sys/types.h>

#include <cstddef>
#include <cstdint>
#include <cstring>
#include <memory>
#include <span>
#include <string>
#include <utility>
#include <variant>
#include <vector>

#include <flame/error.hpp>

#include "plugin_sdk/base/discard_reason.hpp"
#include "runner/slots/make_failure.hpp"

namespace flame::slot {

/// Owned bytes that are not zeroed when made. Moves are cheap; an empty buffer has no storage.
class PayloadBuffer {
 public:
  PayloadBuffer() = default;
  explicit PayloadBuffer(std::size_t size) : bytes_(size == 0 ? nullptr : new std::byte[size]), size_(size) {}
  PayloadBuffer(PayloadBuffer&& other) noexcept
      : bytes_(std::move(other.bytes_)), size_(std::exchange(other.size_, 0)) {}
  PayloadBuffer& operator=(PayloadBuffer&& other) noexcept {
    bytes_ = std::move(other.bytes_);
    size_ = std::exchange(other.size_, 0);
    return *this;
  }
  [[nodiscard]] std::byte* data() noexcept { return bytes_.get(); }
  [[nodiscard]] const std::byte* data() const noexcept { return bytes_.get(); }
  [[nodiscard]] std::size_t size() const noexcept { return size_; }
  [[nodiscard]] std::span<const std::byte> view() const noexcept { return {bytes_.get(), size_}; }
  [[nodiscard]] std::unique_ptr<std::byte[]> release() noexcept {
    size_ = 0;
    return std::move(bytes_);
  }

 private:
  std::unique_ptr<std::byte[]> bytes_;
  std::size_t size_ = 0;
};

/// The slot's process runs. `pid` comes from the kernel (SCM_CREDENTIALS), not from the slot's word.
struct SlotHello {
  pid_t pid = 0;
};

/// The slot is idle. When `reusable` is false the owner closes the handle, kills the process and its orphans and logs
/// `reason`; before the first call it means that start_slot() failed.
struct SlotReady {
  bool reusable = false;
  DiscardReason discard = DiscardReason::none;
  std::string reason;
  ErrorCode code = ErrorCode::none;  // of a slot that could not be started
  bool shortage = false;             // it could not for want of processes or memory: no verdict on the plugin
  std::uint32_t objects = 0;         // that live there now, by the slot's word
  std::uint32_t threads = 0;         // that calls have left and the slot keeps, by its word
};

/// The child in the slot has ended by itself. `error`: what its run() threw; code none if it returned.
struct SlotChildEnded {
  Error error;
};

struct SlotProgress {
  std::uint64_t id = 0;
  double fraction = 0;
  std::string message;
};

struct SlotLog {
  std::uint64_t id = 0;
  int level = 1;
  std::string text;
};

/// The invocation's outcome. `error.code` none: a payload of `parts` (unpadded sizes). Its padded bytes are in `bytes`,
/// or follow as SlotResultChunk when `streamed`. Unless streamed, SlotReady is the next event of the same batch.
struct SlotResult {
  std::uint64_t id = 0;
  Error error;
  Usage usage;
  std::vector<std::uint64_t> parts;
  std::vector<std::uint64_t> resources;  // ids, within the slot, of the objects that stay there
  std::uint64_t total = 0;               // padded bytes of all parts
  bool streamed = false;
  bool quiet = false;  // by the slot's word, nothing of its output is left in the pipes
  bool first = false;  // that this slot has given; set by the slot's owner
  PayloadBuffer bytes;
};

/// These pipelined calls will not run in this slot, in order; comes right after the result that they were behind.
struct SlotRevoked {
  std::vector<std::uint64_t> ids;
};

/// Bytes [offset, offset + size) of a streamed result, in order; at most limits::kChunkMax. The slot sends on only as
/// far as Slot::acknowledge_chunk() allows.
struct SlotResultChunk {
  std::uint64_t id = 0;
  std::uint64_t offset = 0;
  PayloadBuffer bytes;
  bool last = false;
};

/// feed() can take bytes again.
struct SlotRoom {};

/// Nothing more will come: EOF, or the slot broke the protocol. `reason` is a sentence. The owner kills the process if
/// it still lives; a running invocation is `crashed` with the process's fate, or with this reason if we had to kill it.
struct SlotClosed {
  std::string reason;
};

using SlotEvent = std::variant<SlotHello, SlotReady, SlotProgress, SlotLog, SlotResult, SlotRevoked, SlotResultChunk,
                               SlotRoom, SlotChildEnded, SlotClosed>;

/// The plugin is loaded, start() succeeded. Not forkable: the zygote exits by itself (expected); slots are exec'd.
struct ZygoteReady {
  bool forkable = false;
  std::uint32_t threads = 1;  // after start(); the reason when not forkable
  std::uint32_t task_count = 0;
};

/// The plugin cannot be used: it does not load, does not fit its note or the ABI, or start() failed. The zygote exits.
struct ZygoteFailed {
  Error error;
};

struct ZygoteSpawned {
  std::uint64_t request = 0;
  pid_t pid = 0;  // the zygote's word; SlotHello has the kernel's
};

struct ZygoteSpawnFailed {
  std::uint64_t request = 0;
  MakeFailure failure;
};

/// EOF. The exit status (waitpid, by the owner) says why: ZygoteHandle::describe_exit().
struct ZygoteClosed {};

using ZygoteEvent = std::variant<ZygoteReady, ZygoteFailed, ZygoteSpawned, ZygoteSpawnFailed, ZygoteClosed>;

}  // namespace flame::slot
