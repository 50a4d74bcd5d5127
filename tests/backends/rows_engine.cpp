// Rows about the engine, and about several hosts that share it.
#include <gtest/gtest.h>

#include <algorithm>
#include <chrono>
#include <string>
#include <vector>

#include "host/src/policy/machine_owner.hpp"
#include "host/src/policy/reaper.hpp"
#include "tests/backends/host_side.hpp"
#include "tests/backends/row_bodies.hpp"

namespace flame::test::row {

using namespace std::chrono_literals;
using What = Note::What;

namespace {

std::vector<MachineName> names_of(const std::vector<Machine>& machines) {
  std::vector<MachineName> names;
  for (const Machine& machine : machines) names.push_back(machine.name);
  std::ranges::sort(names);
  return names;
}

Labels host_label(const HostSide& host) {
  return {{"flame-host", host.identity().host}};
}

/// Once a list is not older than the last change.
void expect_listed(HostSide& host, const Labels& scope, std::vector<MachineName> wanted, const char* else_this) {
  std::ranges::sort(wanted);
  std::vector<MachineName> names;
  const auto is_so = [&] {
    const auto list = host.list(scope);
    if (!list || list->error) return false;
    names = names_of(list->machines);
    return names == wanted;
  };
  static_cast<void>(host.subject().until(is_so, HostSide::kPatience));
  EXPECT_EQ(names, wanted) << else_this;
}

void expect_errors_while_down(HostSide& host, const Machine& machine) {
  const auto list = host.list({});
  ASSERT_TRUE(list);
  ASSERT_TRUE(list->error) << "no answer is not the same as no machine";
  EXPECT_EQ(list->error->code, ErrorCode::boot_failed);
  const auto log = host.logs(machine, 100);
  ASSERT_TRUE(log && log->error);
  EXPECT_EQ(log->error->code, ErrorCode::boot_failed);
  const auto failure = host.failed(host.boot(Course::well));
  ASSERT_TRUE(failure);
  EXPECT_EQ(failure->remedy, Remedy::retry) << "nobody has to change a configuration for it";
  host.destroy(machine.name, machine.id);
  const auto left = host.hear(What::destroyed, machine.name);
  ASSERT_TRUE(left);
  EXPECT_TRUE(left->error) << "it cannot know that the machine is gone";
  EXPECT_FALSE(host.heard().last(What::exited, machine.name)) << "that an engine is silent proves no death";
}

/// What the reaper of `host` destroys, which knows of no process but `killed` that it has gone. It has seen two lists,
/// and thinks that a boot takes no time.
std::vector<pool::Reaper::Finding> reaped(HostSide& host, const HostSide& killed) {
  pool::Reaper reaper({.mode = Reap::destroy,
                       .host = host.identity().host,
                       .origin = host.identity().origin,
                       .boot_max = Duration::zero()});
  const auto gone = pool::parse_process_label(killed.identity().process);
  std::vector<pool::Reaper::Finding> destroys;
  for (int lists = 0; lists < 2 && gone; ++lists) {
    const auto list = host.list(reaper.scope());
    if (!list || list->error) continue;
    const pool::Reaper::Known known{.gone = {*gone}, .ours = {}, .unix_time = 0};
    destroys = reaper.listed(list->machines, known, host.subject().now()).destroy;
  }
  return destroys;
}

std::string everything_said(const HostSide& host) {
  std::string said;
  for (const Note& note : host.heard().notes()) said += texts_of(note);
  return said;
}

}  // namespace

void engine_down(Subject& subject) {
  HostSide host(subject, "web-1", 1);
  const auto machine = host.booted(host.boot(Course::well));
  const auto dies = host.booted(host.boot(Course::well));
  ASSERT_TRUE(machine && dies);
  subject.be(EngineState::down);
  expect_errors_while_down(host, *machine);
  HostSide late(subject, "web-2", 2);
  const auto opened = late.heard().last(What::opened);
  ASSERT_TRUE(opened);
  EXPECT_TRUE(opened->failure) << "there is no engine";
  subject.end(*dies, Death::killed);
  subject.settle();

  subject.be(EngineState::slow);
  EXPECT_TRUE(late.booted(late.boot(Course::well))) << "a backend that was opened without an engine has found it";
  EXPECT_TRUE(host.booted(host.boot(Course::well)));
  subject.be(EngineState::up);
  if (host.traits().proves_death) {
    EXPECT_TRUE(host.hear(What::exited, dies->name)) << "a death in the gap";
  }
  EXPECT_TRUE(subject.exists(*machine));
  host.destroy_well(machine->name);
  EXPECT_FALSE(subject.exists(*machine));
}

void list_scoped(Subject& subject) {
  HostSide one(subject, "web-1", 1);
  HostSide two(subject, "web-2", 2);
  const BootRequest first = one.request(Course::well, "films");
  const BootRequest second = one.request(Course::well, "thumbs");
  const MachineName other = two.boot(Course::well);
  one.boot(first);
  one.boot(second);
  ASSERT_TRUE(one.booted(first.name) && one.booted(second.name) && two.booted(other));
  expect_listed(one, host_label(one), {first.name, second.name}, "not the host's own");
  expect_listed(one, first.labels, {first.name}, "not by all labels");
  expect_listed(two, host_label(two), {other}, "not the host's own");
  Labels nobody = host_label(one);
  nobody["flame-pool"] = "no-such-pool";
  expect_listed(one, nobody, {}, "not by all labels");
  std::vector<MachineName> all{first.name, second.name};
  if (one.traits().lists) all.push_back(other);
  expect_listed(one, {}, all, "no scope is everything");
  const auto list = one.list(first.labels);
  ASSERT_TRUE(list && list->machines.size() == 1);
  EXPECT_EQ(list->machines[0].labels, first.labels);
  EXPECT_FALSE(list->machines[0].id.empty());
  one.destroy_well(first.name);
  expect_listed(one, host_label(one), {second.name}, "what is gone is not there");
}

void host_killed(Subject& subject) {
  HostSide twin(subject, "web-1", 2);
  const auto living = twin.booted(twin.boot(Course::well));
  ASSERT_TRUE(living);
  HostSide killed(subject, "web-1", 1);
  const auto orphan = killed.booted(killed.boot(Course::well));
  const MachineName under_way = killed.boot(Course::slowly);
  ASSERT_TRUE(orphan && killed.under_way(under_way));
  killed.die();
  EXPECT_TRUE(subject.until([&] { return subject.machines() == 3; }, HostSide::kPatience + subject.queue_time()));

  HostSide restarted(subject, "web-1", 3);
  expect_listed(restarted, host_label(restarted), {living->name, orphan->name, under_way}, "nobody would find it");
  const auto found = reaped(restarted, killed);
  EXPECT_EQ(found.size(), 2U) << "labels have not come back unchanged";
  for (const pool::Reaper::Finding& machine : found) {
    EXPECT_EQ(machine.owner, pool::MachineOwner::gone);
    restarted.destroy(machine.name, machine.id);
    const auto gone = restarted.hear(What::destroyed, machine.name);
    EXPECT_TRUE(gone && !gone->error) << machine.name << " of a host that is gone is left";
  }
  EXPECT_FALSE(subject.exists(*orphan));
  EXPECT_TRUE(subject.exists(*living)) << "a twin's machine was touched";
  EXPECT_EQ(subject.machines(), 1U);
  EXPECT_FALSE(twin.heard().last(What::exited, living->name));
}

void secrets_nowhere(Subject& subject) {
  HostSide host(subject, "web-1", 1);
  const auto machine = host.booted(host.boot(Course::well));
  const auto silent = host.booted(host.boot(Course::never_dials));
  const MachineName failed = host.boot(Course::dies);
  ASSERT_TRUE(machine && silent && host.outcome(failed));
  EXPECT_TRUE(subject.until([&] { return subject.dialled(machine->name); }, HostSide::kPatience));
  for (const Machine& of : {*machine, *silent}) EXPECT_TRUE(host.logs(of, 1 << 20));
  EXPECT_TRUE(host.list({}));
  const std::string exposed = subject.exposed();
  EXPECT_TRUE(contains(exposed, "of " + silent->name)) << "else this row sees nothing";
  host.destroy_well(machine->name);
  host.destroy_well(failed);
  const std::string said = everything_said(host);
  EXPECT_TRUE(contains(said, machine->name)) << "else this row hears nothing";
  ASSERT_FALSE(subject.secrets().empty());
  for (const std::string& secret : subject.secrets()) {
    EXPECT_FALSE(contains(exposed, secret)) << "others can read the machine's key";
    EXPECT_FALSE(contains(said, secret)) << "the machine's key was said";
  }
}

void close_in_time(Subject& subject) {
  {
    HostSide host(subject, "web-1", 1);
    ASSERT_TRUE(host.booted(host.boot(Course::well)));
    ASSERT_TRUE(host.booted(host.boot(Course::never_dials)));
    host.boot(Course::slowly);
    host.close();
  }
  EXPECT_EQ(subject.machines(), 0U) << "a machine is left";
  HostSide host(subject, "web-1", 1);
  if (!host.traits().lists) return;
  const auto machine = host.booted(host.boot(Course::well));
  ASSERT_TRUE(machine);
  subject.be(EngineState::down);
  host.boot(Course::well);
  host.close();
  const auto left = host.heard().last(What::destroyed, machine->name);
  ASSERT_TRUE(left);
  EXPECT_TRUE(left->error) << "the host could not name what is left";
  subject.be(EngineState::up);
  HostSide next(subject, "web-1", 2);
  next.destroy(machine->name, machine->id);
  EXPECT_TRUE(next.hear(What::destroyed, machine->name));
  EXPECT_EQ(subject.machines(), 0U);
}

}  // namespace flame::test::row
