// See fake_host.hpp.
#include "tests/integration/runner/fake_host.hpp"

#include <fcntl.h>
#include <signal.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include <algorithm>
#include <chrono>
#include <cstdlib>
#include <cstring>
#include <filesystem>
#include <map>
#include <zmq.hpp>

#include "plugin_sdk/base/digest.hpp"
#include "plugin_sdk/base/file.hpp"
#include "plugin_sdk/base/limits.hpp"
#include "plugin_sdk/base/task_id.hpp"
#include "plugin_sdk/wire/batch.hpp"
#include "plugin_sdk/wire/envelope.hpp"
#include "plugin_sdk/wire/payload_frame.hpp"
#include "tests/support/eventually.hpp"
#include "tests/support/runner_parent.hpp"

namespace flame::test {
namespace {

using namespace std::chrono_literals;
constexpr std::uint64_t kSession = 7001;
constexpr auto kPatience = 10s;

std::string command_name(pid_t pid) {
  const auto text = base::read_file("/proc/" + std::to_string(pid) + "/comm", 64);
  return text ? text->substr(0, text->find('\n')) : std::string();
}

template <typename T, typename... OneOf>
constexpr bool is_one_of = (std::is_same_v<T, OneOf> || ...);

// A chunk tells of the call whose result has named its transfer.
bool tells_of(const wire::Body& body, std::uint64_t call, std::uint64_t transfer) {
  return std::visit(
      [&]<typename Message>(const Message& message) {
        if constexpr (is_one_of<Message, wire::Begun, wire::Output, wire::Progress, wire::Result, wire::Ended>)
          return message.id == call;
        else if constexpr (std::is_same_v<Message, wire::Chunk>)
          return message.transfer == transfer;
        else
          return false;
      },
      body);
}

}  // namespace

std::string store(const TempDir& directory, const std::string& plugin) {
  const auto image = base::read_file(plugin, 64 * limits::MiB);
  std::string digest = base::sha256(*image).hex();
  ::chmod(directory.write(digest + ".so", *image).c_str(), 0444);
  return digest;
}

struct FakeHost::Sockets {
  zmq::context_t context{1};
  zmq::socket_t control{context, zmq::socket_type::router};
  zmq::socket_t bulk{context, zmq::socket_type::router};
  zmq::message_t control_peer;
  zmq::message_t bulk_peer;
};

std::int64_t Outcome::number() const {
  std::int64_t value = 0;
  if (payload.size() >= sizeof value) std::memcpy(&value, payload.data(), sizeof value);
  return value;
}

FakeHost::FakeHost() : sockets_(std::make_unique<Sockets>()) {
  for (zmq::socket_t* socket : {&sockets_->control, &sockets_->bulk}) {
    socket->set(zmq::sockopt::linger, 0);
    socket->set(zmq::sockopt::router_mandatory, true);
  }
  parent = runner_parent();
  parent.control = {"ipc://" + (directory_ / "control.ipc")};
  parent.bulk = {"ipc://" + (directory_ / "bulk.ipc")};
  sockets_->control.bind(parent.control[0]);
  sockets_->bulk.bind(parent.bulk[0]);
  digest_ = store(directory_, FLAME_TEST_PROBE);
  parent.plugins = {{.name = "probe", .version = "1.0.0", .digest = digest_}};
  parent.failsafe_ns = 5'000'000'000;
  welcome.session = kSession;
  welcome.protocol_minor = wire::kProtocolMinor;
  welcome.slots = 4;
  welcome.shutdown_grace_ns = 2'000'000'000;
  welcome.kill_grace_ns = 100'000'000;
  welcome.payload_max = 64 * limits::MiB;
  welcome.spare_slots = 1;
}

void FakeHost::listen_on_tcp() {
  sockets_->control.bind("tcp://127.0.0.1:*");
  sockets_->bulk.bind("tcp://127.0.0.1:*");
  parent.control = {sockets_->control.get(zmq::sockopt::last_endpoint)};
  parent.bulk = {sockets_->bulk.get(zmq::sockopt::last_endpoint)};
}

void FakeHost::refuse_bulk() {
  sockets_->bulk.unbind(parent.bulk[0]);
}

void FakeHost::accept_bulk() {
  sockets_->bulk.bind(parent.bulk[0]);
}

FakeHost::~FakeHost() {
  if (runner_.pid <= 0 || reaped_) return;
  ::kill(runner_.pid, SIGTERM);
  if (!eventually([this] { return ::waitpid(runner_.pid, nullptr, WNOHANG) != 0; }, 100ms)) {
    for (const pid_t pid : descendants(runner_.pid)) ::kill(pid, SIGKILL);
    ::kill(runner_.pid, SIGKILL);
    ::waitpid(runner_.pid, nullptr, 0);
  }
}

void FakeHost::start(bool by_environment) {
  const std::string bytes = wire::encode_parent(parent);
  base::SpawnRequest request;
  request.path = FLAME_TEST_RUNNER;
  request.env = {"FLAME_PLUGIN_PATH=" + directory_.path(), "PATH=/usr/bin:/bin"};
  for (const char* name : {"ASAN_OPTIONS", "LSAN_OPTIONS", "TSAN_OPTIONS", "UBSAN_OPTIONS"}) {
    if (const char* value = std::getenv(name)) request.env.push_back(std::string(name) + "=" + value);
  }
  auto memory = base::sealed_memfd("parent", bytes);
  ASSERT_TRUE(memory.has_value());
  if (by_environment) {
    request.env.push_back("FLAME_PARENT=" + wire::to_base64(bytes));
  } else {
    request.env.push_back("FLAME_PARENT_FD=7");
    request.fds = {{memory->get(), 7}};
  }
  if (log_fd >= 0) request.fds.push_back({log_fd, 2});
  auto spawned = base::spawn(request);
  ASSERT_TRUE(spawned.has_value()) << spawned.error().message();
  runner_ = std::move(*spawned);
}

void FakeHost::serve() {
  start();
  ASSERT_TRUE(expect<wire::Hello>().has_value());
  send(welcome);
  ASSERT_TRUE(next([](const HostMessage& m) { return m.bulk; }).has_value()) << "no BulkHello";
}

pid_t FakeHost::supervisor() const {
  for (const pid_t pid : descendants(runner_.pid)) {
    if (command_name(pid) == "flame-super") return pid;
  }
  return -1;
}

pid_t FakeHost::zygote() const {
  pid_t found = -1;
  (void)eventually([&] {
    // Slots are forks of the zygote with other names or younger; the zygote is the first of that name.
    for (const pid_t pid : descendants(runner_.pid)) {
      if (command_name(pid) == "flame-zygote" && (found < 0 || pid < found)) found = pid;
    }
    return found > 0;
  });
  return found;
}

std::set<pid_t> FakeHost::zygotes() const {
  std::set<pid_t> found = descendants(runner_.pid);
  std::erase_if(found, [](pid_t pid) { return command_name(pid) != "flame-zygote"; });
  return found;
}

std::string FakeHost::add_probe(const std::string& which) {
  return store(directory_, std::string(FLAME_TEST_PROBES) + "/probe_" + which + ".so");
}

int FakeHost::wait_exit() {
  int status = 0;
  const bool ended = eventually(
      [&] {
        receive(0);
        return ::waitpid(runner_.pid, &status, WNOHANG) == runner_.pid;
      },
      20s);
  if (!ended) return -1;
  reaped_ = true;
  return WIFSIGNALED(status) ? 128 + WTERMSIG(status) : WEXITSTATUS(status);
}

void FakeHost::send(const wire::Body& body, std::span<const std::byte> payload) {
  const auto frame = wire::encode(std::holds_alternative<wire::Welcome>(body) ? 0 : kSession, body);
  zmq::message_t peer;
  peer.copy(sockets_->control_peer);
  sockets_->control.send(peer, zmq::send_flags::sndmore);
  const bool more = !payload.empty();
  sockets_->control.send(zmq::buffer(frame), more ? zmq::send_flags::sndmore : zmq::send_flags::none);
  if (more) sockets_->control.send(zmq::buffer(payload.data(), payload.size()), zmq::send_flags::none);
}

void FakeHost::send_bulk(const wire::Body& body, std::span<const std::byte> payload) {
  zmq::message_t peer;
  peer.copy(sockets_->bulk_peer);
  sockets_->bulk.send(peer, zmq::send_flags::sndmore);
  const bool more = !payload.empty();
  sockets_->bulk.send(zmq::buffer(wire::encode(kSession, body)),
                      more ? zmq::send_flags::sndmore : zmq::send_flags::none);
  if (more) sockets_->bulk.send(zmq::buffer(payload.data(), payload.size()), zmq::send_flags::none);
}

void FakeHost::send_raw(std::span<const std::byte> frame) {
  zmq::message_t peer;
  peer.copy(sockets_->control_peer);
  sockets_->control.send(peer, zmq::send_flags::sndmore);
  sockets_->control.send(zmq::buffer(frame.data(), frame.size()), zmq::send_flags::none);
}

void FakeHost::vanish() {
  sockets_->control.close();
  sockets_->bulk.close();
}

bool FakeHost::receive(int timeout_ms) {
  if (!sockets_->control) return false;
  zmq_pollitem_t items[] = {{sockets_->control.handle(), 0, ZMQ_POLLIN, 0},
                            {sockets_->bulk.handle(), 0, ZMQ_POLLIN, 0}};
  if (zmq_poll(items, 2, timeout_ms) <= 0) return false;
  const bool bulk = (items[0].revents & ZMQ_POLLIN) == 0;
  zmq::socket_t& socket = bulk ? sockets_->bulk : sockets_->control;
  zmq::message_t& peer = bulk ? sockets_->bulk_peer : sockets_->control_peer;
  if (!socket.recv(peer, zmq::recv_flags::dontwait)) return false;
  zmq::message_t head;
  zmq::message_t body;
  (void)socket.recv(head);
  if (head.more()) (void)socket.recv(body);
  auto envelope = wire::decode({head.data<std::byte>(), head.size()});
  EXPECT_TRUE(envelope.has_value());
  if (!envelope) return true;
  const std::span payload(body.data<std::byte>(), body.size());
  if (const auto* batch = std::get_if<wire::Batch>(&envelope->body)) {
    const auto entries = wire::unpack_batch(*batch, payload);
    EXPECT_TRUE(entries.has_value());
    for (const wire::BatchEntry& entry : *entries) take(bulk, wire::decode(entry.envelope).value(), entry.payload);
  } else {
    take(bulk, std::move(*envelope), payload);
  }
  return true;
}

void FakeHost::take(bool bulk, wire::Envelope envelope, std::span<const std::byte> payload) {
  if (const auto* beat = std::get_if<wire::Beat>(&envelope.body)) {
    if (beats) send(*beat);
    return;
  }
  inbox_.push_back({bulk, std::move(envelope), {payload.begin(), payload.end()}});
}

std::optional<HostMessage> FakeHost::next(const std::function<bool(const HostMessage&)>& wanted) {
  const auto end = std::chrono::steady_clock::now() + kPatience;
  for (;;) {
    const auto found = std::find_if(inbox_.begin(), inbox_.end(), wanted);
    if (found != inbox_.end()) {
      HostMessage message = std::move(*found);
      inbox_.erase(found);
      return message;
    }
    if (std::chrono::steady_clock::now() >= end) return std::nullopt;
    receive(100);
  }
}

std::uint64_t FakeHost::invoke(const std::string& task, std::span<const std::byte> payload,
                               const std::function<void(wire::Invoke&)>& change) {
  wire::Invoke message;
  message.id = next_id_++;
  message.seq = next_seq_++;
  message.digest = digest_;
  message.task = base::task_id("probe::" + task, 42);
  message.payload.parts = {payload.size()};
  std::vector<std::byte> padded(payload.begin(), payload.end());
  padded.resize(wire::padded(padded.size()));
  const bool by_bulk = !wire::travels_inline(padded.size());
  if (by_bulk) message.payload.transfer = std::exchange(next_transfer_, next_transfer_ + 2);
  if (change) change(message);
  send(message, by_bulk ? std::span<const std::byte>() : padded);
  if (by_bulk) push_transfer(message.payload.transfer, padded);
  return message.id;
}

// Sends within the window, waiting for credit.
void FakeHost::push_transfer(std::uint64_t transfer, std::span<const std::byte> payload) {
  wire::OutgoingTransfer window(payload.size());
  while (!window.done()) {
    if (const auto range = window.next(); range.size > 0) {
      send_bulk(wire::Chunk{.transfer = transfer, .offset = range.offset}, payload.subspan(range.offset, range.size));
      continue;
    }
    const auto credit = expect<wire::Credit>();
    ASSERT_TRUE(credit.has_value()) << "no credit";
    ASSERT_TRUE(window.on_credit(credit->bytes).has_value());
  }
}

std::uint64_t FakeHost::invoke_text(const std::string& task, const std::string& text) {
  return invoke(task, bytes_of(text));
}

bool FakeHost::begun(std::uint64_t id) {
  return next([id](const HostMessage& m) {
           const auto* begun = std::get_if<wire::Begun>(&m.envelope.body);
           return begun != nullptr && begun->id == id;
         })
      .has_value();
}

bool FakeHost::answered(std::uint64_t id) {
  return eventually([&] {
    receive(0);
    return std::any_of(inbox_.begin(), inbox_.end(), [id](const HostMessage& m) {
      const auto* result = std::get_if<wire::Result>(&m.envelope.body);
      return result != nullptr && result->id == id;
    });
  });
}

Outcome FakeHost::finish(std::uint64_t id) {
  Outcome outcome;
  std::uint64_t expected = 0;
  bool answered = false;
  wire::IncomingTransfer window;
  while (!outcome.ended || outcome.payload.size() < expected) {
    auto message =
        next([&](const HostMessage& m) { return tells_of(m.envelope.body, id, outcome.result.payload.transfer); });
    if (!message) {
      ADD_FAILURE() << "invocation " << id << (answered ? " has not ended" : " was not answered");
      return outcome;
    }
    wire::Body& body = message->envelope.body;
    if (std::holds_alternative<wire::Begun>(body)) {
      outcome.began = true;
    } else if (auto* output = std::get_if<wire::Output>(&body)) {
      outcome.outputs.push_back(std::move(*output));
    } else if (auto* progress = std::get_if<wire::Progress>(&body)) {
      outcome.progress.push_back(*progress);
    } else if (std::holds_alternative<wire::Ended>(body)) {
      EXPECT_TRUE(answered) << "Ended came before Result";
      outcome.ended = true;
    } else if (auto* result = std::get_if<wire::Result>(&body)) {
      EXPECT_FALSE(std::exchange(answered, true)) << "two results";
      outcome.result = std::move(*result);
      for (const std::uint64_t part : outcome.result.payload.parts) expected += wire::padded(part);
      if (outcome.result.payload.transfer == 0) outcome.payload = std::move(message->payload);
      if (const std::uint64_t transfer = outcome.result.payload.transfer; transfer != 0) {
        // Chunks may have come before, on the other connection: they have waited in the inbox.
        const auto credit = window.announce(expected);
        if (credit && *credit > 0) send_bulk(wire::Credit{.transfer = transfer, .bytes = *credit});
      }
    } else if (const auto* chunk = std::get_if<wire::Chunk>(&body)) {
      const auto credit = window.on_chunk(chunk->offset, message->payload.size());
      EXPECT_TRUE(credit.has_value());
      outcome.payload.insert(outcome.payload.end(), message->payload.begin(), message->payload.end());
      if (credit && *credit > 0) send_bulk(wire::Credit{.transfer = chunk->transfer, .bytes = *credit});
    }
  }
  if (!outcome.result.payload.parts.empty()) outcome.payload.resize(outcome.result.payload.parts[0]);
  return outcome;
}

Outcome FakeHost::call(const std::string& task, const std::string& text) {
  return finish(invoke_text(task, text));
}

}  // namespace flame::test
