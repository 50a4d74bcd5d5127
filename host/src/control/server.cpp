// One turn: what arrived is read, what is answered is written, who is late is dropped; then sleep.
#include "host/src/control/server.hpp"

#include <pthread.h>
#include <sys/socket.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <chrono>

#include "host/src/control/answer.hpp"
#include "plugin_sdk/base/assert.hpp"
#include "plugin_sdk/base/boot_time.hpp"
#include "plugin_sdk/base/signal_mask.hpp"

namespace flame::control {
namespace {

using pool::Instant;

/// After the system was out of descriptors; the listening socket stays readable meanwhile.
constexpr auto kAcceptPause = std::chrono::milliseconds(100);
constexpr std::size_t kFixedFds = 3;  // stop, answers, listener

// Its answer takes seconds, and costs the loop nothing meanwhile: others are not kept waiting.
bool waits_for_engines(const Request& request) {
  return std::holds_alternative<MachinesRequest>(request);
}

bool again(int error) {
  return error == EAGAIN || error == EWOULDBLOCK || error == EINTR;
}

}  // namespace

ControlServer::ControlServer(ControlSocket socket, Ask ask, base::Logger log, Upkeep upkeep, Duration client_time)
    : socket_(std::move(socket)),
      ask_(std::move(ask)),
      log_(std::move(log)),
      upkeep_(std::move(upkeep)),
      client_time_(client_time),
      answers_(std::make_shared<base::Mailbox<Inbound>>()),
      upkeep_at_(base::deadline_after(base::boot_time(), upkeep_.every)) {
  // Signals belong to the program's own threads.
  const base::SignalMaskScope blocked(base::all_but_faults());
  thread_ = std::thread([this] { run_guarded(); });
  pthread_setname_np(thread_.native_handle(), "flame-control");
}

ControlServer::~ControlServer() {
  stop_.signal();
  thread_.join();
}

// Who embeds a host does not end with its control socket.
void ControlServer::run_guarded() noexcept {
  const base::AssertionsThrow ours;
  try {
    run();
  } catch (const std::exception& error) {
    log_.error("the control socket has failed; `flame status` gets no more answers", {{"what", error.what()}});
  }
}

void ControlServer::run() {
  while (true) {
    wait();
    if (poll_set_[0].revents != 0) return;
    std::size_t index = kFixedFds;
    for (Connection& connection : connections_) serve(connection, poll_set_[index++].revents);
    take_answers();
    if (poll_set_[2].revents != 0) accept_clients();
    const Instant time = base::boot_time();
    ask_next(time);
    drop_ended(time);
    keep_place(time);
  }
}

// Programs that clean /tmp by age take what nobody uses, as they see it.
void ControlServer::keep_place(Instant time) {
  if (time < upkeep_at_) return;
  upkeep_at_ = base::deadline_after(time, upkeep_.every);
  if (upkeep_.run) upkeep_.run();
  if (auto socket = socket_->renewed()) socket_.emplace(std::move(*socket));
}

void ControlServer::wait() {
  const Instant time = base::boot_time();
  const bool accepts = connections_.size() < limits::kControlClientsMax && time >= accept_after_;
  poll_set_.clear();
  poll_set_.push_back({stop_.fd(), POLLIN, 0});
  poll_set_.push_back({answers_->fd(), POLLIN, 0});
  poll_set_.push_back({accepts ? socket_->fd() : -1, POLLIN, 0});
  for (const Connection& connection : connections_) {
    const auto state = connection.client.state();
    const short events = state == ControlClient::State::asks      ? POLLIN
                         : state == ControlClient::State::listens ? POLLOUT
                                                                  : 0;
    poll_set_.push_back({connection.fd.get(), events, 0});
  }
  ::poll(poll_set_.data(), poll_set_.size(), timeout_ms(time));
}

int ControlServer::timeout_ms(Instant time) const {
  Instant wake = upkeep_at_;
  for (const Connection& connection : connections_) wake = std::min(wake, connection.client.deadline());
  if (asking_ == 0 && !questions_.empty()) wake = std::min(wake, ask_after_);
  if (time < accept_after_) wake = std::min(wake, accept_after_);
  return base::milliseconds_until(wake, time);
}

void ControlServer::accept_clients() {
  while (connections_.size() < limits::kControlClientsMax) {
    base::UniqueFd fd(::accept4(socket_->fd(), nullptr, nullptr, SOCK_NONBLOCK | SOCK_CLOEXEC));
    if (!fd) {
      if (!again(errno) && errno != ECONNABORTED) accept_after_ = base::boot_time() + kAcceptPause;
      return;
    }
    if (admit(fd.get()))
      connections_.push_back({std::move(fd), ControlClient(next_client_++, base::boot_time() + client_time_)});
  }
}

bool ControlServer::admit(int fd) {
  ucred peer{};
  socklen_t size = sizeof peer;
  const bool known = ::getsockopt(fd, SOL_SOCKET, SO_PEERCRED, &peer, &size) == 0;
  if (known && (peer.uid == ::geteuid() || peer.uid == 0)) return true;
  if (!std::exchange(complained_, true)) {
    log_.warning("the control socket refuses other users; more are refused silently",
                 {{"socket", path()}, {"uid", peer.uid}, {"pid", peer.pid}});
  }
  return false;
}

void ControlServer::serve(Connection& connection, short events) {
  if (events == 0) return;
  switch (connection.client.state()) {
    case ControlClient::State::asks:
      return read(connection);
    case ControlClient::State::listens:
      return write(connection);
    case ControlClient::State::waits:  // nothing is polled for: it has hung up
    case ControlClient::State::done:
      connection.fd.reset();
  }
}

void ControlServer::read(Connection& connection) {
  std::array<char, limits::kControlRequestMax + 1> bytes;
  const ssize_t got = ::recv(connection.fd.get(), bytes.data(), bytes.size(), 0);
  if (got < 0 && again(errno)) return;
  if (got <= 0) return connection.fd.reset();
  auto request = connection.client.received({bytes.data(), static_cast<std::size_t>(got)});
  if (!request) return;
  if (request->has_error()) {
    connection.client.answer(encode_answer(request->error()));
  } else {
    questions_.emplace_back(connection.client.id(), std::move(**request));
  }
}

void ControlServer::write(Connection& connection) {
  const std::string_view bytes = connection.client.pending();
  const ssize_t sent = ::send(connection.fd.get(), bytes.data(), bytes.size(), MSG_NOSIGNAL);
  if (sent < 0 && again(errno)) return;
  if (sent <= 0) return connection.fd.reset();
  connection.client.sent(static_cast<std::size_t>(sent));
}

void ControlServer::take_answers() {
  answers_->take_all(arrived_);
  for (auto& [client, answer] : arrived_) {
    if (asking_ == client) asking_ = 0;
    if (Connection* connection = find(client)) connection->client.answer(encode_answer(answer));
  }
}

void ControlServer::ask_next(Instant time) {
  while (asking_ == 0 && !questions_.empty() && time >= ask_after_) {
    const auto [client, request] = std::move(questions_.front());
    questions_.pop_front();
    Connection* const connection = find(client);
    if (connection == nullptr) continue;
    const auto reply = [to = answers_, client = client](Answer answer) { to->push({client, std::move(answer)}); };
    const bool asked = ask_(request, reply);
    if (asked && !waits_for_engines(request)) asking_ = client;
    ask_after_ = time + limits::kControlPause;
    if (!asked) {
      connection->client.answer(
          encode_answer(Error{.code = ErrorCode::shutting_down, .message = "the host is ending"}));
    }
  }
}

ControlServer::Connection* ControlServer::find(std::uint64_t client) {
  const auto found = std::ranges::find_if(connections_, [client](const Connection& connection) {
    return connection.client.id() == client && connection.fd;
  });
  return found == connections_.end() ? nullptr : &*found;
}

void ControlServer::drop_ended(Instant time) {
  connections_.remove_if([time](const Connection& connection) {
    return !connection.fd || connection.client.state() == ControlClient::State::done ||
           time >= connection.client.deadline();
  });
}

}  // namespace flame::control
