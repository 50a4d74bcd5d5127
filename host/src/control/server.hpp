// Serves the control socket on a thread of its own: whatever a client does, the loop is asked at most once at a time.
#pragma once

#include <poll.h>

#include <cstdint>
#include <deque>
#include <functional>
#include <list>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <thread>
#include <utility>
#include <vector>

#include "host/src/control/client.hpp"
#include "host/src/control/socket.hpp"
#include "host/src/policy/types.hpp"
#include "host/src/trace/status.hpp"
#include "plugin_sdk/base/event_fd.hpp"
#include "plugin_sdk/base/limits.hpp"
#include "plugin_sdk/base/log.hpp"
#include "plugin_sdk/base/mailbox.hpp"
#include "plugin_sdk/base/unique_fd.hpp"

namespace flame::control {

/// What the server's thread does beside: keeps the socket, and what leads to it, where clients look for them.
struct Upkeep {
  std::function<void()> run;  ///< may be empty; then the socket alone is put back
  Duration every = limits::kRuntimeDirCare;
};

/// Clients that run as another user (but root) are hung up on. At most limits::kControlClientsMax are served at once,
/// the others wait in the backlog.
class ControlServer {
 public:
  using Reply = std::function<void(Answer)>;
  /// Has the request answered on another thread, which calls the reply once; it never blocks. False: nobody is there
  /// to answer any more, and the reply is not called. Called on the server's thread. The reply may come after the
  /// server is gone.
  using Ask = std::function<bool(const Request&, Reply)>;

  /// `client_time`: for a client, from connect to the last byte of its answer; then it is hung up on.
  ControlServer(ControlSocket socket, Ask ask, base::Logger log, Upkeep upkeep = {},
                Duration client_time = limits::kControlClientTime);
  /// Hangs up on everybody and joins the thread.
  ~ControlServer();
  ControlServer(const ControlServer&) = delete;
  ControlServer& operator=(const ControlServer&) = delete;

  [[nodiscard]] const std::string& path() const noexcept { return socket_->path(); }

 private:
  struct Connection {
    base::UniqueFd fd;
    ControlClient client;
  };
  using Connections = std::list<Connection>;
  using Inbound = std::pair<std::uint64_t, Answer>;  // client and its answer

  void run_guarded() noexcept;
  void run();
  void wait();
  [[nodiscard]] int timeout_ms(pool::Instant now) const;
  void accept_clients();
  [[nodiscard]] bool admit(int fd);
  void serve(Connection& connection, short events);
  void read(Connection& connection);
  void write(Connection& connection);
  void take_answers();
  void ask_next(pool::Instant now);
  [[nodiscard]] Connection* find(std::uint64_t client);
  void drop_ended(pool::Instant now);
  void keep_place(pool::Instant now);

  std::optional<ControlSocket> socket_;  // always there
  Ask ask_;
  base::Logger log_;
  Upkeep upkeep_;
  Duration client_time_;
  base::EventFd stop_;
  std::shared_ptr<base::Mailbox<Inbound>> answers_;
  Connections connections_;
  std::deque<std::pair<std::uint64_t, Request>> questions_;
  std::uint64_t next_client_ = 1;
  std::uint64_t asking_ = 0;  // for this client; 0: for none
  pool::Instant ask_after_{};
  pool::Instant accept_after_{};
  pool::Instant upkeep_at_;
  bool complained_ = false;
  std::vector<pollfd> poll_set_;
  std::vector<Inbound> arrived_;
  std::thread thread_;
};

}  // namespace flame::control
