// All that a host's source takes from our headers.
#include "contract.hpp"

#include <chrono>
#include <string>
#include <utility>

#include <flame/host.hpp>
#include <flame/testing.hpp>

static std::int64_t use(flame::Host& host, flame::Pool& pool) {
  const strict::Resized once = pool.call<strict::resize>({"a.mp4", 480, strict::Codec::av1});
  const auto tried = pool.try_call<strict::resize>({"b.mp4", 480});
  auto future = pool.async<strict::resize>({"c.mp4", 480});
  const bool ready = future.wait_for(std::chrono::milliseconds(5));
  future.then([](const auto& result) { static_cast<void>(result); }).detach();
  pool.cast<strict::resize>({"d.mp4", 480});
  flame::Child<strict::Transcoder> child = pool.place_child<strict::transcoder>("h264");
  const flame::Bytes frame = child.call<&strict::Transcoder::push>(flame::Bytes(std::string("frame")));
  flame::Tracked<strict::Index> index = pool.call<strict::open_index>("a.idx");
  const auto hits = index.call<&strict::Index::query>("foo");
  const auto numbers =
      pool.with({.timeout = std::chrono::seconds(1), .link = false}).call<strict::numbers>(1, {short{2}, 3.0});
  const int area = pool.call<flame::overload<int(int)>(strict::area)>(2);
  pool.on_log([](const flame::LogEvent& event) { static_cast<void>(event.text); });
  host.shutdown();
  return once.bytes + (tried ? tried->bytes : 0) + (ready ? 1 : 0) + child.call<&strict::Transcoder::frames>() +
         static_cast<std::int64_t>(frame.size() + hits.size()) + std::get<3>(numbers) + area;
}

int main() {
  flame::HostConfig config;
  config.pools["p"].plugins = {"strict@1"};
  flame::Host host(std::move(config));
  flame::Pool pool = host.pool("p");
  try {
    return use(host, pool) + static_cast<std::int64_t>(pool.stats().runners) > 0 ? 0 : 1;
  } catch (const flame::CallError& error) {
    return error.code() == flame::ErrorCode::none ? 1 : 2;
  }
}
