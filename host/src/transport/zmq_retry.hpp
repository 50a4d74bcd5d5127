// A signal handler of the program makes libzmq give up, even what does not wait: callers that drive the loop have some.
#pragma once

#include <cerrno>
#include <zmq.hpp>

namespace flame::pool {

/// What `step` returns; done again when a signal cut it short, for then libzmq has neither taken nor given anything.
template <class Step>
auto uninterrupted(Step step) {
  for (;;) {
    try {
      return step();
    } catch (const zmq::error_t& error) {
      if (error.num() != EINTR) throw;
    }
  }
}

/// nullopt: there is nothing now.
inline zmq::recv_result_t receive_now(zmq::socket_t& socket, zmq::message_t& part) {
  return uninterrupted([&] { return socket.recv(part, zmq::recv_flags::dontwait); });
}

/// nullopt: there is no room now.
template <class Part>
zmq::send_result_t send_now(zmq::socket_t& socket, Part part, zmq::send_flags more = zmq::send_flags::none) {
  return uninterrupted([&] { return socket.send(part, zmq::send_flags::dontwait | more); });
}

}  // namespace flame::pool
