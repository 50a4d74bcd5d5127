// Futures for programs that run on Boost.Asio: an asynchronous operation with any completion token. Optional: nothing
// else of this library includes Asio, and the program links what its use of Asio needs.
#pragma once

#include <boost/asio/associated_cancellation_slot.hpp>
#include <boost/asio/associated_executor.hpp>
#include <boost/asio/async_result.hpp>
#include <boost/asio/executor_work_guard.hpp>
#include <boost/asio/post.hpp>
#include <boost/asio/system_executor.hpp>
#include <memory>
#include <utility>

#include <flame/future.hpp>

namespace flame {
namespace detail {

/// One async_result(): from its start until the handler was called.
template <class T, class Handler>
class AsioOperation : public std::enable_shared_from_this<AsioOperation<T, Handler>> {
 public:
  explicit AsioOperation(Handler handler)
      : handler_(std::move(handler)),
        work_(boost::asio::make_work_guard(boost::asio::get_associated_executor(handler_))) {}

  void start(Future<T> future) {
    auto self = this->shared_from_this();
    if (auto slot = boost::asio::get_associated_cancellation_slot(handler_); slot.is_connected()) {
      slot.assign([weak = self->weak_from_this()](boost::asio::cancellation_type) {
        if (auto operation = weak.lock()) operation->link_.cancel();
      });
    }
    link_ = future.then([self](Result<T> result) {
      boost::asio::post(self->work_.get_executor(),
                        [self, result = std::move(result)]() mutable { self->complete(std::move(result)); });
    });
  }

 private:
  void complete(Result<T> result) {
    if (auto slot = boost::asio::get_associated_cancellation_slot(handler_); slot.is_connected()) slot.clear();
    const auto work = std::move(work_);  // until the handler has returned
    auto handler = std::move(handler_);
    std::move(handler)(std::move(result));
  }

  using Executor = boost::asio::associated_executor_t<Handler>;

  Handler handler_;
  boost::asio::executor_work_guard<Executor> work_;
  // Not touched by complete(), which may run before start() has returned. Cancelling does not overlap start(): Asio's
  // slots are for one thread at a time.
  Future<void> link_;
};

}  // namespace detail

/// Completes with the call's Result<T>, on the executor of `token`; signature `void(Result<T>)`. Inside an
/// `asio::awaitable`: `auto resized = co_await flame::async_result(pool.async<f>(args), asio::use_awaitable);`, and
/// `.value()` of that throws CallError. Takes the future over, its link too. Per-operation cancellation of any type
/// cancels the call, which then completes as `cancelled` unless it ends first. Counts as outstanding work of the
/// executor, whose context must live until it has completed. Any thread. Throws CallError invalid_argument for an
/// invalid future.
template <class T, class CompletionToken>
auto async_result(Future<T> future, CompletionToken&& token) {
  if (!future.valid()) throw CallError(detail::invalid_future());
  return boost::asio::async_initiate<CompletionToken, void(Result<T>)>(
      [](auto handler, Future<T> started) {
        using Operation = detail::AsioOperation<T, decltype(handler)>;
        std::make_shared<Operation>(std::move(handler))->start(std::move(started));
      },
      token, std::move(future));
}

}  // namespace flame
