// Router against peers that want to hurt: floods of connections, messages without an end.
#include <gtest/gtest.h>
#include <netinet/in.h>
#include <poll.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

#include <array>
#include <fstream>
#include <future>
#include <string>
#include <vector>
#include <zmq.hpp>

#include "host/src/transport/router.hpp"
#include "plugin_sdk/base/boot_time.hpp"
#include "plugin_sdk/base/limits.hpp"
#include "plugin_sdk/base/unique_fd.hpp"
#include "tests/support/eventually.hpp"
#include "tests/support/loopback.hpp"

namespace flame::pool {
namespace {

using namespace std::chrono_literals;

std::unique_ptr<Router> on_loopback() {
  auto router = Router::bind({.control_ipc = {}, .bulk_ipc = {}, .tcp = {"tcp://127.0.0.1:0"}});
  EXPECT_TRUE(router.has_value());
  return std::move(*router);
}

// libzmq says three things of each connection. Nobody listens here: a loop that is busy, or one that has ended.
TEST(RouterUnderAttack, ItsEndDoesNotWaitForNewsOfConnectionsThatNobodyReads) {
  auto router = on_loopback();
  const std::string endpoint = router->tcp().control[0];
  const auto port = static_cast<std::uint16_t>(std::stoi(endpoint.substr(endpoint.rfind(':') + 1)));
  const sockaddr_in address = test::loopback(port);
  for (int i = 0; i < 1000; ++i) {
    const base::UniqueFd fd(::socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0));
    ASSERT_EQ(::connect(fd.get(), reinterpret_cast<const sockaddr*>(&address), sizeof address), 0) << i;
    ASSERT_EQ(::send(fd.get(), "no ZeroMQ at all", 16, MSG_NOSIGNAL), 16);
  }
  std::promise<void> ended;
  auto future = ended.get_future();
  std::thread end([&] {
    router.reset();
    ended.set_value();
  });
  const bool in_time = future.wait_for(20s) == std::future_status::ready;
  EXPECT_TRUE(in_time);
  if (!in_time) ::_exit(1);  // it would never end
  end.join();
}

std::size_t resident_bytes() {
  std::ifstream statm("/proc/self/statm");
  std::size_t all = 0;
  std::size_t resident = 0;
  statm >> all >> resident;
  return resident * static_cast<std::size_t>(::sysconf(_SC_PAGESIZE));
}

// One message of so many frames that it does not end before the connection is cut.
[[noreturn]] void send_without_end(int from_host) {
  std::string text(4096, '\0');
  text.resize(static_cast<std::size_t>(::read(from_host, text.data(), text.size())));
  const std::string endpoint = text.substr(0, text.find(' '));
  const std::array<std::string, 3> keys{text.substr(endpoint.size() + 1, 40), text.substr(endpoint.size() + 42, 40),
                                        text.substr(endpoint.size() + 83, 40)};
  zmq::context_t context{1};
  zmq::socket_t dealer(context, zmq::socket_type::dealer);
  dealer.set(zmq::sockopt::linger, 0);
  dealer.set(zmq::sockopt::reconnect_ivl, -1);
  dealer.set(zmq::sockopt::curve_serverkey, keys[0]);
  dealer.set(zmq::sockopt::curve_publickey, keys[1]);
  dealer.set(zmq::sockopt::curve_secretkey, keys[2]);
  dealer.connect(endpoint);
  // All of it lies in one place here; libzmq sends nothing of a message before its last part is there.
  std::string frame(256 * 1024, 'x');
  for (int left = 4096; left > 0; --left) {  // 1 GiB
    zmq::message_t message(
        frame.data(), frame.size(), [](void*, void*) {}, nullptr);
    dealer.send(message, left > 1 ? zmq::send_flags::sndmore : zmq::send_flags::none);
  }
  for (;;) ::pause();
}

TEST(RouterUnderAttack, AMessageWithoutAnEndIsCutBeforeItFillsTheMemory) {
  std::array<int, 2> ends{};
  ASSERT_EQ(::pipe(ends.data()), 0);
  const base::UniqueFd hears(ends[0]);
  const base::UniqueFd tells(ends[1]);
  const pid_t hostile = ::fork();  // before there are threads
  if (hostile == 0) send_without_end(hears.get());
  auto router = on_loopback();
  const KeyPair keys = make_key_pair();
  router->allow(keys.public_key, "ffmpeg-1");
  const std::string told =
      router->tcp().control[0] + " " + router->public_key() + " " + keys.public_key + " " + keys.secret_key;
  const std::size_t before = resident_bytes();
  std::size_t most = before;
  ASSERT_EQ(::write(tells.get(), told.data(), told.size()), static_cast<ssize_t>(told.size()));
  const bool cut = test::eventually(
      [&] {
        for (std::size_t i = 0; i < router->fds().size(); ++i) router->readable(i);
        static_cast<void>(router->disconnected());
        static_cast<void>(router->receive(Line::control));
        router->check(base::boot_time());
        most = std::max(most, resident_bytes());
        return router->take_refused() > 0;
      },
      30s);
  EXPECT_TRUE(cut);
  EXPECT_LT(most - before, 400 * limits::MiB);
  RecordProperty("peak_mib", static_cast<int>((most - before) / limits::MiB));
  ::kill(hostile, SIGKILL);
  ::waitpid(hostile, nullptr, 0);
}

}  // namespace
}  // namespace flame::pool
