// A small supervisor for tests.
#include "tests/unit/runner/slots/slot_harness.hpp"
#include "plugin_sdk/base/task_id.hpp"

#include <poll.h>
#include <signal.h>
#include <sys/prctl.h>
#include <sys/wait.h>

#include <algorithm>
#include <chrono>
#include <cstring>

namespace flame::slot {
namespace {

constexpr auto kPatience = std::chrono::seconds(20);

}  // namespace

void SlotTest::SetUp() {
  LeftoversTest::SetUp();
  ::prctl(PR_SET_CHILD_SUBREAPER, 1);
}

void SlotTest::TearDown() {
  for (const auto& slot : slots_) {
    if (slot->pid > 0 && !ended(slot->pid)) ::kill(slot->pid, SIGKILL);
  }
  slots_.clear();
  if (zygote_ && !ended(zygote_->pid())) ::kill(zygote_->pid(), SIGKILL);
  // Orphans of tasks have become ours; so the owner's rule: what is left is killed and reaped.
  EXPECT_TRUE(until([] {
    for (const pid_t pid : test::descendants(::getpid())) ::kill(pid, SIGKILL);
    return test::descendants(::getpid()).empty();
  }));
  zygote_.reset();
  LeftoversTest::TearDown();
}

LoadSpec SlotTest::spec(const std::string& file, const std::string& name) {
  LoadSpec load;
  load.zygote_binary = FLAME_TEST_ZYGOTE;
  load.plugin_path = std::string(FLAME_TEST_C_PLUGINS) + "/" + file + ".so";
  load.name = name;
  load.version = "1.0.0";
  load.host_name = "host-1";
  load.pool = "pool-1";
  load.runner_id = "runner-1";
  load.backend = "local";
  load.environment = built_environment();
  return load;
}

void SlotTest::start_zygote(LoadSpec load) {
  const SlotLimits limits = load.limits;
  const std::uint64_t open_files = load.open_files;
  auto started = ZygoteHandle::start(std::move(load));
  ASSERT_TRUE(started.has_value()) << started.error().error.message;
  zygote_ = std::move(*started);
  ASSERT_FALSE(zygote_->load(limits, open_files).has_value());
  ASSERT_TRUE(until([this] { return zygote_ready_ || zygote_closed_; }));
}

std::vector<TestSlot*> SlotTest::make_slots(std::size_t count, bool threads) {
  std::vector<TestSlot*> made;
  std::vector<SlotHandle*> handles;
  for (std::size_t i = 0; i < count; ++i) {
    auto& slot = *slots_.emplace_back(std::make_unique<TestSlot>());
    auto handle = SlotHandle::create(limits::kPayloadMaxDefault, i != 0);
    EXPECT_TRUE(handle.has_value()) << handle.error().error.message;
    slot.handle = std::move(*handle);
    slot.handle->tell_backlog([&slot](bool waits) { slot.sends_later = waits; });
    made.push_back(&slot);
    handles.push_back(slot.handle.get());
  }
  const auto spawned = zygote_->spawn(handles, threads, next_request_++);
  EXPECT_TRUE(spawned.has_value()) << spawned.error().error.message;
  EXPECT_TRUE(until(
      [&] { return std::all_of(made.begin(), made.end(), [](const TestSlot* s) { return s->ready || s->closed; }); }));
  return made;
}

TestSlot& SlotTest::hostile_slot(SlotLimits limits) {
  LoadSpec load = spec("fixture_hostile", "hostile");
  load.limits = limits;
  start_zygote(std::move(load));
  return make_slot();
}

void SlotTest::begin(TestSlot& slot, std::string_view task, std::string_view argument, InvokeView options) {
  ASSERT_TRUE(slot.handle->idle()) << "the slot is not there for " << task;
  const std::string name = "fixture::" + std::string(task);
  std::string bytes(argument);
  const std::uint64_t part = bytes.size();
  bytes.resize(padded(part));
  slot.result.reset();
  slot.streamed.clear();
  slot.ready = false;
  slot.discard_reason.clear();
  slot.progress.clear();
  options.id = next_id_++;
  if (options.task == 0) options.task = base::task_id(name, kFixtureFingerprint);
  if (options.parts.empty()) options.parts = std::span(&part, 1);
  if (options.bytes.empty()) options.bytes = std::as_bytes(std::span(bytes));
  const auto sent = slot.handle->invoke(options);
  ASSERT_TRUE(sent.has_value()) << sent.error().message;
}

void SlotTest::call(TestSlot& slot, std::string_view task, std::string_view argument, InvokeView options) {
  begin(slot, task, argument, options);
  ASSERT_TRUE(until([&] { return slot.ready || slot.closed; })) << task;
}

void SlotTest::turn() {
  std::vector<pollfd> fds;
  const auto add = [&fds](int fd, bool write) {
    if (fd >= 0) fds.push_back({fd, static_cast<short>(write ? POLLIN | POLLOUT : POLLIN), 0});
  };
  if (zygote_) add(zygote_->channel_fd(), false);
  for (const auto& slot : slots_) {
    if (!slot->handle) continue;
    add(slot->handle->channel_fd(), slot->sends_later);
    add(slot->handle->out_fd(), false);
    add(slot->handle->err_fd(), false);
  }
  ::poll(fds.data(), fds.size(), 10);
  if (zygote_) {
    std::vector<ZygoteEvent> events;
    zygote_->on_readable(events);
    for (const ZygoteEvent& event : events) take(event);
    zygote_->drain_output(zygote_output_);
  }
  for (const auto& slot : slots_) {
    if (slot->handle) read_slot(*slot);
  }
  reap();
}

void SlotTest::destroy(TestSlot& slot, std::vector<std::uint64_t> objects) {
  slot.ready = false;
  slot.handle->destroy_objects(objects);
  EXPECT_TRUE(until([&] { return slot.ready || slot.closed.has_value(); }));
}

void SlotTest::read_slot(TestSlot& slot) {
  std::vector<SlotEvent> events;
  slot.handle->on_writable();
  slot.handle->read(events);
  slot.handle->drain(OutputStream::out, slot.out);
  slot.handle->drain(OutputStream::err, slot.err);
  for (SlotEvent& event : events) take(slot, event);
}

void SlotTest::take(TestSlot& slot, SlotEvent& event) {
  if (const auto* hello = std::get_if<SlotHello>(&event)) slot.pid = hello->pid;
  if (const auto* ready = std::get_if<SlotReady>(&event)) {
    slot.ready = true;
    if (!ready->reusable) slot.discard_reason = ready->reason;
    slot.discard = ready->discard;
    slot.threads = ready->threads;
  }
  if (auto* result = std::get_if<SlotResult>(&event)) slot.result = std::move(*result);
  if (auto* chunk = std::get_if<SlotResultChunk>(&event)) {
    EXPECT_EQ(chunk->offset, slot.streamed.size());
    slot.streamed.append(reinterpret_cast<const char*>(chunk->bytes.data()), chunk->bytes.size());
    slot.handle->acknowledge_chunk();
  }
  if (auto* progress = std::get_if<SlotProgress>(&event)) slot.progress.push_back(std::move(*progress));
  if (auto* log = std::get_if<SlotLog>(&event)) slot.logs.push_back(std::move(*log));
  if (auto* ended = std::get_if<SlotChildEnded>(&event)) slot.child_end = std::move(ended->error);
  if (auto* closed = std::get_if<SlotClosed>(&event)) slot.closed = closed->reason;
}

void SlotTest::take(const ZygoteEvent& event) {
  if (const auto* ready = std::get_if<ZygoteReady>(&event)) zygote_ready_ = *ready;
  if (const auto* failed = std::get_if<ZygoteFailed>(&event)) zygote_error_ = failed->error;
  if (const auto* failed = std::get_if<ZygoteSpawnFailed>(&event)) ADD_FAILURE() << failed->failure.error.message;
  if (std::holds_alternative<ZygoteClosed>(event)) zygote_closed_ = true;
}

void SlotTest::reap() {
  int status = 0;
  for (pid_t pid = 0; (pid = ::waitpid(-1, &status, WNOHANG)) > 0;) statuses_[pid] = status;
}

bool SlotTest::until(const std::function<bool()>& done) {
  const auto end = std::chrono::steady_clock::now() + kPatience;
  while (!done()) {
    if (std::chrono::steady_clock::now() > end) return false;
    turn();
  }
  return true;
}

int SlotTest::status_of(pid_t pid) {
  EXPECT_TRUE(until([&] { return ended(pid); })) << "process " << pid << " did not end";
  return statuses_[pid];
}

std::string number(std::uint64_t value) {
  std::string bytes(sizeof(value), '\0');
  std::memcpy(bytes.data(), &value, sizeof(value));
  return bytes;
}

std::string table(const TestSlot& slot) {
  if (!slot.result || slot.result->parts.empty()) return {};
  if (slot.result->streamed) return slot.streamed.substr(0, slot.result->parts.front());
  return {reinterpret_cast<const char*>(slot.result->bytes.data()), slot.result->parts.front()};
}

}  // namespace flame::slot
