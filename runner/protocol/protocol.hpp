// What supervisor, zygote and slots say to each other: datagrams, control page, arena layout. Plain memory layouts of
// one build (all three programs are installed together); nothing here crosses machines or versions.
//
// Channels are SEQPACKET socket pairs made by the supervisor; one datagram is one header, then its variable tail.
// Everything that a slot writes (datagrams, control page, arena) is untrusted for the supervisor; a slot trusts the
// supervisor. File descriptors travel only from the supervisor to the zygote.
//
// A call, slot idle:   Invoke → … Log* Progress* … → Result (with the verdict on the slot: reusable or not).
// Input beyond kArenaInput:   Invoke(streamed), Data*; the slot acknowledges each Data, runs after the last.
// Result beyond the arena:    Result(streamed, no verdict), Data*; the supervisor acknowledges; then Ready.
// Brief calls in a row:       Invoke, Invoke(pipelined)* … → Result, Result* …; see Claims.
// Objects that a call left, slot idle:   Destroy → (a child's run() is waited for, destructors run) → Ready.
// A child whose run() has returned, at any time:   → ChildEnded. Destroy follows.
// The slot is not wanted any more:                 End → (stop_slot() runs) Log*, and the channel closes.
#pragma once

#include <atomic>
#include <cstddef>
#include <cstdint>
#include <string_view>

#include "plugin_sdk/base/discard_reason.hpp"
#include "plugin_sdk/base/limits.hpp"

namespace flame::slot {

// --- sizes
/// Payloads up to this size travel inside the datagram: below it the socket's copy is cheaper than touching the arena.
inline constexpr std::size_t kInlineMax = 16 * limits::KiB;
/// The largest datagram: inline payload, lists of parts and resources, error text.
inline constexpr std::size_t kDatagramMax = 192 * limits::KiB;
/// The arena's first half holds a call's input, and is the window for streams in both directions; the second half
/// holds results.
inline constexpr std::size_t kArenaInput = limits::kArenaBytes / 2;
inline constexpr std::size_t kArenaOutput = limits::kArenaBytes - kArenaInput;
/// A stream's chunk n lies in window slab n % kStreamSlabs until it is acknowledged. Equal to a chunk on `bulk`.
inline constexpr std::size_t kStreamSlab = limits::kChunkMax;
inline constexpr std::size_t kStreamSlabs = kArenaInput / kStreamSlab;
static_assert(kStreamSlabs >= 2 && kStreamSlab * kStreamSlabs == kArenaInput);
inline constexpr std::size_t kPartsMax = limits::kAttachmentsMax + 1;  // the table and its attachments
inline constexpr std::size_t kTypeMax = 1 * limits::KiB;               // an exception's type name
/// Brief calls that wait in a slot's channel behind the one that runs. Enough for 64 calls in flight on two slots.
inline constexpr std::uint32_t kPipelinedMax = 32;

[[nodiscard]] constexpr std::uint64_t padded(std::uint64_t size) {
  return (size + (limits::kPartAlignment - 1)) & ~std::uint64_t{limits::kPartAlignment - 1};
}

// --- the control page: a sealed memfd per slot that both sides map
inline constexpr std::uint32_t kStopRequested = 1;         // by the supervisor
inline constexpr std::uint32_t kStopWaitEnded = 1u << 31;  // by the slot: end_wait_stop()
inline constexpr std::size_t kCrashFrames = 48;
inline constexpr std::size_t kThrowFrames = 40;

/// One place in code. The process that is there names the module at once: after its death nobody could, and any number
/// of modules may have been loaded by then.
struct CodeFrame {
  std::atomic<std::uint64_t> address{0};
  std::uint64_t base = 0;  // of its module: address - base is what addr2line wants
  char module[64] = {};    // last component of the path, cut; NUL-terminated; empty: in none
};

struct CrashInfo {
  std::atomic<std::uint32_t> announced{0};  // 1 as soon as the handler runs, 2 when frames are complete
  std::atomic<std::int32_t> signal{0};
  std::atomic<std::int32_t> code{0};
  std::atomic<std::uint64_t> address{0};  // si_addr
  std::atomic<std::uint32_t> frame_count{0};
  std::atomic<std::uint32_t> stack_overflow{0};
  std::atomic<std::uint32_t> by_helper{0};  // in a thread that is no slot's
  CodeFrame frames[kCrashFrames];
};

/// Where the exception that ended an invocation was thrown.
struct ThrowInfo {
  std::atomic<std::uint64_t> invocation{0};
  std::atomic<std::uint32_t> frame_count{0};
  CodeFrame frames[kThrowFrames];  // return addresses, innermost first
};

/// Brief calls are pipelined: sent to a slot before it is idle, so that neither side has to be woken for each. Each
/// call that may have others behind it, and each of those, has a number, counted up per slot. A slot runs a numbered
/// call only if it claims it there first, and the supervisor revokes there what has not begun: both by
/// compare-exchange, so each call either begins or is revoked. (The first of them is never revoked, so the supervisor
/// sets it as begun when it revokes those behind it.) The slot drops the datagram of a call that was revoked, and of a
/// pipelined one whose predecessor's result did not say `runs_pipelined`.
struct Claims {
  std::uint32_t begun = 0;    // the number that began last
  std::uint32_t revoked = 0;  // numbers up to this that have not begun never will

