// Raw libzmq echo.
#include "tools/flame/bench/raw_echo.hpp"

#include <fcntl.h>
#include <poll.h>
#include <sys/wait.h>
#include <unistd.h>

#include <array>
#include <cstdlib>
#include <optional>
#include <stdexcept>
#include <zmq.hpp>

#include "plugin_sdk/base/file.hpp"
#include "plugin_sdk/base/spawn.hpp"
#include "plugin_sdk/base/unique_fd.hpp"

namespace flame::bench {
namespace {

constexpr int kPeerWaitMs = 10'000;

struct CurveKeys {
  std::array<char, 41> public_key{};
  std::array<char, 41> secret_key{};
  CurveKeys() { zmq_curve_keypair(public_key.data(), secret_key.data()); }
};

}  // namespace

struct RawEcho::State {
  zmq::context_t context{1};
  zmq::socket_t router{context, zmq::socket_type::router};
  std::string directory;
  base::UniqueFd peer_input;  // closing it ends the peer
  pid_t peer = -1;
  zmq::message_t identity;

  void bind(Wire wire, const CurveKeys& keys);
  void start_peer(const std::string& endpoint, const std::string& server_key);
  void send(std::size_t bytes);
  void receive();
};

void RawEcho::State::bind(Wire wire, const CurveKeys& keys) {
  router.set(zmq::sockopt::linger, 0);
  if (wire == Wire::ipc) {
    auto made = base::make_private_directory("/tmp", "flame-bench-");
    if (!made) throw std::runtime_error(made.error().message);
    directory = *made;
    router.bind("ipc://" + directory + "/echo");
  } else {
    router.set(zmq::sockopt::curve_server, 1);
    router.set(zmq::sockopt::curve_secretkey, std::string(keys.secret_key.data()));
    router.bind("tcp://127.0.0.1:*");
  }
}

void RawEcho::State::start_peer(const std::string& endpoint, const std::string& server_key) {
  std::array<int, 2> ends{};
  if (::pipe2(ends.data(), O_CLOEXEC) != 0) throw std::runtime_error("cannot make a pipe");
  const base::UniqueFd read_end(ends[0]);
  peer_input.reset(ends[1]);
  auto spawned = base::spawn({.path = "/proc/self/exe",
                              .argv = {"flame", "bench", "--echo-peer", endpoint, "--echo-key", server_key},
                              .env = {},
                              .fds = {{read_end.get(), STDIN_FILENO}}});
  if (!spawned) throw std::runtime_error("cannot start the echo process: " + spawned.error().message());
  peer = spawned->pid;
}

void RawEcho::State::send(std::size_t bytes) {
  zmq::message_t to;
  to.copy(identity);
  router.send(to, zmq::send_flags::sndmore);
  zmq::message_t body(bytes);
  std::memset(body.data(), 'x', bytes);
  router.send(body, zmq::send_flags::none);
}

void RawEcho::State::receive() {
  zmq::message_t frame;
  if (!router.recv(frame) || !router.recv(frame)) throw std::runtime_error("the echo process is gone");
}

RawEcho::RawEcho(Wire wire) : state_(std::make_unique<State>()) {
  const CurveKeys keys;
  state_->bind(wire, keys);
  state_->router.set(zmq::sockopt::rcvtimeo, kPeerWaitMs);
  state_->start_peer(state_->router.get(zmq::sockopt::last_endpoint), wire == Wire::ipc ? "" : keys.public_key.data());
  zmq::message_t greeting;
  if (!state_->router.recv(state_->identity) || !state_->router.recv(greeting)) {
    throw std::runtime_error("the echo process does not answer");
  }
}

RawEcho::~RawEcho() {
  state_->peer_input.reset();
  if (state_->peer > 0) ::waitpid(state_->peer, nullptr, 0);
  state_->router.close();
  if (!state_->directory.empty()) base::remove_tree(state_->directory);
}

std::vector<double> RawEcho::latencies(std::size_t bytes, Clock::duration time) {
  std::vector<double> samples;
  for (const auto end = Clock::now() + time; Clock::now() < end;) {
    const auto begin = Clock::now();
    state_->send(bytes);
    state_->receive();
    samples.push_back(seconds_since(begin));
  }
  return samples;
}

double RawEcho::rate(std::size_t bytes, int in_flight, Clock::duration time) {
  for (int i = 0; i < in_flight; ++i) state_->send(bytes);
  std::uint64_t count = 0;
  const auto begin = Clock::now();
  for (const auto end = begin + time; Clock::now() < end; ++count) {
    state_->receive();
    state_->send(bytes);
  }
  const double rate = static_cast<double>(count) / seconds_since(begin);
  for (int i = 0; i < in_flight; ++i) state_->receive();
  return rate;
}

int run_echo_peer(const std::string& endpoint, const std::string& server_key) {
  zmq::context_t context(1);
  zmq::socket_t dealer(context, zmq::socket_type::dealer);
  dealer.set(zmq::sockopt::linger, 0);
  if (!server_key.empty()) {
    const CurveKeys keys;
    dealer.set(zmq::sockopt::curve_serverkey, server_key);
    dealer.set(zmq::sockopt::curve_publickey, std::string(keys.public_key.data()));
    dealer.set(zmq::sockopt::curve_secretkey, std::string(keys.secret_key.data()));
  }
  dealer.connect(endpoint);
  dealer.send(zmq::str_buffer("hello"), zmq::send_flags::none);
  std::array<zmq::pollitem_t, 2> items{{{dealer.handle(), 0, ZMQ_POLLIN, 0}, {nullptr, STDIN_FILENO, ZMQ_POLLIN, 0}}};
  while (true) {
    zmq::poll(items.data(), items.size(), std::chrono::milliseconds(-1));
    if (items[1].revents != 0) return 0;
    zmq::message_t message;
    while (dealer.recv(message, zmq::recv_flags::dontwait)) dealer.send(message, zmq::send_flags::none);
  }
}

}  // namespace flame::bench
