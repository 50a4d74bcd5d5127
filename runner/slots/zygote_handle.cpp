// The supervisor's side of a generation: starting flame-zygote, requesting slots, wording its failures.
#include "runner/slots/zygote_handle.hpp"

#include <fcntl.h>
#include <signal.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <cstring>

#include "plugin_sdk/base/assert.hpp"
#include "plugin_sdk/base/make_error.hpp"
#include "plugin_sdk/base/spawn.hpp"
#include "runner/protocol/channel.hpp"
#include "runner/slots/drain_pipe.hpp"
#include "runner/slots/printable.hpp"

extern char** environ;

namespace flame::slot {
namespace {

constexpr int kChannelInZygote = 3;
/// The C library keeps up to 40 MiB of the stacks of joined threads for the next ones. Under a small limits.memory that
/// takes the place of all else, and looks like memory that the calls have leaked. Two stacks of 8 MiB stay: to map them
/// anew costs a thread 10 us.
constexpr std::uint64_t kStackCacheMax = 16 * limits::MiB;

std::vector<std::byte> make_load(const LoadSpec& spec) {
  std::vector<std::byte> datagram(sizeof(LoadMessage));
  for (const std::string* text :
       {&spec.plugin_path, &spec.name, &spec.version, &spec.host_name, &spec.pool, &spec.runner_id, &spec.backend}) {
    const auto bytes = std::as_bytes(std::span(text->c_str(), text->size() + 1));
    datagram.insert(datagram.end(), bytes.begin(), bytes.end());
  }
  auto message = make_message<LoadMessage>(Kind::load, datagram.size());
  message.tasks_hash = spec.tasks_hash;
  message.task_count = spec.task_count;
  message.supervisor = ::getpid();
  message.limits = spec.limits;
  std::memcpy(datagram.data(), &message, sizeof(message));
  return datagram;
}

/// Sends the fork request for `slots` in parts that SCM_RIGHTS can carry.
Sent send_fork(int channel, std::span<SlotHandle* const> slots, bool threads, std::uint64_t request) {
  for (std::size_t first = 0; first < slots.size(); first += kForkPartMax) {
    const auto part = slots.subspan(first, std::min<std::size_t>(kForkPartMax, slots.size() - first));
    std::vector<int> fds;
    if (first == 0) fds = {slots[0]->child_ends().out, slots[0]->child_ends().err};
    for (const SlotHandle* slot : part) {
      const SlotHandle::ChildEnds ends = slot->child_ends();
      fds.insert(fds.end(), {ends.channel, ends.control, ends.arena});
    }
    auto message = make_message<ForkMessage>(Kind::fork);
    message.request = request;
    message.total = static_cast<std::uint32_t>(slots.size());
    message.first = static_cast<std::uint32_t>(first);
    message.count = static_cast<std::uint32_t>(part.size());
    message.threads = threads ? 1 : 0;
    if (const Sent sent = send_with_fds(channel, as_datagram(message), fds); sent != Sent::yes) return sent;
  }
  return Sent::yes;
}

struct Streams {
  int out, err, channel;
};

/// flame-zygote, which waits to hear what to load.
MakeResult<pid_t> start_program(const LoadSpec& spec, const std::vector<std::string>& arguments, Streams streams) {
  base::SpawnRequest request;
  request.path = spec.zygote_binary;
  request.argv = {spec.zygote_binary};
  request.argv.insert(request.argv.end(), arguments.begin(), arguments.end());
  request.env = spec.environment;
  request.fds = {{streams.out, 1}, {streams.err, 2}, {streams.channel, kChannelInZygote}};
  request.new_session = true;  // kill(0, …) in start() must not reach the supervisor
  const auto spawned = base::spawn(request);
  if (spawned.has_error()) {
    const int error = spawned.error().value();
    MakeFailure failure = make_failure("cannot start " + spec.zygote_binary, error);
    if (!failure.shortage) failure.error.message += " Install flame-zygote beside flame-runner.";
    return failure;
  }
  return spawned->pid;
}

void limit_open_files(pid_t pid, std::uint64_t soft) {
  rlimit limit{};
  if (soft == 0 || ::prlimit(pid, RLIMIT_NOFILE, nullptr, &limit) != 0) return;
  limit.rlim_cur = std::min<rlim_t>(soft, limit.rlim_max);
  static_cast<void>(::prlimit(pid, RLIMIT_NOFILE, &limit, nullptr));
}

std::string_view words(Stage stage) {
  switch (stage) {
    case Stage::starting_up:
      return "flame-zygote could not start";
    case Stage::loading:
      return "the plugin's static constructor ended the process";
    case Stage::starting:
      return "the plugin's start() ended the process";
    case Stage::ready:
      return "the plugin's zygote ended";
    case Stage::failed:
      return "the plugin could not be loaded";
  }
  return "the plugin's zygote ended";
}

std::string fate(int status) {
  if (WIFSIGNALED(status)) {
    const int signal = WTERMSIG(status);
    const std::string core = WCOREDUMP(status) ? ", core dumped" : "";
    return "signal " + std::to_string(signal) + " (" + ::strsignal(signal) + ")" + core;
  }
  return "exit code " + std::to_string(WEXITSTATUS(status));
}

}  // namespace

std::vector<std::string> built_environment() {
  constexpr std::string_view kTunables = "GLIBC_TUNABLES=";
  // Huge pages make forking a zygote with a big model 30 times faster. Libraries like jemalloc want more static TLS
  // than the 512 bytes that glibc keeps for those that are loaded late; each thread's block grows by as much.
  std::string tunables = "GLIBC_TUNABLES=glibc.malloc.hugetlb=1:glibc.rtld.optional_static_tls=16384";
  tunables += ":glibc.pthread.stack_cache_size=" + std::to_string(kStackCacheMax);
  std::vector<std::string> environment;
  for (char** entry = environ; *entry != nullptr; ++entry) {
    const std::string_view variable = *entry;
    if (variable.starts_with(kTunables)) {
      tunables.append(":").append(variable.substr(kTunables.size()));  // the last word counts, and it is the user's
    } else if (!variable.starts_with("FLAME_")) {
      environment.emplace_back(variable);
    }
  }
  environment.push_back(std::move(tunables));
  return environment;
}

MakeResult<std::unique_ptr<ZygoteHandle>> ZygoteHandle::start(LoadSpec spec) {
  std::unique_ptr<ZygoteHandle> zygote(new ZygoteHandle);
  UniqueFd theirs;
  int output[2] = {-1, -1};
  if (!make_channel(zygote->channel_, theirs) || ::pipe2(output, O_CLOEXEC) != 0) {
    return make_failure("cannot make a zygote's channel", errno);
  }
  zygote->output_.reset(output[0]);
  const UniqueFd write_end(output[1]);
  static_cast<void>(::fcntl(output[0], F_SETFL, O_NONBLOCK));
  auto pid = start_program(spec, {}, {write_end.get(), write_end.get(), theirs.get()});
  if (!pid) return pid.error();
  zygote->pid_ = *pid;
  zygote->spec_ = std::move(spec);
  return zygote;
}

std::optional<MakeFailure> ZygoteHandle::load(const SlotLimits& limits, std::uint64_t open_files) {
  spec_.limits = limits;
  spec_.open_files = open_files;
  limit_open_files(pid_, open_files);
  const std::vector<std::byte> datagram = make_load(spec_);
  if (datagram.size() > kDatagramMax) {
    return MakeFailure{base::make_error(ErrorCode::invalid_argument,
                                        "the plugin's path and names do not fit into a message to the zygote")};
  }
  // One that has died meanwhile does not hear it; its end tells.
  if (!channel_ || send_datagram(channel_.get(), datagram, MSG_DONTWAIT) != Sent::would_block) return std::nullopt;
  return MakeFailure{base::make_error(ErrorCode::boot_failed, "the plugin's zygote cannot be told what to load"), true};
}

ZygoteHandle::~ZygoteHandle() = default;

void ZygoteHandle::on_readable(std::vector<ZygoteEvent>& events) {
  alignas(16) std::array<std::byte, kDatagramMax> buffer;  // not zeroed
  while (channel_) {
    const ssize_t size = receive_datagram(channel_.get(), buffer, MSG_DONTWAIT);
    if (size < 0 && (errno == EAGAIN || errno == EWOULDBLOCK)) return;
    if (size > 0 && receive(std::span(buffer).first(static_cast<std::size_t>(size)), events)) continue;
    channel_.reset();
    events.emplace_back(ZygoteClosed{});
  }
}

bool ZygoteHandle::receive(std::span<const std::byte> datagram, std::vector<ZygoteEvent>& events) {
  Header header{};
  if (datagram.size() < sizeof(header)) return false;
  std::memcpy(&header, datagram.data(), sizeof(header));
  if (header.kind == Kind::stage) {
    StageMessage message{};
    const bool valid = read_message(datagram, message) && stage_ < Stage::ready &&
                       (message.stage == Stage::loading || message.stage == Stage::starting);
    if (valid) stage_ = message.stage;
    return valid;
  }
  if (header.kind == Kind::zygote_ready) return receive_ready(datagram, events);
  SpawnedMessage spawned{};
  if (header.kind == Kind::spawned && read_message(datagram, spawned) && ready() && spawned.pid > 1) {
    events.emplace_back(ZygoteSpawned{spawned.request, spawned.pid});
    return true;
  }
  SpawnFailedMessage failed{};
  if (header.kind == Kind::spawn_failed && read_message(datagram, failed) && ready()) {
    events.emplace_back(ZygoteSpawnFailed{failed.request, make_failure("cannot fork a slot", failed.error)});
    return true;
  }
  return false;
}

bool ZygoteHandle::receive_ready(std::span<const std::byte> datagram, std::vector<ZygoteEvent>& events) {
  ZygoteReadyMessage message{};
  if (!read_message(datagram, message) || stage_ >= Stage::ready) return false;
  if (message.code > static_cast<std::uint32_t>(ErrorCode::shutting_down)) return false;
  if (message.code != 0) {
    stage_ = Stage::failed;
    const auto text = datagram.subspan(sizeof(message));
    const std::string_view words(reinterpret_cast<const char*>(text.data()), std::min(text.size(), limits::kTextMax));
    events.emplace_back(ZygoteFailed{base::make_error(static_cast<ErrorCode>(message.code), printable(words))});
    return true;
  }
  stage_ = Stage::ready;
  forkable_ = message.forkable != 0;
  events.emplace_back(ZygoteReady{forkable_, message.threads, message.task_count});
  return true;
}

bool ZygoteHandle::drain_output(std::string& text, std::size_t limit) {
  return drain_pipe(output_, text, limit);
}

MakeResult<pid_t> ZygoteHandle::spawn(std::span<SlotHandle* const> slots, bool threads, std::uint64_t request) {
  FLAME_ASSERT(ready() && !slots.empty() && (threads || slots.size() == 1), "process isolation has one slot each");
  MakeResult<pid_t> result = pid_t{0};
  if (!forkable_) {
    result = spawn_exec(slots, threads, request);
  } else if (channel_ && send_fork(channel_.get(), slots, threads, request) == Sent::would_block) {
    // A lost channel is no failure: the zygote died a moment ago, and its death tells for every request it still had.
    result = MakeFailure{base::make_error(ErrorCode::boot_failed, "the plugin's zygote does not answer"), true};
  }
  for (SlotHandle* slot : slots) slot->close_child_ends();
  return result;
}

MakeResult<pid_t> ZygoteHandle::spawn_exec(std::span<SlotHandle* const> slots, bool threads, std::uint64_t request) {
  UniqueFd ours;
  UniqueFd theirs;
  if (!make_channel(ours, theirs)) return make_failure("cannot make a slot's channel", errno);
  const SlotHandle::ChildEnds ends = slots[0]->child_ends();
  auto pid = start_program(spec_, {"--slot"}, {ends.out, ends.err, theirs.get()});
  if (!pid) return pid;
  limit_open_files(*pid, spec_.open_files);
  if (send_datagram(ours.get(), make_load(spec_), MSG_DONTWAIT) != Sent::yes ||
      send_fork(ours.get(), slots, threads, request) != Sent::yes) {
    MakeFailure failure = make_failure("cannot tell a slot what to load", errno);
    ::kill(*pid, SIGKILL);
    return failure;
  }
  return pid;
}

Error ZygoteHandle::describe_exit(int status) const {
  const bool ours = stage_ == Stage::starting_up;
  Error error = base::make_error(ours ? ErrorCode::boot_failed : ErrorCode::crashed,
                                 std::string(words(stage_)) + ": " + fate(status));
  if (!ours && WIFSIGNALED(status)) error.signal = WTERMSIG(status);
  if (WIFEXITED(status)) error.exit_code = WEXITSTATUS(status);
  error.plugin = spec_.name + "@" + spec_.version;
  error.started = Started::no;
  return error;
}

}  // namespace flame::slot