  [[nodiscard]] static constexpr Claims unpack(std::uint64_t word) {
    return {static_cast<std::uint32_t>(word >> 32), static_cast<std::uint32_t>(word)};
  }
  [[nodiscard]] constexpr std::uint64_t pack() const { return std::uint64_t{begun} << 32 | revoked; }
};

struct ControlPage {
  // written by the supervisor
  alignas(64) std::atomic<std::uint32_t> stop{0};  // futex word: kStop… bits
  std::atomic<std::uint32_t> child_stop{0};        // the same for the run() of a child that lives here
  // written by both
  std::atomic<std::uint64_t> claims{0};  // Claims
  // written by the slot
  alignas(64) std::atomic<std::uint64_t> invocation{0};  // the one that began last; 0 = none yet
  std::atomic<std::uint64_t> ended{0};                   // the one that ended last
  std::atomic<std::uint32_t> allocation_failed{0};       // since `invocation` began: new or malloc gave nothing
  std::atomic<std::int64_t> deadline_ns{0};              // of the call, CLOCK_BOOTTIME, 0 = none
  std::atomic<std::int64_t> begun_ns{0};                 // CLOCK_BOOTTIME when `invocation` began
  std::atomic<std::int64_t> user_ns{0};                  // CPU used until then
  std::atomic<std::int64_t> system_ns{0};
  std::atomic<std::uint64_t> memory_at_start{0};  // peak of the fresh slot: what it shares with its zygote
  std::atomic<std::uint64_t> memory_kept{0};      // bytes that the calls before `invocation` have left in use
  std::atomic<std::uint32_t> in_start_slot{0};    // 1 while the plugin's start_slot() runs
  std::atomic<std::uint32_t> exited{0};           // 1 once the slot's own thread has called exit(), or was ended
  ThrowInfo thrown;
  alignas(64) CrashInfo crash;
};
inline constexpr std::size_t kControlBytes = 8 * limits::KiB;
static_assert(sizeof(ControlPage) <= kControlBytes);
static_assert(std::atomic<std::uint64_t>::is_always_lock_free && std::atomic<std::uint32_t>::is_always_lock_free);

// --- datagrams. Kinds are one space for both channels.
enum class Kind : std::uint32_t {
  // supervisor → slot
  invoke = 1,
  data,     // also slot → supervisor
  ack,      // also slot → supervisor
  destroy,  // drop objects
  end,      // of the slot, in good order
  // slot → supervisor
  hello,
  ready,
  result,
  child_ended,
  progress,
  log,
  // supervisor → zygote
  load = 32,
  fork,
  // zygote → supervisor
  stage,
  zygote_ready,
  spawned,
  spawn_failed,
};

struct Header {
  Kind kind;
  std::uint32_t size;  // of the whole datagram; must equal what was received
};

enum class Carrier : std::uint32_t { inline_bytes = 0, arena, stream };

/// What an invocation runs: the task, or the plugin's idle_check(), whose result is one byte: may go, or not.
enum class Purpose : std::uint32_t { task = 0, idle_check };

/// What passes from who sends a call to its slot as it is.
struct CallFacts {
  std::uint64_t id = 0;          // > 0, not used before in this slot
  std::uint64_t task = 0;        // base::task_id()
  std::uint64_t object = 0;      // methods: object id within the slot, 0 = none
  std::int64_t cpu_time_ns = 0;  // 0 = unlimited
  std::uint32_t attempt = 1;
  Purpose purpose = Purpose::task;
};

/// Tail: inline payload (padded parts) · u64 parts[part_count] · u64 resources[resource_count].
/// Arena: the padded parts lie at arena offset 0. Stream: `total` bytes come as Data.
struct InvokeMessage {
  Header header;
  CallFacts call;
  std::uint64_t total;       // bytes of all padded parts
  std::int64_t deadline_ns;  // CLOCK_BOOTTIME, 0 = none
  Carrier carrier;
  std::uint32_t part_count;
  std::uint32_t resource_count;
  std::uint32_t number;     // in Claims; 0: never has others behind it
  std::uint32_t pipelined;  // 1: the slot was not idle when it was sent
  std::uint32_t reserved[3];
};
static_assert(sizeof(InvokeMessage) % limits::kPartAlignment == 0);

/// A chunk of a stream: bytes [offset, offset + length) lie at the start of window slab `sequence % kStreamSlabs`.
struct DataMessage {
  Header header;
  std::uint64_t id;
  std::uint64_t offset;
  std::uint32_t sequence;  // 0, 1, 2 … per stream
  std::uint32_t length;    // 1 … kStreamSlab
};

/// Chunks with a lower sequence than `next` have been copied out of the window.
struct AckMessage {
  Header header;
  std::uint64_t id;
  std::uint32_t next;
  std::uint32_t reserved;
};

/// Tail: u64 ids[count].
struct DestroyMessage {
  Header header;
  std::uint32_t count;
  std::uint32_t reserved;
};

/// The slot is idle and not wanted any more: it runs stop_slot() and ends.
struct EndMessage {
  Header header;
};

enum class Verdict : std::uint16_t { none = 0, reusable, discard };

/// First datagram of a slot; the kernel's credentials on it tell the pid.
struct HelloMessage {
  Header header;
};

/// The slot is idle: after start_slot(), a streamed result or Destroy. Tail: reason (why it must be discarded). While
/// objects live in it, a slot is not judged: what they need (threads, children, timers) is theirs.
struct ReadyMessage {
  Header header;
  Verdict verdict;
  DiscardReason discard_reason;
  std::uint8_t shortage;  // 1: with a code, of processes or memory; it may start later
  std::uint32_t objects;  // that live in the slot
  std::uint32_t code;     // flame::ErrorCode of a slot that could not be started, else 0
  std::uint32_t threads;  // that calls have left and the slot keeps
};

/// run() of the child that invocation `id` made has returned. Tail: error type · error message.
struct ChildEndedMessage {
  Header header;
  std::uint64_t id;
  std::uint32_t code;  // flame::ErrorCode; 0 = it returned normally
  std::uint32_t type_size;
  std::uint32_t message_size;
  std::uint32_t reserved;
};

struct UsageNumbers {
  std::int64_t wall_ns;
  std::int64_t user_ns;
  std::int64_t system_ns;
  std::uint64_t peak_memory;
};

/// Tail: inline payload (padded parts) · u64 parts[part_count] · u64 offsets[part_count] (arena only: from the arena's
/// start) · u64 resources[resource_count] · error type · error message · reason of a discard.
struct ResultMessage {
  Header header;
  std::uint64_t id;
  std::uint64_t total;  // bytes of all padded parts
  Carrier carrier;
  std::uint32_t code;  // flame::ErrorCode; 0 = a payload
  std::uint32_t part_count;
  std::uint32_t resource_count;
  std::uint32_t type_size;
  std::uint32_t message_size;
  std::uint32_t reason_size;
  Verdict verdict;  // none: Ready follows the stream
  DiscardReason discard_reason;
  std::uint8_t reserved;
  std::uint32_t objects;
  std::uint8_t runs_pipelined;  // 1: nothing of the call is left to be seen to, so those behind it may run
  std::uint8_t quiet;           // 1: the output pipes are empty
  std::uint16_t threads;        // that calls have left and the slot keeps
  UsageNumbers usage;
};
static_assert(sizeof(ResultMessage) % limits::kPartAlignment == 0);

/// Tail: message text.
struct ProgressMessage {
  Header header;
  std::uint64_t id;
  double fraction;
};

/// Tail: one line of text.
struct LogMessage {
  Header header;
  std::uint64_t id;  // 0 outside an invocation
  std::int32_t level;
  std::uint32_t reserved;
};

// --- zygote channel
/// What a slot process may use. 0 = unlimited / inherited.
struct SlotLimits {
  std::uint64_t memory_max = 0;
  std::uint64_t payload_max = limits::kPayloadMaxDefault;
  std::uint32_t open_files_max = 0;
  std::uint32_t core_dumps = 0;       // 1: leave them to the system
  std::uint32_t discard_threads = 0;  // 1: a slot keeps no thread that a call left
};

/// Those that a host asks for. `Welcome` is wire::Welcome: slots do not know it.
template <typename Welcome>
[[nodiscard]] SlotLimits slot_limits(const Welcome& welcome) {
  return {.memory_max = welcome.memory_max,
          .payload_max = welcome.payload_max == 0 ? limits::kPayloadMaxDefault : welcome.payload_max,
          .open_files_max = welcome.open_files_max,
          .core_dumps = welcome.core_dumps ? 1U : 0U,
          .discard_threads = welcome.leftover_threads == decltype(welcome.leftover_threads)::discard ? 1U : 0U};
}

/// Tail, each NUL-terminated: plugin path · plugin name · plugin version · host name · pool · runner id · backend.
struct LoadMessage {
  Header header;
  std::uint64_t tasks_hash;  // sum of base::task_id() over the manifest's tasks and methods
  std::uint32_t task_count;  // 0: do not compare with the manifest
  std::int32_t supervisor;   // pid that slots must end up under
  SlotLimits limits;
};

/// Makes one process with `total` slots: threads share the process, so a total of 1 is process isolation.
/// With SCM_RIGHTS, in this order: stdout, stderr (first part only), then per slot: channel, control page, arena.
/// More slots than fit follow in further parts with the same request.
struct ForkMessage {
  Header header;
  std::uint64_t request;
  std::uint32_t total;
  std::uint32_t first;  // index of this part's first slot
  std::uint32_t count;
  std::uint32_t threads;  // 1: thread isolation (also with a total of 1)
};
inline constexpr std::uint32_t kForkPartMax = 64;  // 2 + 3 × 64 fds are below SCM_MAX_FD (253)
inline constexpr std::size_t kFdsPerSlot = 3;

enum class Stage : std::uint32_t { starting_up = 0, loading, starting, ready, failed };

struct StageMessage {
  Header header;
  Stage stage;
  std::uint32_t reserved;
};

/// Tail: error text if code is not none. Without a fork source the zygote exits right after this.
struct ZygoteReadyMessage {
  Header header;
  std::uint32_t code;  // flame::ErrorCode
  std::uint32_t forkable;
  std::uint32_t threads;  // after start(); 0: it has not run, the plugin wants its slots exec'd
  std::uint32_t task_count;
};

struct SpawnedMessage {
  Header header;
  std::uint64_t request;
  std::int32_t pid;
  std::uint32_t reserved;
};

struct SpawnFailedMessage {
  Header header;
  std::uint64_t request;
  std::int32_t error;  // errno
  std::uint32_t reserved;
};

// --- exit codes of slots that end themselves; above what programs commonly use
inline constexpr int kExitThreadEnded = 120;  // the task ended the slot's thread: pthread_exit(), a cancellation
inline constexpr int kExitChannelLost = 121;  // the task closed or replaced the channel
inline constexpr int kExitOrphaned = 122;     // the supervisor was gone
inline constexpr int kExitBadRequest = 123;   // supervisor and slot are not of one build

}  // namespace flame::slot
