// A host whose runners are played by the test.
#pragma once

#include <functional>
#include <memory>
#include <string>
#include <vector>

#include "plugin_sdk/wire/payload_frame.hpp"
#include "tests/integration/host/support.hpp"
#include "tests/support/fake_runner.hpp"

namespace flame::test {

class PeerTest : public HostTest {
 protected:
  struct Setup {
    std::shared_ptr<RecordingBackend> backend;
    Host host;
  };
  static Setup start(const std::vector<std::string>& listen, std::uint32_t min = 1,
                     const std::function<void(PoolConfig&)>& change = {}) {
    HostConfig settings = config([&](PoolConfig& pool) {
      pool.backend = {"recording"};
      pool.min = min;
      pool.max = min;
      pool.shutdown_timeout = std::chrono::milliseconds(200);
      if (change) change(pool);
    });
    settings.listen = listen;
    auto backend = std::make_shared<RecordingBackend>();
    return {backend, Host(settings, {backend})};
  }

  /// Answers invocations of tasks::add until `count` were served.
  static void serve(Dealer& dealer, std::uint64_t session, int count) {
    for (int served = 0; served < count;) {
      auto message = dealer.receive();
      ASSERT_TRUE(message.has_value());
      const auto* invoke = std::get_if<wire::Invoke>(&message->body);
      if (invoke == nullptr) continue;
      ++served;
      dealer.send(session, wire::Begun{.id = invoke->id});
      const auto encoded = detail::encode_result<tasks::add>(7, no_objects());
      const auto bytes = wire::pack(encoded);
      const std::string frame(reinterpret_cast<const char*>(bytes.data()), bytes.size());
      const auto info = wire::describe(encoded, 1 << 20).value();
      dealer.send(session, wire::make_result(invoke->id, info, {}), &frame);
      dealer.send(session, wire::make_ended(invoke->id));
    }
  }
  static detail::ObjectSink& no_objects() {
    struct None final : detail::ObjectSink {
      std::uint32_t add(const detail::ObjectHandle&, std::string_view) override { return 0; }
    };
    static None none;
    return none;
  }

  /// Says hello as `parent` should; the session.
  static std::uint64_t join(Dealer& dealer, const wire::Parent& parent) {
    dealer.send(0, hello_for(parent));
    const auto answer = dealer.receive();
    const auto* welcome = answer ? std::get_if<wire::Welcome>(&answer->body) : nullptr;
    EXPECT_NE(welcome, nullptr);
    return welcome == nullptr ? 0 : welcome->session;
  }
  /// A host and its one runner, which has joined.
  struct OneRunner {
    Setup setup = start({"ipc://auto"});
    wire::Parent parent = setup.backend->parent(0);
    Dealer dealer{parent.control.at(0)};
    std::uint64_t session = join(dealer, parent);

    [[nodiscard]] Pool pool() const { return setup.host.pool("ffmpeg"); }
    /// A call that the runner has heard of.
    [[nodiscard]] Future<std::int32_t> call_in_flight() {
      auto future = pool().async<tasks::add>(3, 4);
      const auto invoke = dealer.receive();
      EXPECT_TRUE(invoke && std::holds_alternative<wire::Invoke>(invoke->body));
      return future;
    }
  };

  /// The call ends at once, not when the runner counts as silent.
  static Error end_of(Future<std::int32_t>& call) {
    EXPECT_TRUE(call.wait_for(std::chrono::seconds(5)));
    return error_of([&] { call.get(); });
  }

  static std::string refusal(Dealer& dealer) {
    const auto answer = dealer.receive();
    const auto* refuse = answer ? std::get_if<wire::Refuse>(&answer->body) : nullptr;
    return refuse == nullptr ? "" : refuse->reason;
  }
};

}  // namespace flame::test
