// flame_soak SECONDS [SEED]: mixed calls on several pools while their runners are killed; then nothing may be left over
// and nothing may have leaked. Exit code 1 when something has.
#include <sys/prctl.h>
#include <sys/wait.h>
#include <unistd.h>

#include <chrono>
#include <cstdio>
#include <cstdlib>
#include <random>
#include <string>
#include <vector>

#include <flame/host.hpp>

#include "pool_tasks.hpp"
#include "tests/soak/census.hpp"
#include "tests/soak/chaos.hpp"
#include "tests/soak/workload.hpp"
#include "tests/support/doomed_process.hpp"
#include "tests/support/eventually.hpp"
#include "tests/support/processes.hpp"
#include "tests/support/temp_dir.hpp"

namespace flame::soak {
namespace {

using namespace std::chrono_literals;

// Sanitizers keep freed memory on purpose.
#ifdef FLAME_TEST_SLOW
constexpr bool kMemoryTells = false;
#else
constexpr bool kMemoryTells = true;
#endif
// Arenas of the allocator and the history fill over a few thousand calls (to about 55 MiB, seen in 150 s); a leak of
// a KiB per call exceeds this in ten minutes.
constexpr std::uint64_t kMemoryGrowthMax = std::uint64_t{48} << 20;
constexpr unsigned kThreads = 6;
constexpr std::uint32_t kSlots = 4;

PoolConfig pool_config() {
  PoolConfig pool;
  pool.plugins = {"pool_tasks@1"};
  pool.max = 3;
  pool.max_concurrency = kSlots;
  pool.idle_shutdown_after = 300ms;
  pool.shutdown_timeout = 2s;
  return pool;
}

HostConfig configuration() {
  HostConfig config;
  config.plugin_path = {FLAME_FIXTURE_PLUGINS};
  config.backends["local"].values["runner"] = Option{OptionValue(std::string(FLAME_TEST_RUNNER)), {}};
  config.liveness = {.beat = 200ms, .host_silence = 2s, .runner_silence = 3s};
  config.pools["processes"] = pool_config();
  config.pools["threads"] = pool_config();
  config.pools["threads"].isolation = SlotIsolation::thread;
  config.pools["single"] = pool_config();
  config.pools["single"].single_use = true;
  config.pools["fresh"] = pool_config();
  config.pools["fresh"].reuse = false;
  config.pools["fresh"].strategy = Strategy::pack;
  // Never struck and never idle: what leaks in one long life shows here.
  config.pools["steady"] = pool_config();
  config.pools["steady"].min = 1;
  config.pools["steady"].max = 1;
  return config;
}

class Soak {
 public:
  Soak(std::chrono::seconds length, std::uint32_t seed) : length_(length), seed_(seed), host_(configuration()) {
    for (const std::string& name : host_.pool_names()) {
      pools_.push_back(host_.pool(name));
      pools_.back().on_cast_error([](const CastError&) {});
    }
  }

  int run() {
    const Pool steady = host_.pool("steady");
    const std::string runner = steady.call<pool_tasks::runner>();
    const pid_t supervisor = test::parent_of(static_cast<pid_t>(steady.call<pool_tasks::process>()));
    // The first failure opens the plugin's symbols, for good; the work below need not bring one there.
    check(steady.try_call<pool_tasks::fail>("on purpose").has_error(), "a failure is no error");
    work(3s, false, 0);
    settle();
    fill(steady);
    const Census before = Census::take(supervisor);
    std::printf("warm: %s\n", before.to_string().c_str());
    work(length_, true, test::parent_of(supervisor));
    settle();
    fill(steady);
    const Census after = Census::take(supervisor);
    std::printf("end:  %s\n", after.to_string().c_str());
    check(steady.call<pool_tasks::runner>() == runner, "the runner that nobody touched was replaced");
    compare(before, after);
    for (const Pool& pool : pools_) check_counters(pool);
    host_.shutdown();
    check(test::eventually(test::nothing_left), "processes are left at the end");
    return failures_ == 0 ? 0 : 1;
  }

 private:
  void check(bool holds, const std::string& complaint) {
    if (holds) return;
    ++failures_;
    std::printf("FAILED: %s\n", complaint.c_str());
  }

