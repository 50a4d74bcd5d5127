// Every bound of the system: its name, its value, its reason. Each has a test where it is enforced.
#pragma once

#include <chrono>
#include <cstddef>
#include <cstdint>

namespace flame::limits {

using namespace std::chrono_literals;

inline constexpr std::size_t KiB = 1024;
inline constexpr std::size_t MiB = 1024 * KiB;
inline constexpr std::size_t GiB = 1024 * MiB;

// --- frames (DESIGN §4)
/// Payloads up to this size travel inside their envelope's message on `control`; larger ones on `bulk`.
inline constexpr std::size_t kInlinePayloadMax = 64 * KiB;
/// One chunk on `bulk`: short enough that a cancel or another transfer never waits long behind it.
inline constexpr std::size_t kChunkMax = 256 * KiB;
/// Bytes of one transfer that may be unacknowledged.
inline constexpr std::size_t kTransferWindow = 4 * MiB;
/// One envelope frame: the largest is Result with an Error (log tail, call stack) or Hello with many plugins.
inline constexpr std::size_t kEnvelopeMax = 192 * KiB;
/// ZMQ_MAXMSGSIZE on every socket, set before bind: a peer cannot make us allocate more for one frame, even before
/// the handshake.
inline constexpr std::size_t kFrameMax = kChunkMax + 64 * KiB;
static_assert(kEnvelopeMax <= kFrameMax && kInlinePayloadMax <= kFrameMax && kChunkMax <= kTransferWindow);
/// One Batch: as much as one small call with a payload may take, so that it delays no cancel more than that does.
inline constexpr std::size_t kBatchBytesMax = kInlinePayloadMax;
inline constexpr std::uint32_t kBatchCountMax = 256;
static_assert(kBatchBytesMax <= kFrameMax);
/// Parts of a payload start at multiples of this, so that vectors in them are aligned.
inline constexpr std::size_t kPartAlignment = 16;
/// Attachments and tracked resources of one payload.
inline constexpr std::size_t kAttachmentsMax = 4096;
/// Default and largest `payload_max` of a pool.
inline constexpr std::uint64_t kPayloadMaxDefault = 2 * GiB;
inline constexpr std::uint64_t kPayloadMaxCeiling = 64 * GiB;

// --- names and texts
inline constexpr std::size_t kNameMax = 255;                   // a pool, plugin, task or type name
inline constexpr std::size_t kPluginIdMax = 2 * kNameMax + 1;  // "name@version"
inline constexpr std::size_t kTextMax = 16 * KiB;              // one log line, error message or reason on the wire
inline constexpr std::size_t kLogTailMax = 8 * KiB;            // output kept for an error
inline constexpr std::size_t kListMax = 4096;                  // elements of any list in an envelope
/// Output of one invocation that travels to the host's log; the rest is counted as dropped.
inline constexpr std::size_t kOutputMax = 1 * MiB;

/// Entries of Error::where and the bytes of each: a deep call stack is cut, not sent.
inline constexpr std::size_t kWhereMax = 64;
inline constexpr std::size_t kWhereTextMax = 1 * KiB;
/// Nesting and tables that the verifier of an envelope walks: Hello has two tables per plugin and one per fact.
inline constexpr std::uint32_t kEnvelopeDepthMax = 8;
inline constexpr std::uint32_t kEnvelopeTablesMax = 3 * kListMax + 16;
/// Bytes of strings and lists that one envelope may decode to: entries of a hostile one may all share one string.
inline constexpr std::size_t kEnvelopeDecodedMax = 2 * kEnvelopeMax;
/// FLAME_PARENT before base64. Linux passes at most 128 KiB in one environment variable.
inline constexpr std::size_t kParentMax = 64 * KiB;
inline constexpr std::size_t kEndpointMax = 288;  // "tcp://[NAME]:PORT"
inline constexpr std::size_t kPathMax = 4096;     // of a directory: what the kernel takes
inline constexpr std::size_t kEndpointsMax = 32;
/// Addresses of one host that a backend may know for its machines: a runner dials them one after the other.
inline constexpr std::size_t kReachAddressesMax = 4;
/// Plugins of one pool: FLAME_PARENT and Hello name them all, beside endpoints and names of the largest size.
inline constexpr std::size_t kPoolPluginsMax = 100;
/// Secrets of the tasks of one pool, and the bytes of their names and values: what FLAME_PARENT has room for beside the
/// largest configuration.
inline constexpr std::size_t kTaskSecretsMax = 64;
inline constexpr std::size_t kTaskSecretsBytesMax = 12 * KiB;
/// Bytes of a pool's plain variables, names and values: engines take them in a command, a request or a file.
inline constexpr std::size_t kPoolEnvironmentMax = 32 * KiB;
/// Backends of one pool: a boot that finds no room is tried at each before it counts as failed.
inline constexpr std::size_t kPoolBackendsMax = 8;
/// Tables in [backends]: each is an engine with a thread and connections of its own.
inline constexpr std::size_t kBackendTablesMax = 64;
/// The name of such a table, which is a directory's and stands in log lines.
inline constexpr std::size_t kBackendNameMax = 64;

// --- strangers and hostile peers on a TCP port
/// Who connects has so long for the whole handshake; less than a runner waits before it dials anew.
inline constexpr auto kHandshakeMax = 3s;
/// Connections per port whose peer has not said hello: above, the kernel drops what dials until half of them are gone.
/// More than an honest start of many runners needs at once, and few of the 1,024 descriptors that programs mostly have.
inline constexpr std::size_t kStrangersMax = 128;
/// Bytes that a connection may bring without completing a message: more than ZeroMQ holds of whole ones, so honest
/// peers never come near. Looked at so often; what arrives in between comes on top.
inline constexpr std::size_t kUnfinishedMax = 64 * MiB;
inline constexpr auto kUnfinishedCheck = 200ms;
/// The same for one that has not said hello: all that it has to say is one envelope.
inline constexpr std::size_t kUnfinishedHelloMax = 1 * MiB;
static_assert(kEnvelopeMax < kUnfinishedHelloMax);

// --- transfers
/// Transfers whose chunks came before their envelope, per session; each holds at most one window.
inline constexpr std::size_t kUnannouncedMax = 256;
/// Bytes of all of those together: what may overtake its envelopes when `control` has to wait for a lost packet.
inline constexpr std::size_t kUnannouncedBytesMax = 128 * MiB;
/// Ended transfers that a receiver remembers, so that late chunks do not look like new ones.
inline constexpr std::size_t kClosedTransfersMax = 4096;

// --- plugins
inline constexpr std::size_t kPluginBytesMax = 1 * GiB;
inline constexpr std::size_t kNoteBytesMax = 1 * MiB;
inline constexpr std::size_t kProgramHeadersMax = 64;
inline constexpr std::size_t kSectionHeadersMax = 1024;
/// Entries of a dynamic section that are read, and libraries beside a plugin that are copied with it; their bytes count
/// towards kPluginBytesMax.
inline constexpr std::size_t kDynamicEntriesMax = 4096;
inline constexpr std::size_t kOriginLibrariesMax = 256;
/// A key or a signature is one line of about 130 bytes; whatever is larger is another file.
inline constexpr std::size_t kKeyTextMax = 512;
/// Keys that a host trusts: the message about an unknown one lists them all.
inline constexpr std::size_t kTrustedKeysMax = 64;
/// Entries of [plugins] revoked, and of min_version: a host checks each plugin against them when it starts.
inline constexpr std::size_t kRevokedMax = 4096;
/// What is read of a plugin's symbol table to name the functions of a call stack (700,000 symbols, about 10 ms, once
/// per plugin and runner), and the bytes of one symbol's name.
inline constexpr std::size_t kSymbolTableMax = 16 * MiB;
inline constexpr std::size_t kSymbolNameMax = 1 * KiB;

// --- the plugin store's own small files
/// One of them: what the largest that is written may take, and what is read of one that somebody else has written.
inline constexpr std::size_t kStoreFileMax = 1 * MiB;
/// Lines of one. Each names a digest, so that a file of that size has fewer.
inline constexpr std::size_t kStoreRowsMax = kStoreFileMax / 64;
/// A path, a name or a reason in one. Longer reasons are cut.
inline constexpr std::size_t kStoreTextMax = 4 * KiB;
/// A detached signature: one of Ed25519 has 64 bytes; the rest is for its key's name and for text around it.
inline constexpr std::size_t kSignatureBytesMax = 4 * KiB;

// --- time (DESIGN §4, §5, §6; FLAME's defaults)
inline constexpr auto kBeatInterval = 1s;
inline constexpr auto kHostSilence = 10s;    // the runner gives its host up
inline constexpr auto kRunnerSilence = 15s;  // the host gives its runner up; later, so that attempts never overlap
/// Fewer beats that did not come are no silence. A runner that stood still itself waits at most so long for its host.
inline constexpr int kSilenceBeatsMin = 5;
/// Who did not look at the clock for so many beats stood still itself, and does not judge its peer by that time.
inline constexpr int kStandstillBeats = 2;
static_assert(kBeatInterval * kSilenceBeatsMin <= kHostSilence && kHostSilence + kBeatInterval < kRunnerSilence);
/// A lost runner's calls that may be tried again wait this long for the backend's word that its machine has ended.
inline constexpr auto kDeathProofWait = 5s;
/// A plugin's idle_check() that takes longer counts as idle.
inline constexpr auto kIdleCheckMax = 5s;
inline constexpr auto kDialInterval = 100ms;
inline constexpr auto kFailsafe = 20s;
/// The least that a configuration may ask for. A shorter beat keeps the loops awake for nothing, and of nanoseconds one
/// spins; the silences follow from it. A shorter failsafe fails boots on a busy machine before the runner has dialled.
inline constexpr auto kBeatMin = 10ms;
inline constexpr auto kFailsafeMin = 1s;
static_assert(kBeatMin <= kBeatInterval && kFailsafeMin <= kFailsafe);
/// A zygote answers requests for slots one after the other, within milliseconds; the fork of one that holds 100 GiB
/// takes some seconds. One that has been silent for so long, with requests before it, is killed and replaced. The
/// shorter of this and the start limit counts.
inline constexpr auto kForkAnswerMax = 10s;
/// A zygote that served for so long is not counted among those that die again and again.
inline constexpr auto kZygoteProven = 10min;
/// A free slot gives its arena's memory back after this: longer than between the calls of a busy pool.
inline constexpr auto kArenaIdle = 5s;
inline constexpr auto kKillGrace = 250ms;  // stop request → SIGKILL
inline constexpr auto kRetireGrace = 5s;   // thread isolation: a process with a deaf task lives this long at most
inline constexpr auto kBootTimeoutDefault = 30s;
/// start() or start_slot() of a plugin, when the host does not say: the pool's boot_timeout.
inline constexpr auto kStartLimitDefault = kBootTimeoutDefault;
inline constexpr auto kByeWait = 1s;
/// What a host that ends gives its backends, all at once, to end their machines and what is under way with their
/// engines. Longer than the local one takes to kill a runner that ignores it; people wait for it.
inline constexpr auto kBackendCloseMax = 5s;
// Where machines have an end, a call looks for one that lives long enough: so many, and so many calls of one plugin at
// a time, as this is done after every event.
inline constexpr std::size_t kFitWaitersMax = 64;
inline constexpr std::size_t kFitRunnersMax = 64;
inline constexpr std::size_t kFitNewestMax = 8;
/// And at most so many calls are looked at, which costs less.
inline constexpr std::size_t kLookWaitersMax = 512;

// --- queues and counts
inline constexpr std::uint32_t kMaxConcurrencyCeiling = 1024;  // 3 fds and one process per slot
inline constexpr std::uint32_t kRunnersCeiling = 1000;
/// What the host keeps of a call that waits, beside its arguments: max_queue_bytes counts both.
inline constexpr std::uint64_t kQueuedCallBytes = 2 * KiB;
/// Calls refused on their caller's thread that the loop has yet to hear of, for `flame why`; further ones are not told.
inline constexpr std::uint32_t kRefusalsToldMax = 64;
/// Commands that the loop takes per turn, so that a turn stays short: a caller that works for the others may be wanted.
inline constexpr std::size_t kCommandsPerTurn = 256;
/// Of calls that ZeroMQ may hold for one runner; what comes after waits in its session and can still be withdrawn.
inline constexpr std::size_t kRunnerQueueBytes = 16 * MiB;
inline constexpr std::size_t kArenaBytes = 4 * MiB;  // per slot, shared with the supervisor
inline constexpr std::uint32_t kRetriesMax = 100;
inline constexpr std::uint32_t kSlotCallsMax = 100'000;  // then a slot is replaced, against slow leaks
/// Threads that calls have left in a slot and that it keeps, and calls of a task in a row that may each leave more than
/// there ever were: the pools of a few libraries on a large machine stay below, a thread a call does not.
inline constexpr std::uint32_t kSlotThreadsMax = 512;
inline constexpr std::uint32_t kThreadGrowthMax = 16;
/// OpenMP and the like start as many threads as there are processors, 64 on a large machine. Their stacks take two
/// thirds of the memory then, which leaves the rest for heap and malloc's arenas.
inline constexpr std::uint64_t kStacksPerMemory = 96;
/// What macOS gives a thread; less than libraries count on would be worse than no thread.
inline constexpr std::uint64_t kThreadStackMin = 512 * limits::KiB;
/// Signatures of callers that differ from a plugin's, and have been compared with it: more than a program calls.
inline constexpr std::size_t kTaskMatchesMax = 4096;
/// What an activation takes of a runner's memory is two of its plugin, not more: the one that serves, and the next.
inline constexpr std::uint32_t kGenerationsPerPluginMax = 2;
/// Slots that are made of a new generation before calls go to it. As many as the old one has in use, so that the change
/// is no cold start; more would make the change itself a load peak, and are made when calls want them.
inline constexpr std::uint32_t kLoadSlotsMax = 8;
/// Slots that could not be forked for want of processes, memory or descriptors, one after the other, before a waiting
/// call is told so that no living slot can serve: about 0.3 s.
inline constexpr std::uint32_t kShortageTries = 5;
/// Processes that ended while slots were being forked, and may be one of those: about ten times what a runner can fork.
inline constexpr std::size_t kUnclaimedMax = 10'000;
inline constexpr std::uint32_t kObjectsPerSlotMax = 10'000;

// --- machines whose end was asked for
/// What a backend has not answered by then it has lost: it is asked again. Some engines take minutes to end a machine.
inline constexpr auto kDestroyAnswerMax = 10min;
/// Machines whose end is awaited, all backends of a host together: about as many as a large pool has runners. Of more,
/// the oldest is forgotten, so that a backend that never answers does not fill the host's memory.
inline constexpr std::size_t kDestroysKept = kRunnersCeiling;

// --- machines that hosts have left behind
/// First list after a backend has opened: not in the way of the first boots. Then one a minute: each costs the engine a
/// request, and what is left costs money by the hour.
inline constexpr auto kReapFirst = 1s;
inline constexpr auto kReapEvery = 1min;
/// A list that has not come by then never comes: its backend has lost it.
inline constexpr auto kListAnswerMax = 10min;
/// Clocks of two computers may differ by this much where a machine's end is written down as a time.
inline constexpr auto kUntilSlack = 60s;
/// Machines of one list that are looked at: more than the hosts of one name have. Each may name another process, which
/// is looked for on the loop's thread.
inline constexpr std::size_t kReapMachinesMax = 4096;
/// Of these, destroyed at once: engines refuse who asks for more. The next list brings the rest.
inline constexpr std::size_t kReapsPerList = 100;
/// What an engine gets to answer people who ask a host about machines; shorter than kControlClientTime.
inline constexpr auto kMachineAnswerMax = 4s;
/// The same where a command asks the engine itself, and may wait as long as people do.
inline constexpr auto kMachineCommandMax = 30s;
/// So long before a boot's time is over its backend is asked for the end of the machine's log, which says why: what an
/// engine needs for it. Of a shorter boot_timeout a quarter.
inline constexpr auto kBootLogWait = 2s;
/// The end of a machine's log that people are shown.
inline constexpr std::uint64_t kMachineLogMax = 256 * KiB;
/// Lines in the log about one list; the rest is a number.
inline constexpr std::size_t kReapLinesMax = 10;

// --- control socket (`flame status`, `flame why`) and what it tells of the past
inline constexpr std::size_t kControlRequestMax = 4 * KiB;  // one line of JSON
inline constexpr std::size_t kControlAnswerMax = 16 * MiB;  // 1,000 runners make about 1 MiB
inline constexpr std::size_t kControlClientsMax = 16;       // further ones wait in the backlog
inline constexpr int kControlBacklog = 64;
inline constexpr auto kControlClientTime =
    5s;  // from connect to the last byte of the answer; the command waits as long
/// How often a host looks after its runtime directory, and at the latest puts back what `flame status` needs.
inline constexpr auto kRuntimeDirCare = 1min;
inline constexpr auto kControlPause = 5ms;  // between two questions to the loop: clients cannot keep it busy
/// Changes of plugin versions that clients have asked for and that have not ended, each on a thread of its own. Those
/// of one plugin come one after the other, and who asks for more has a script that does not wait.
inline constexpr std::size_t kOperationsRunningMax = 8;
/// Ended ones that can be asked after: their clients look every second at least, and start few others meanwhile.
inline constexpr std::size_t kOperationsKept = 64;
/// Output and progress of one pool that wait for its callbacks; what comes beyond is dropped, and lost output counted:
/// a callback that blocks must not fill the host's memory. Events that are few (growth, cast errors) are all kept.
inline constexpr std::size_t kChatterWaitingMax = 4096;
/// Callbacks of one host that wait at once for what other callbacks are to do, each on a thread of its own: a stack of
/// 8 MiB of addresses, some 20 KiB of memory. Beyond, they may wait for each other for ever, and the log says so.
inline constexpr std::size_t kCallbacksWaitingMax = 1000;
/// Calls that can be explained: the last ones whatever became of them, older ones that have not ended, and older ones
/// that have ended but failed or took long. Each with its first and last events.
inline constexpr std::size_t kHistoryRecentMax = 1024;
inline constexpr std::size_t kHistoryOpenMax = 4096;
inline constexpr std::size_t kHistoryEndedMax = 1024;
inline constexpr std::size_t kHistoryEventsMax = 12;
inline constexpr std::size_t kHistoryTextMax = 1 * KiB;
inline constexpr std::size_t kHistoryBytesMax = 8 * MiB;  // all of a host's, texts of failures included
/// Runners of one pool that have ended and are remembered; machine facts and plugins kept of each, and their bytes.
inline constexpr std::size_t kRunnersRememberedMax = 64;
inline constexpr std::size_t kRunnerFactsMax = 16;
inline constexpr std::size_t kRunnerPluginsMax = 64;

// --- logs
/// Of lines that wait for whoever reads standard error (or a backend's log file); what comes beyond is dropped, and
/// counted. A reader that pauses must not stop a host, a runner, nor fill their memory.
inline constexpr std::size_t kLogQueueBytes = 1 * MiB;
/// The end of a host or runner waits for so long until its last lines are written.
inline constexpr auto kLogFlushMax = 500ms;

// --- codec
inline constexpr unsigned kDepthMax = 64;

}  // namespace flame::limits
