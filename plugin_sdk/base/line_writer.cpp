// A buffer, and the thread that empties it.
#include "plugin_sdk/base/line_writer.hpp"

#include <limits.h>
#include <poll.h>
#include <pthread.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <chrono>
#include <condition_variable>
#include <mutex>
#include <thread>
#include <utility>

#include "plugin_sdk/base/fork_guard.hpp"
#include "plugin_sdk/base/limits.hpp"
#include "plugin_sdk/base/signal_mask.hpp"

namespace flame::base {
namespace {

std::uint64_t count_lines(std::string_view text) {
  return static_cast<std::uint64_t>(std::ranges::count(text, '\n'));
}

// As many whole lines as a pipe takes in one piece, so that those of several processes do not mix.
std::string_view next_piece(std::string_view text) {
  if (text.size() <= PIPE_BUF) return text;
  const std::size_t end = text.rfind('\n', PIPE_BUF - 1);
  return text.substr(0, end == std::string_view::npos ? PIPE_BUF : end + 1);
}

// A thread that waits for a reader can be ended there, and nowhere else.
class Cancellable {
 public:
  Cancellable() { pthread_setcancelstate(PTHREAD_CANCEL_ENABLE, nullptr); }
  ~Cancellable() { pthread_setcancelstate(PTHREAD_CANCEL_DISABLE, nullptr); }
  Cancellable(const Cancellable&) = delete;
  Cancellable& operator=(const Cancellable&) = delete;
};

// Waits for as long as the reader pauses. What cannot be written at all is lost: there is nowhere to say so.
void write_all(int fd, std::string_view text) {
  while (!text.empty()) {
    const Cancellable here;
    const ssize_t wrote = ::write(fd, next_piece(text).data(), next_piece(text).size());
    if (wrote >= 0) {
      text.remove_prefix(static_cast<std::size_t>(wrote));
    } else if (errno == EAGAIN) {  // the program's descriptor is non-blocking
      pollfd ready{.fd = fd, .events = POLLOUT, .revents = 0};
      ::poll(&ready, 1, -1);
    } else if (errno != EINTR) {
      return;
    }
  }
}

}  // namespace

struct LineWriter::State {
  State(int descriptor, UniqueFd owned_fd, DropNotice drop_notice)
      : fd(descriptor), owned(std::move(owned_fd)), notice(std::move(drop_notice)) {}

  void run();
  void take(std::unique_lock<std::mutex>& lock);
  void tell_dropped(std::unique_lock<std::mutex>& lock);
  void abandon(std::unique_lock<std::mutex>& lock);

  const ForkGuard process;
  const int fd;
  const UniqueFd owned;
  const DropNotice notice;

  std::mutex mutex;
  std::condition_variable work;
  std::condition_variable idle;
  std::string waiting;
  std::uint64_t dropped = 0;  // after what waits
  bool writing = false;
  bool stopping = false;
  bool noticing = false;   // the thread is in `notice`, which is its owner's
  bool abandoned = false;  // the owner is gone
  bool stalled = false;    // a flush has failed
  std::thread thread;
};

void LineWriter::State::run() {
  pthread_setcancelstate(PTHREAD_CANCEL_DISABLE, nullptr);
  std::unique_lock lock(mutex);
  for (;;) {
    work.wait(lock, [this] { return !waiting.empty() || dropped > 0 || stopping; });
    if (abandoned || (waiting.empty() && dropped == 0)) return;
    take(lock);
    if (waiting.empty() && dropped == 0) idle.notify_all();
  }
}

void LineWriter::State::take(std::unique_lock<std::mutex>& lock) {
  const std::string text = std::exchange(waiting, {});
  writing = true;
  lock.unlock();
  write_all(fd, text);
  lock.lock();
  // Nothing was taken while lines were dropped, unless after them: the count belongs here.
  if (dropped > 0 && waiting.empty() && !abandoned) tell_dropped(lock);
  writing = false;
}

void LineWriter::State::tell_dropped(std::unique_lock<std::mutex>& lock) {
  const std::uint64_t lines = std::exchange(dropped, 0);
  noticing = true;
  lock.unlock();
  const std::string text = notice(lines);
  lock.lock();
  noticing = false;
  idle.notify_all();
  lock.unlock();
  write_all(fd, text);
  lock.lock();
}

// A cancelled thread starts no further write; one whose write does not end cannot be waited for.
void LineWriter::State::abandon(std::unique_lock<std::mutex>& lock) {
  idle.wait(lock, [this] { return !noticing; });
  abandoned = true;
  pthread_cancel(thread.native_handle());
  thread.detach();
}

LineWriter::LineWriter(int fd, DropNotice notice)
    : state_(std::make_shared<State>(fd, UniqueFd(), std::move(notice))) {}

LineWriter::LineWriter(UniqueFd fd, DropNotice notice) {
  const int number = fd.get();
  state_ = std::make_shared<State>(number, std::move(fd), std::move(notice));
}

LineWriter::~LineWriter() {
  if (state_->process.in_child()) {
    // Its thread is not here to be joined, and its mutex may be locked for ever.
    static_cast<void>(new std::shared_ptr<State>(std::move(state_)));
    return;
  }
  const bool written = !state_->stalled && flush(limits::kLogFlushMax);
  std::unique_lock lock(state_->mutex);
  state_->stopping = true;
  state_->work.notify_one();
  if (!state_->thread.joinable()) return;
  if (!written) {
    state_->abandon(lock);
    return;
  }
  lock.unlock();
  state_->thread.join();
}

void LineWriter::write(std::string_view lines) noexcept try {
  if (state_->process.in_child()) return;
  const std::lock_guard lock(state_->mutex);
  if (state_->dropped > 0 || state_->waiting.size() + lines.size() > limits::kLogQueueBytes) {
    state_->dropped += count_lines(lines);
    return;
  }
  state_->waiting += lines;
  if (!state_->thread.joinable()) {
    const SignalMaskScope blocked(all_but_faults());
    state_->thread = std::thread([state = state_] { state->run(); });
  }
  if (!state_->writing) state_->work.notify_one();
} catch (...) {  // no memory, no thread: a log is no reason to disturb the program
}

bool LineWriter::flush(Duration most) noexcept try {
  if (state_->process.in_child()) return true;
  std::unique_lock lock(state_->mutex);
  const bool written = state_->idle.wait_for(
      lock, most, [this] { return state_->waiting.empty() && state_->dropped == 0 && !state_->writing; });
  state_->stalled = !written;
  return written;
} catch (...) {
  return false;
}

}  // namespace flame::base
