// Runners that dial a host over tcp on every address of the machine.
#include <sys/socket.h>

#include <netinet/in.h>

#include "plugin_sdk/base/unique_fd.hpp"
#include "tests/integration/host/support.hpp"

namespace flame::test {
namespace {

class Tcp : public HostTest {
 protected:
  static std::int32_t sum_over(const std::string& listen, const std::string& advertise = "auto") {
    HostConfig settings = config();
    settings.listen = {listen};
    settings.advertise = advertise;
    Host host(settings);
    return host.pool("ffmpeg").call<tasks::add>(2, 3);
  }

  static bool has_ipv6() {
    const base::UniqueFd fd(::socket(AF_INET6, SOCK_STREAM | SOCK_CLOEXEC, 0));
    sockaddr_in6 loopback{};
    loopback.sin6_family = AF_INET6;
    loopback.sin6_addr = in6addr_loopback;
    return fd && ::bind(fd.get(), reinterpret_cast<const sockaddr*>(&loopback), sizeof loopback) == 0;
  }
};

TEST_F(Tcp, ACallWorksOnEveryAddressOfTheMachine) {
  EXPECT_EQ(sum_over("tcp://0.0.0.0:0"), 5);
  if (has_ipv6()) {
    EXPECT_EQ(sum_over("tcp://[::]:0"), 5);
  }
}

TEST_F(Tcp, RunnersDialTheAdvertisedAddress) {
  EXPECT_EQ(sum_over("tcp://0.0.0.0:0", "localhost"), 5);
  if (has_ipv6()) {
    EXPECT_EQ(sum_over("tcp://[::]:0", "::1"), 5);
  }
}

}  // namespace
}  // namespace flame::test
