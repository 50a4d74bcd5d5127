// async_result(): calls from programs that run on Boost.Asio.
#include <boost/asio/awaitable.hpp>
#include <boost/asio/bind_cancellation_slot.hpp>
#include <boost/asio/bind_executor.hpp>
#include <boost/asio/cancellation_signal.hpp>
#include <boost/asio/co_spawn.hpp>
#include <boost/asio/detached.hpp>
#include <boost/asio/io_context.hpp>
#include <boost/asio/use_awaitable.hpp>
#include <boost/asio/use_future.hpp>
#include <future>
#include <optional>
#include <thread>

#include <flame/asio.hpp>

#include "tests/integration/host/support.hpp"

namespace flame::test {
namespace {

namespace asio = boost::asio;

class AsioPrograms : public HostTest {
 protected:
  asio::io_context context_;
};

TEST_F(AsioPrograms, AwaitACall) {
  const Host host(config());
  const Pool pool = host.pool("ffmpeg");
  std::optional<std::int32_t> sum;
  std::optional<Error> error;
  std::thread::id resumed_on;
  const auto program = [&]() -> asio::awaitable<void> {
    sum = (co_await async_result(pool.async<tasks::add>(40, 2), asio::use_awaitable)).value();
    resumed_on = std::this_thread::get_id();
    const auto failed = co_await async_result(pool.async<tasks::fail>("on purpose"), asio::use_awaitable);
    if (failed.has_error()) error = failed.error();
  };
  asio::co_spawn(context_, program, asio::detached);
  context_.run();  // returns when nothing is outstanding: the calls count
  EXPECT_EQ(sum, 42);
  EXPECT_EQ(resumed_on, std::this_thread::get_id());
  ASSERT_TRUE(error.has_value());
  EXPECT_EQ(error->code, ErrorCode::task_failed) << error->to_string();
}

TEST_F(AsioPrograms, TakeOtherCompletionTokensToo) {
  const Host host(config());
  const Pool pool = host.pool("ffmpeg");
  std::future<Result<std::int32_t>> future = async_result(pool.async<tasks::add>(1, 2), asio::use_future);
  EXPECT_EQ(future.get().value(), 3);
  int calls = 0;
  async_result(pool.async<tasks::add>(3, 4), asio::bind_executor(context_, [&](Result<std::int32_t> sum) {
                 ++calls;
                 EXPECT_EQ(sum.value(), 7);
               }));
  context_.run();
  EXPECT_EQ(calls, 1);
}

TEST_F(AsioPrograms, CancelACallByItsSignal) {
  const Host host(config());
  asio::cancellation_signal signal;
  std::optional<ErrorCode> code;
  asio::post(context_, [&] {
    const auto handler = [&](const auto& result) { code = result.has_error() ? result.error().code : ErrorCode::none; };
    async_result(host.pool("ffmpeg").async<tasks::linger>(60'000),
                 asio::bind_cancellation_slot(signal.slot(), asio::bind_executor(context_, handler)));
    asio::post(context_, [&] { signal.emit(asio::cancellation_type::total); });
  });
  context_.run();
  EXPECT_EQ(code, ErrorCode::cancelled);
}

TEST_F(AsioPrograms, CannotAwaitAFutureThatWasTaken) {
  const Host host(config());
  auto future = host.pool("ffmpeg").async<tasks::add>(1, 2);
  future.get();
  EXPECT_THROW(async_result(std::move(future), asio::use_future), CallError);
}

}  // namespace
}  // namespace flame::test
