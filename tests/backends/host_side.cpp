// Calls with their notes, and waiting.
#include "tests/backends/host_side.hpp"

#include <gtest/gtest.h>

#include <utility>

namespace flame::test {

using What = Note::What;

namespace {

pool::HostIdentity identity_of(std::uint64_t run, const std::string& name, int process) {
  return {.run = pool::run_id(run),
          .host = pool::label_value(name),
          .origin = pool::origin_label("this boot", "this namespace"),
          .process = pool::process_label(process, 4711)};
}

// Of a busy machine, where time is real.
constexpr Duration kSlack = std::chrono::milliseconds(500);
// Written on machines and read by nobody here.
constexpr std::int64_t kSomeTime = 2'000'000'000;
// What shows that a row that looks for secrets would see them.
constexpr const char* kPlainVariable = "FLAME_TEST_PLAIN";

}  // namespace

HostSide::HostSide(Subject& subject, const std::string& name, int process)
    : subject_(subject),
      identity_(identity_of(subject.next_run(), name, process)),
      recorder_([&subject] { return subject.now(); }),
      backend_(subject.backend()),
      traits_(backend_->traits()) {
  recorder_.asks({.what = What::asks_open});
  backend_->open(recorder_);
  static_cast<void>(hear(What::opened, {}));
}

HostSide::~HostSide() {
  if (backend_ != nullptr) close();
}

BootRequest HostSide::request(Course course, const std::string& pool) {
  BootRequest request;
  request.name = pool::machine_name(identity_.run, ++boots_);
  request.pool = pool;
  request.boot_timeout = kPatience;
  request.labels =
      pool::machine_labels(request.name, pool, identity_, pool::machine_until(kSomeTime, traits_, request));
  request.descriptor = subject_.descriptor(request.name);
  request.env = {{kPlainVariable, "of " + request.name}};
  subject_.arrange(request, course);
  return request;
}

MachineName HostSide::boot(BootRequest request) {
  MachineName name = request.name;
  names_.push_back(name);
  recorder_.asks({.what = What::asks_boot, .name = name, .machine = Machine{.name = name, .labels = request.labels}});
  backend_->boot(std::move(request));
  return name;
}

void HostSide::destroy(const MachineName& name, const MachineId& id) {
  recorder_.asks({.what = What::asks_destroy, .name = name});
  backend_->destroy(name, id);
}

// As the host counts: a boot that has failed for good leaves nothing, what was destroyed is gone.
bool HostSide::may_exist(const MachineName& name) const {
  const auto answer = recorder_.last(What::booted, name);
  const auto gone = recorder_.last(What::destroyed, name);
  if (gone && !gone->error) return false;
  return !answer || answer->machine || answer->failure->may_exist ||
         recorder_.count(What::booted, name) < recorder_.count(What::asks_boot, name);
}

bool HostSide::under_way(const MachineName& name) {
  return subject_.until([&] { return recorder_.count(What::phase, name) + recorder_.count(What::booted, name) > 0; },
                        kPatience);
}

std::optional<Note> HostSide::hear(What what, const MachineName& name, Duration patience) {
  if (!subject_.until([&] { return recorder_.last(what, name).has_value(); }, patience)) {
    ADD_FAILURE() << name << ": event " << static_cast<int>(what) << " did not come";
    return std::nullopt;
  }
  return recorder_.last(what, name);
}

std::optional<Note> HostSide::outcome(const MachineName& name) {
  const auto answered = [&] { return recorder_.count(What::booted, name) >= recorder_.count(What::asks_boot, name); };
  const bool all = subject_.until(answered, kPatience + subject_.queue_time());
  EXPECT_TRUE(all) << name << ": its boot was not answered";
  return all ? recorder_.last(What::booted, name) : std::nullopt;
}

std::optional<Machine> HostSide::booted(const MachineName& name) {
  const auto answer = outcome(name);
  if (!answer) return std::nullopt;
  EXPECT_TRUE(answer->machine.has_value()) << name << " did not boot: " << texts_of(*answer);
  return answer->machine;
}

std::optional<BootFailure> HostSide::failed(const MachineName& name) {
  const auto answer = outcome(name);
  if (!answer) return std::nullopt;
  EXPECT_TRUE(answer->failure.has_value()) << name << " has booted";
  return answer->failure;
}

void HostSide::destroy_well(const MachineName& name) {
  destroy(name);
  const auto answered = [&] {
    return recorder_.count(What::destroyed, name) >= recorder_.count(What::asks_destroy, name);
  };
  if (!subject_.until(answered, kPatience)) {
    ADD_FAILURE() << name << ": destroy() was not answered";
    return;
  }
  const auto answer = recorder_.last(What::destroyed, name);
  EXPECT_FALSE(answer->error.has_value()) << name << " is left: " << answer->error->message;
}

std::optional<Note> HostSide::answer_to(std::uint64_t ticket, What what) {
  const bool came = subject_.until([&] { return recorder_.last(what, {}, ticket).has_value(); }, kPatience);
  EXPECT_TRUE(came) << "ticket " << ticket << " was not answered";
  return recorder_.last(what, {}, ticket);
}

std::optional<Note> HostSide::list(const Labels& scope) {
  const std::uint64_t ticket = ++tickets_;
  recorder_.asks({.what = What::asks_list, .ticket = ticket});
  backend_->list(ticket, scope);
  return answer_to(ticket, What::listed);
}

std::optional<Note> HostSide::logs(const Machine& machine, std::uint64_t bytes_max) {
  const std::uint64_t ticket = ++tickets_;
  recorder_.asks({.what = What::asks_logs, .ticket = ticket});
  backend_->logs(ticket, machine, bytes_max);
  return answer_to(ticket, What::logged);
}

void HostSide::close() {
  for (const MachineName& name : names_)
    if (may_exist(name)) destroy(name);
  recorder_.asks({.what = What::asks_close});
  const base::Instant asked = subject_.now();
  backend_->close(kCloseMax);
  const auto closed = hear(What::closed, {});
  if (closed) {
    EXPECT_LE(closed->at - asked, kCloseMax + kSlack) << "closed() came late";
  }
  subject_.settle();
  check_rules(true);
  backend_.reset();
}

void HostSide::die() {
  check_rules(false);
  subject_.kill(std::move(backend_));
}

void HostSide::check_rules(bool ended) const {
  for (const std::string& sentence : broken_rules(recorder_.notes(), traits_, ended)) ADD_FAILURE() << sentence;
}

}  // namespace flame::test
