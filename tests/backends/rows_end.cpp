// Rows about how machines end.
#include <gtest/gtest.h>

#include <chrono>
#include <optional>

#include "tests/backends/host_side.hpp"
#include "tests/backends/row_bodies.hpp"

namespace flame::test::row {

using namespace std::chrono_literals;
using What = Note::What;

namespace {

// BackendTraits::proves_death.
constexpr Duration kExitMax = 2s;

/// The machine ends so; what its host hears of it, which it does in time.
std::optional<Note> exit_of(HostSide& host, const Machine& machine, Death death) {
  const base::Instant died = host.subject().now();
  host.subject().end(machine, death);
  const auto exit = host.hear(What::exited, machine.name);
  if (!exit) return std::nullopt;
  EXPECT_LE(exit->at - died, kExitMax) << "its calls have waited for the heartbeats that are missing";
  return exit;
}

}  // namespace

void exit_told(Subject& subject) {
  HostSide host(subject, "web-1", 1);
  const auto machine = host.booted(host.boot(Course::well));
  const auto other = host.booted(host.boot(Course::well));
  ASSERT_TRUE(machine && other);
  const auto exit = exit_of(host, *machine, Death::killed);
  ASSERT_TRUE(exit);
  EXPECT_FALSE(exit->exit.out_of_memory);
  EXPECT_FALSE(host.heard().last(What::exited, other->name)) << "it lives";
  host.destroy_well(machine->name);
  EXPECT_TRUE(subject.exists(*other));
}

void out_of_memory(Subject& subject) {
  HostSide host(subject, "web-1", 1);
  const auto machine = host.booted(host.boot(Course::well));
  ASSERT_TRUE(machine);
  const auto exit = exit_of(host, *machine, Death::out_of_memory);
  ASSERT_TRUE(exit);
  EXPECT_TRUE(exit->exit.out_of_memory) << "its calls would be tried again where they do the same: "
                                        << exit->exit.reason;
}

void ending_notice(Subject& subject) {
  HostSide host(subject, "web-1", 1);
  const auto machine = host.booted(host.boot(Course::well));
  ASSERT_TRUE(machine);
  subject.announce_end(*machine, 60s);
  const auto notice = host.hear(What::ending, machine->name);
  ASSERT_TRUE(notice);
  EXPECT_GT(notice->left, 0s);
  EXPECT_LE(notice->left, 60s);
  EXPECT_FALSE(notice->text.empty()) << "it says nothing to people";
  subject.announce_end(*machine, 10s);
  EXPECT_TRUE(subject.until([&] { return host.heard().last(What::ending, machine->name)->left <= 10s; }, 5s))
      << "a notice that was revised is the one that counts";
  const bool ended = subject.until([&] { return !subject.exists(*machine); }, 60s);
  EXPECT_TRUE(ended);
  if (host.traits().proves_death) {
    EXPECT_TRUE(host.hear(What::exited, machine->name));
  }
}

}  // namespace flame::test::row
