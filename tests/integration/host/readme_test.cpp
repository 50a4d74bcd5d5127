// The first page of the documentation, as a user types it.
#include <fstream>

#include "tests/integration/host/support.hpp"

namespace video = tasks;
using namespace std::chrono_literals;

namespace flame::test {
namespace {

class Readme : public HostTest {};

TEST_F(Readme, TheTenLinesOfAHostProgramWork) {
  const TempDir files;
  const std::string toml = files.write("flame.toml", std::string("[plugins]\npath = [\"") + FLAME_TEST_PLUGINS +
                                                         "\"]\n[pools.ffmpeg]\nplugins = [\"host_tasks@1\"]\n"
                                                         "[backends.local]\nrunner = \"" +
                                                         FLAME_TEST_RUNNER + "\"\n");
  std::stop_source source;
  const std::stop_token token = source.get_token();

  flame::Host host = flame::Host::from_file(toml);
  flame::Pool ffmpeg = host.pool("ffmpeg");
  video::Resized a = ffmpeg.call<video::resize_quality>({"a.mp4", 480});
  auto b = ffmpeg.try_call<video::resize_quality>({"b.mp4", 480});
  flame::Future<video::Resized> f = ffmpeg.async<video::resize_quality>({.path = "c.mp4", .height = 480});
  ffmpeg.cast<video::resize_quality>({"d.mp4", 480});
  auto slow = ffmpeg.with({.timeout = 5min, .link = false, .stop = token});

  EXPECT_EQ(a.path, "a.mp4.480");
  ASSERT_TRUE(b.has_value()) << b.error().to_string();
  EXPECT_EQ(b->bytes, 42);
  EXPECT_EQ(f.get().path, "c.mp4.480");
  EXPECT_EQ(slow.call<video::add>(2, 3), 5);
}

}  // namespace
}  // namespace flame::test
