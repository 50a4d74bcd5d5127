// A runner played by the test: dials the host's sockets and says whatever a test wants it to say.
#pragma once

#include <chrono>
#include <deque>
#include <memory>
#include <mutex>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "plugin_sdk/wire/batch.hpp"
#include "plugin_sdk/wire/envelope.hpp"
#include "plugin_sdk/wire/messages.hpp"
#include "tests/support/idle_backend.hpp"

namespace flame::test {

/// Boots nothing; remembers what it was asked for. Any thread.
class RecordingBackend final : public IdleBackend {
 public:
  RecordingBackend() : IdleBackend("recording") {}
  void boot(BootRequest request) override;
  /// Answered by kill() or close().
  void destroy(const MachineName& name, const MachineId& id) override;
  void close(Duration within) override;

  /// What the n-th boot's runner was told; waits for it.
  [[nodiscard]] wire::Parent parent(std::size_t n);
  /// Ids of machines: "m-ffmpeg-1" is that of the runner ffmpeg-1.
  [[nodiscard]] std::vector<MachineId> destroyed() const;
  void kill(const MachineId& id, const std::string& reason);

 private:
  mutable std::mutex mutex_;
  std::vector<BootRequest> boots_;
  std::vector<MachineId> destroyed_;
  std::vector<MachineName> open_;  // calls of destroy()
};

/// One DEALER. Everything times out after ten seconds.
class Dealer {
 public:
  struct Keys {
    std::string server;
    std::string public_key;
    std::string secret_key;
  };
  explicit Dealer(const std::string& endpoint, const std::optional<Keys>& keys = {},
                  const std::string& routing_id = {});
  ~Dealer();

  void send_frames(const std::vector<std::string>& frames);
  void send(std::uint64_t session, const wire::Body& body, const std::string* payload = nullptr);
  /// The next message that is no Beat, or nullopt after `patience`.
  std::optional<wire::Envelope> receive(std::chrono::milliseconds patience = std::chrono::seconds(10));
  /// Payload frame of the last received message.
  [[nodiscard]] const std::string& payload() const noexcept { return payload_; }

 private:
  void take_batch(const wire::Batch& batch);

  struct Socket;
  std::unique_ptr<Socket> socket_;
  std::string payload_;
  std::deque<std::pair<wire::Envelope, std::string>> batched_;  // came in one batch with the last message
};

/// Keys of `parent`, if it has any.
[[nodiscard]] std::optional<Dealer::Keys> keys_of(const wire::Parent& parent);
/// A correct hello for `parent`.
[[nodiscard]] wire::Hello hello_for(const wire::Parent& parent);

/// A fresh pair.
[[nodiscard]] Dealer::Keys strange_keys(const std::string& server);

}  // namespace flame::test
