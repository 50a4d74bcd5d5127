// ZAP over an inproc REP socket.
#include "host/src/transport/zap.hpp"

#include <array>
#include <cstdint>
#include <vector>
#include <zmq.hpp>

#include "host/src/transport/zmq_retry.hpp"
#include "plugin_sdk/base/assert.hpp"

namespace flame::pool {

struct ZapHandler::Socket {
  zmq::socket_t rep;
};

namespace {

constexpr std::size_t kKeyBytes = 32;
// version, request id, domain, address, identity, mechanism, credentials (RFC 27)
constexpr std::size_t kFrames = 7;

std::string raw_key(const std::string& z85) {
  std::array<std::uint8_t, kKeyBytes> raw{};
  const bool decoded = z85.size() == 40 && zmq_z85_decode(raw.data(), z85.c_str()) != nullptr;
  FLAME_ASSERT(decoded, "keys in the allow-list come from zmq_curve_keypair");
  return {raw.begin(), raw.end()};
}

std::vector<std::string> receive(zmq::socket_t& rep) {
  std::vector<std::string> frames;
  zmq::message_t frame;
  bool more = true;
  while (more && receive_now(rep, frame)) {
    if (frames.size() < kFrames) frames.push_back(frame.to_string());
    more = frame.more();
  }
  return frames;
}

void reply(zmq::socket_t& rep, const std::string& id, const char* status, const char* text, const std::string& user) {
  const auto more = zmq::send_flags::sndmore;
  send_now(rep, zmq::str_buffer("1.0"), more);
  send_now(rep, zmq::buffer(id), more);
  send_now(rep, zmq::buffer(std::string_view(status)), more);
  send_now(rep, zmq::buffer(std::string_view(text)), more);
  send_now(rep, zmq::buffer(user), more);
  send_now(rep, zmq::message_t());
}

}  // namespace

ZapHandler::ZapHandler(zmq::context_t& context)
    : socket_(std::make_unique<Socket>(Socket{zmq::socket_t(context, zmq::socket_type::rep)})) {
  socket_->rep.set(zmq::sockopt::linger, 0);
  socket_->rep.bind("inproc://zeromq.zap.01");
  fd_ = socket_->rep.get(zmq::sockopt::fd);
}

ZapHandler::~ZapHandler() = default;

void ZapHandler::allow(const std::string& public_key, const std::string& user) {
  users_[raw_key(public_key)] = user;
}

void ZapHandler::revoke(const std::string& public_key) {
  users_.erase(raw_key(public_key));
}

unsigned ZapHandler::serve() {
  unsigned refused = 0;
  for (;;) {
    const std::vector<std::string> request = receive(socket_->rep);
    if (request.empty()) return refused;
    const bool curve = request.size() == kFrames && request[5] == "CURVE" && request[6].size() == kKeyBytes;
    const auto user = curve ? users_.find(request[6]) : users_.end();
    const std::string id = request.size() > 1 ? request[1] : std::string();
    if (user != users_.end()) {
      reply(socket_->rep, id, "200", "OK", user->second);
    } else {
      ++refused;
      reply(socket_->rep, id, "400", "unknown key", {});
    }
  }
}

}  // namespace flame::pool
