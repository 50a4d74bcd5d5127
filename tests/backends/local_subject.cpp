// One listening socket per machine, and a script that starts flame-runner or does something else.
#include "tests/backends/local_subject.hpp"

#include <fcntl.h>
#include <gtest/gtest.h>
#include <signal.h>
#include <sys/socket.h>
#include <unistd.h>

#include <algorithm>
#include <filesystem>
#include <fstream>
#include <iterator>
#include <set>
#include <system_error>

#include "backends/local/local_backend.hpp"
#include "plugin_sdk/base/boot_time.hpp"
#include "plugin_sdk/base/unique_fd.hpp"
#include "plugin_sdk/wire/envelope.hpp"
#include "plugin_sdk/wire/messages.hpp"
#include "tests/support/eventually.hpp"
#include "tests/support/fixed_descriptor.hpp"
#include "tests/support/leftovers.hpp"
#include "tests/support/loopback.hpp"
#include "tests/support/processes.hpp"
#include "tests/support/runner_parent.hpp"

namespace flame::test {

using namespace std::chrono_literals;

namespace {

constexpr const char* kCourse = "FLAME_TEST_COURSE";
// Z85 of 32 bytes each. Nobody answers with the other halves.
const std::string kHostKey = "1414213562373095048801688724209698078569";
const std::string kPublicKey = "3141592653589793238462643383279502884197";
const std::string kSecretKey = "2718281828459045235360287471352662497757";
constexpr Duration kFailsafe = 60s;  // longer than a row
constexpr Duration kMoment = 50ms;

std::string script() {
  const std::string words = "echo '" + std::string(kLastWords) + "' >&2; ";
  return std::string("#!/bin/sh\ncase \"$") + kCourse + "\" in\nnever_dials) " + words + "exec sleep 1000;;\ndies) " +
         words + "exit 7;;\nesac\nexec " FLAME_TEST_RUNNER "\n";
}

std::string environment_of(pid_t pid) {
  std::ifstream file("/proc/" + std::to_string(pid) + "/environ");
  std::string text{std::istreambuf_iterator<char>(file), std::istreambuf_iterator<char>()};
  std::ranges::replace(text, '\0', '\n');
  return text;
}

void never_asked(const char* what) {
  ADD_FAILURE() << "no row that backends/local must pass asks for " << what;
}

}  // namespace

class LocalSubject::Listener {
 public:
  Listener() : fd_(::socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0)) {
    endpoint_ = "tcp://127.0.0.1:" + std::to_string(bind_loopback(fd_.get()));
    EXPECT_EQ(::listen(fd_.get(), 16), 0);
  }
  [[nodiscard]] const std::string& endpoint() const noexcept { return endpoint_; }
  [[nodiscard]] bool dialled() {
    if (!dialled_) dialled_ = base::UniqueFd(::accept4(fd_.get(), nullptr, nullptr, SOCK_CLOEXEC)).get() >= 0;
    return dialled_;
  }

 private:
  base::UniqueFd fd_;
  std::string endpoint_;
  bool dialled_ = false;
};

LocalSubject::LocalSubject() : runner_(files_.write("runner", script())), secrets_{kSecretKey} {
  std::filesystem::permissions(runner_, std::filesystem::perms::owner_all);
}
LocalSubject::~LocalSubject() = default;

std::unique_ptr<Backend> LocalSubject::backend() {
  return std::make_unique<backends::LocalBackend>(backends::LocalOptions{.runner = runner_, .log = {}, .env = {}});
}

void LocalSubject::kill(std::unique_ptr<Backend> /*backend*/) {
  never_asked("a host that is killed");
}

std::shared_ptr<const BootDescriptor> LocalSubject::descriptor(const MachineName& name) {
  auto& listener = listeners_[name];
  if (listener == nullptr) listener = std::make_unique<Listener>();
  wire::Parent parent = runner_parent();
  parent.control = {listener->endpoint()};
  parent.bulk = {listener->endpoint()};
  parent.host_key = kHostKey;
  parent.public_key = kPublicKey;
  parent.secret_key = kSecretKey;
  parent.failsafe_ns = kFailsafe.count();
  std::string bytes = wire::encode_parent(parent);
  secrets_.push_back(wire::to_base64(bytes));
  return descriptor_of(std::move(bytes));
}

// A process has started once it is there: nothing takes its time, waits for a place or loses an answer.
void LocalSubject::arrange(BootRequest& request, Course course) {
  if (course == Course::queued || course == Course::no_room) never_asked("room");
  request.env[kCourse] = course == Course::never_dials ? "never_dials" : course == Course::dies ? "dies" : "well";
}

bool LocalSubject::dialled(const MachineName& name) {
  const auto found = listeners_.find(name);
  return found != listeners_.end() && found->second->dialled();
}

void LocalSubject::be(EngineState /*state*/) {
  never_asked("an engine of its own");
}

void LocalSubject::end(const Machine& machine, Death death) {
  if (death != Death::killed) return never_asked("that death");
  EXPECT_EQ(::kill(std::stoi(machine.id), SIGKILL), 0);
}

void LocalSubject::announce_end(const Machine& /*machine*/, Duration /*left*/) {
  never_asked("an end that is announced");
}

std::size_t LocalSubject::machines() {
  const std::set<pid_t> all = descendants(::getpid());
  return static_cast<std::size_t>(
      std::ranges::count_if(all, [](pid_t pid) { return parent_of(pid) == ::getpid() && !is_gone(pid); }));
}

bool LocalSubject::exists(const Machine& machine) {
  return !is_gone(std::stoi(machine.id));
}

std::string LocalSubject::exposed() {
  std::string text;
  for (const pid_t pid : descendants(::getpid())) text += command_of(pid) + "\n" + environment_of(pid) + "\n";
  return text;
}

base::Instant LocalSubject::now() const {
  return base::boot_time();
}

bool LocalSubject::until(const std::function<bool()>& condition, Duration patience) {
  return eventually(condition, patience);
}

void LocalSubject::settle() {
  static_cast<void>(eventually([] { return false; }, kMoment));
}

}  // namespace flame::test
