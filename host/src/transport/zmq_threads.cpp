// libzmq has no hook in its threads but one: it frees a message that was handed over without a copy in the thread that
// is done with it. So two messages that nobody will read are left to the threads.
#include "host/src/transport/zmq_threads.hpp"

#include <zmq.hpp>

#include "plugin_sdk/base/signal_mask.hpp"

namespace flame::pool {
namespace {

void unblock_faults(void*, void*) {
  const sigset_t blocked = base::without_faults(base::current_mask());
  pthread_sigmask(SIG_SETMASK, &blocked, nullptr);
}

void leave_message(zmq::socket_t& socket) {
  static char byte = 0;
  static_cast<void>(socket.send(zmq::message_t(&byte, 1, &unblock_faults, nullptr), zmq::send_flags::dontwait));
}

}  // namespace

void unblock_faults_in_threads_of(zmq::context_t& context) {
  // What a closed connection has not sent is dropped by the I/O thread …
  zmq::socket_t nobody(context, zmq::socket_type::dealer);
  nobody.set(zmq::sockopt::linger, 0);
  nobody.connect("ipc:///proc/no-such-socket");
  leave_message(nobody);
  // … and what a closed socket has not read by the reaper.
  zmq::socket_t reader(context, zmq::socket_type::pair);
  zmq::socket_t writer(context, zmq::socket_type::pair);
  reader.bind("inproc://flame-unread");
  writer.connect("inproc://flame-unread");
  leave_message(writer);
  reader.close();
}

}  // namespace flame::pool
