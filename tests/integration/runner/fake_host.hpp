// A host made of two raw ROUTER sockets, and a real flame-runner that dials it: tests script what the host says.
#pragma once

#include <sys/types.h>

#include <cstddef>
#include <cstdint>
#include <deque>
#include <functional>
#include <memory>
#include <optional>
#include <set>
#include <span>
#include <string>
#include <variant>
#include <vector>

#include "plugin_sdk/base/spawn.hpp"
#include "plugin_sdk/wire/messages.hpp"
#include "tests/support/leftovers.hpp"
#include "tests/support/temp_dir.hpp"

namespace flame::test {

struct HostMessage {
  bool bulk = false;
  wire::Envelope envelope;
  std::vector<std::byte> payload;
};

/// What a call came to, collected by FakeHost::finish().
struct Outcome {
  bool began = false;
  bool ended = false;
  wire::Result result;
  std::vector<std::byte> payload;
  std::vector<wire::Output> outputs;
  std::vector<wire::Progress> progress;
  [[nodiscard]] std::string text() const { return {reinterpret_cast<const char*>(payload.data()), payload.size()}; }
  [[nodiscard]] std::int64_t number() const;
};

class FakeHost {
 public:
  FakeHost();
  /// From now on over tcp on the loopback address, without keys. Before start().
  void listen_on_tcp();
  /// Nobody listens at the bulk endpoint, until accept_bulk(). Before start().
  void refuse_bulk();
  void accept_bulk();
  ~FakeHost();

  /// The welcome that serve() gives: 4 slots, no idle shutdown, 2 s of grace, 100 ms kill grace. Change it before.
  wire::Welcome welcome;
  /// What the runner is told. Change it before start().
  wire::Parent parent;

  /// The runner's stderr; -1: the test's own.
  int log_fd = -1;

  /// Starts flame-runner; FLAME_PARENT in the environment instead of a descriptor if `by_environment`.
  void start(bool by_environment = false);
  /// start(), hello, welcome.
  void serve();
  /// The runner's guardian.
  [[nodiscard]] pid_t guardian() const { return runner_.pid; }
  [[nodiscard]] pid_t supervisor() const;
  [[nodiscard]] pid_t zygote() const;
  /// The processes of that name: zygotes, and slots that have just been forked.
  [[nodiscard]] std::set<pid_t> zygotes() const;
  /// Waits for the guardian's end; its exit status, 128 + signal, or -1 after 20 s.
  [[nodiscard]] int wait_exit();

  void send(const wire::Body& body, std::span<const std::byte> payload = {});
  void send_bulk(const wire::Body& body, std::span<const std::byte> payload = {});
  void send_raw(std::span<const std::byte> frame);
  /// Closes both sockets.
  void vanish();

  /// Sends an Invoke of the probe plugin; its id.
  std::uint64_t invoke(const std::string& task, std::span<const std::byte> payload = {},
                       const std::function<void(wire::Invoke&)>& change = {});
  std::uint64_t invoke_text(const std::string& task, const std::string& text);
  /// Collects what comes of this call until it has ended and its payload is here; what comes of others stays for them.
  [[nodiscard]] Outcome finish(std::uint64_t id);
  /// Waits for a Begun of the call.
  [[nodiscard]] bool begun(std::uint64_t id);
  /// Waits for a Result of the call and leaves it to finish().
  [[nodiscard]] bool answered(std::uint64_t id);
  [[nodiscard]] Outcome call(const std::string& task, const std::string& text = {});

  /// The next message that `wanted` accepts; others stay for later. nullopt after 10 s.
  [[nodiscard]] std::optional<HostMessage> next(const std::function<bool(const HostMessage&)>& wanted);
  template <typename T>
  [[nodiscard]] std::optional<T> expect() {
    auto message = next([](const HostMessage& m) { return std::holds_alternative<T>(m.envelope.body); });
    if (!message) return std::nullopt;
    return std::get<T>(std::move(message->envelope.body));
  }

  [[nodiscard]] const std::string& digest() const { return digest_; }
  /// Puts another version of the probe where the runner looks for plugins; its digest. "2": probe_2.so.
  std::string add_probe(const std::string& which);
  /// Answer the runner's beats. True by default.
  bool beats = true;

 private:
  struct Sockets;
  bool receive(int timeout_ms);
  void take(bool bulk, wire::Envelope envelope, std::span<const std::byte> payload);
  void push_transfer(std::uint64_t transfer, std::span<const std::byte> payload);

  TempDir directory_;
  std::string digest_;
  std::unique_ptr<Sockets> sockets_;
  base::Spawned runner_;
  std::deque<HostMessage> inbox_;
  std::uint64_t next_id_ = 100;
  std::uint64_t next_seq_ = 1;
  std::uint64_t next_transfer_ = 2;
  bool reaped_ = false;
};

/// Puts a plugin's file into a directory of plugins, named by its digest, which is returned.
std::string store(const TempDir& directory, const std::string& plugin);

[[nodiscard]] inline std::span<const std::byte> bytes_of(const std::string& text) {
  return std::as_bytes(std::span(text.data(), text.size()));
}

}  // namespace flame::test
