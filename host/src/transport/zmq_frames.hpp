// Frames of ZeroMQ as Bytes, and back: neither way copies what is large.
#pragma once

#include <zmq.hpp>

#include <flame/bytes.hpp>

namespace flame::pool {

/// Shares the frame's memory.
[[nodiscard]] Bytes to_bytes(zmq::message_t&& frame);
/// Shares the memory of `bytes` until libzmq has sent them.
[[nodiscard]] zmq::message_t to_message(const Bytes& bytes);

}  // namespace flame::pool