  void work(std::chrono::seconds length, bool chaotic, pid_t spared) {
    Workload workload(pools_, kThreads, seed_, chaotic);
    {
      std::optional<Chaos> chaos;
      if (chaotic) chaos.emplace(spared, seed_);
      const auto end = std::chrono::steady_clock::now() + length;
      while (std::chrono::steady_clock::now() < end) {
        static_cast<void>(test::eventually([&] { return std::chrono::steady_clock::now() >= end; }, 10s));
        std::printf("%llu operations\n", static_cast<unsigned long long>(workload.operations()));
        std::fflush(stdout);
      }
      if (chaos) {
        chaos->stop();
        std::printf("%s", chaos->summary().c_str());
      }
    }
    workload.stop();
    std::printf("%s", workload.summary().c_str());
    for (const std::string& complaint : workload.complaints()) check(false, complaint);
    check(workload.operations() > static_cast<std::uint64_t>(length.count()), "hardly anything was done");
  }

  /// A runner keeps slots for a while after a rush: as many as there can be are comparable.
  void fill(const Pool& pool) {
    std::vector<Future<std::string>> naps;
    for (std::uint32_t i = 0; i < kSlots; ++i) naps.push_back(pool.async<pool_tasks::nap>(200));
    for (auto& nap : naps) check(nap.try_get().has_value(), "a nap on the steady runner fails");
    check(test::eventually([&] { return pool.stats().slots_busy == 0; }), "slots stay busy");
  }

  /// Everything has ended and every pool is back at its minimum.
  void settle() {
    for (const Pool& pool : pools_) {
      const std::uint32_t least = pool.name() == "steady" ? 1 : 0;
      const bool quiet = test::eventually(
          [&] {
            const PoolStats stats = pool.stats();
            return stats.slots_busy == 0 && stats.waiting == 0 && stats.booting == 0 && stats.runners == least;
          },
          30s);
      check(quiet, "pool " + pool.name() + " does not come to rest: " + text(pool.stats()));
    }
    const bool gone = test::eventually([] { return guardians() == 1; }, 20s);
    check(gone, std::to_string(guardians()) + " runners are left instead of one");
  }

  static std::size_t guardians() {
    std::size_t count = 0;
    for (const pid_t pid : test::descendants(::getpid())) {
      count += test::parent_of(pid) == ::getpid() && !test::is_gone(pid) ? 1 : 0;
    }
    return count;
  }

  void compare(const Census& before, const Census& after) {
    check(after.descriptors <= before.descriptors, "the host leaks descriptors");
    check(after.runner_descriptors <= before.runner_descriptors, "the runner leaks descriptors");
    check(after.runner_processes <= before.runner_processes, "the runner leaks processes");
    if (!kMemoryTells) return;
    check(after.memory <= before.memory + kMemoryGrowthMax, "the host's memory grows");
    check(after.runner_memory <= before.runner_memory + kMemoryGrowthMax, "the runner's memory grows");
  }

  void check_counters(const Pool& pool) {
    const PoolStats stats = pool.stats();
    std::printf("pool %s: %s\n", pool.name().c_str(), text(stats).c_str());
    check(stats.submitted == stats.succeeded + stats.failed, "pool " + pool.name() + " has lost calls");
  }

  static std::string text(const PoolStats& stats) {
    return std::to_string(stats.runners) + " runners, " + std::to_string(stats.slots_busy) + " busy, " +
           std::to_string(stats.waiting) + " waiting, " + std::to_string(stats.submitted) + " submitted, " +
           std::to_string(stats.succeeded) + " succeeded, " + std::to_string(stats.failed) + " failed, " +
           std::to_string(stats.retried) + " retried, " + std::to_string(stats.boots) + " boots, " +
           std::to_string(stats.runners_lost) + " runners lost";
  }

  std::chrono::seconds length_;
  std::uint32_t seed_;
  Host host_;
  std::vector<Pool> pools_;
  int failures_ = 0;
};

}  // namespace
}  // namespace flame::soak

int main(int argc, char** argv) {
  const long seconds = argc > 1 ? std::strtol(argv[1], nullptr, 10) : 0;
  if (argc > 3 || seconds < 1) {
    std::fprintf(stderr, "usage: flame_soak SECONDS [SEED]\n");
    return 2;
  }
  const auto seed = argc > 2 ? static_cast<std::uint32_t>(std::strtoul(argv[2], nullptr, 10)) : std::random_device{}();
  std::printf("seed %u\n", seed);
  ::prctl(PR_SET_CHILD_SUBREAPER, 1);  // what runners leave becomes a child, and is seen
  const flame::test::TempDir directory;
  for (const char* name : {"TMPDIR", "XDG_RUNTIME_DIR"}) ::setenv(name, directory.path().c_str(), 1);
  const int status = flame::soak::Soak(std::chrono::seconds(seconds), seed).run();
  const auto left = flame::test::entries_of(directory.path());
  for (const std::string& entry : left) std::printf("FAILED: a file is left: %s\n", entry.c_str());
  std::printf("%s\n", status == 0 && left.empty() ? "passed" : "FAILED");
  return left.empty() ? status : 1;
}
