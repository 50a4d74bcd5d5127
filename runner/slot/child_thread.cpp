// A child's run(), and what is said when it has returned.
#include "runner/slot/child_thread.hpp"

#include <unistd.h>

#include <cstring>
#include <system_error>
#include <vector>

#include "runner/protocol/channel.hpp"
#include "runner/slot/crash_handler.hpp"
#include "runner/slot/streams.hpp"

namespace flame::slot {

ChildThread::ChildThread(const Child& child, int channel, ControlPage* page, std::byte* arena,
                         const flame_parent_info* parent)
    : child_(child), call_(channel, page, arena, 0), process_(::getpid()) {
  call_.parent = parent;
  call_.attempt = 1;
  call_.stop = &page->child_stop;
  call_.has_deadline = false;
  call_.id.store(child.lease, std::memory_order_relaxed);
  page->child_stop.fetch_and(~kStopWaitEnded, std::memory_order_relaxed);
  try {
    thread_ = std::thread([this] { run(); });
  } catch (const std::system_error& error) {
    report(ErrorCode::out_of_memory, {}, std::string("the thread of the child's run() cannot start: ") + error.what());
  }
}

ChildThread::~ChildThread() {
  if (thread_.joinable()) thread_.join();
}

void ChildThread::run() {
  adopt_thread(call_.control);
  const flame_status status = child_.type->run(child_.instance, &call_);
  // A child process that run() forked came back out of it: it is nobody's slot and must not speak for one.
  if (::getpid() != process_) ::_exit(0);
  flush_streams();
  switch (status) {
    case FLAME_OK:
      return report(ErrorCode::none, {}, {});
    case FLAME_OUT_OF_MEMORY:
      return report(ErrorCode::out_of_memory, call_.error_type, call_.error_message);
    default:
      return report(ErrorCode::task_failed, call_.error_type, call_.error_message);
  }
}

void ChildThread::report(ErrorCode code, std::string_view type, std::string_view message) const {
  type = type.substr(0, kTypeMax);
  message = message.substr(0, limits::kTextMax);
  std::vector<std::byte> datagram(sizeof(ChildEndedMessage) + type.size() + message.size());
  auto head = make_message<ChildEndedMessage>(Kind::child_ended, datagram.size());
  head.id = child_.lease;
  head.code = static_cast<std::uint32_t>(code);
  head.type_size = static_cast<std::uint32_t>(type.size());
  head.message_size = static_cast<std::uint32_t>(message.size());
  std::byte* to = datagram.data();
  std::memcpy(to, &head, sizeof(head));
  to += sizeof(head);
  if (!type.empty()) std::memcpy(to, type.data(), type.size());
  if (!message.empty()) std::memcpy(to + type.size(), message.data(), message.size());
  // A lost channel is found by the slot's own thread.
  static_cast<void>(send_datagram(call_.channel, datagram, 0));
}

}  // namespace flame::slot
