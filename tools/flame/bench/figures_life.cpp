// Figures of runners and slots: how fast they come, how fast they come back, what they cost when idle.
#include <fmt/format.h>
#include <poll.h>
#include <unistd.h>

#include <filesystem>
#include <fstream>
#include <memory>
#include <string>
#include <utility>
#include <vector>

#include "tools/flame/bench/figures.hpp"
#include "tools/flame/bench/plugin/tasks.hpp"

namespace flame::bench {
namespace {

using namespace std::chrono_literals;

Figure milliseconds(std::string name, const std::vector<double>& seconds, double goal) {
  return {.name = std::move(name),
          .value = median(seconds) * 1e3,
          .unit = "ms",
          .goal = goal,
          .note = fmt::format("{:.1f} to {:.1f} ms in {} runs", quantile(seconds, 0) * 1e3, quantile(seconds, 1) * 1e3,
                              seconds.size())};
}

constexpr const char* kColdName = "cold start: empty pool to first result";

double cold_once(const BenchOptions& options) {
  auto host = bench_host(options, "bench-small", {.max = 1, .max_concurrency = 1});
  const Pool pool = host.pool("main");
  const auto begin = Clock::now();
  static_cast<void>(pool.call<flame_bench::echo>("x"));
  return seconds_since(begin);
}

std::vector<Figure> cold_start(const BenchOptions& options) {
  std::vector<double> samples;
  for (int i = 0; i < options.repeats(); ++i) samples.push_back(cold_once(options));
  return {milliseconds(kColdName, samples, 25)};
}

// The median of as many samples as a round has time for.
template <class Sample>
double round_of(const Sample& sample) {
  std::vector<double> samples;
  for (const auto end = Clock::now() + kRound; Clock::now() < end;) samples.push_back(sample());
  return median(samples);
}

std::vector<Bout> cold_bouts(const BenchOptions& options) {
  return {{.name = kColdName, .round = [options] { return round_of([&] { return cold_once(options); }); }}};
}

PoolConfig one_slot() {
  return {.max = 1, .max_concurrency = 1, .boot_timeout = 60s};
}

std::string back_name(const std::string& kind) {
  return "slot back after a kill, " + kind;
}

// From the news that a slot was killed to the result of the next call, which needs a new slot.
double back_once(const Pool& pool) {
  for (int warm = 0; warm < 3; ++warm) static_cast<void>(pool.call<flame_bench::echo>("x"));
  const auto killed = pool.try_call<flame_bench::die>();
  const auto begin = Clock::now();
  if (killed || killed.error().code != ErrorCode::crashed) throw CallError(Error{.message = "the slot did not die"});
  static_cast<void>(pool.call<flame_bench::echo>("x"));
  return seconds_since(begin);
}

std::vector<Bout> back_bouts(const BenchOptions& options, const std::string& plugin, const std::string& kind) {
  const auto host = std::make_shared<Host>(bench_host(options, plugin, one_slot()));
  const Pool pool = host->pool("main");
  static_cast<void>(pool.call<flame_bench::echo>("x"));
  return {{.name = back_name(kind), .round = [host, pool] { return round_of([&] { return back_once(pool); }); }}};
}

std::vector<Figure> slot_back(const BenchOptions& options, const std::string& plugin, const std::string& kind) {
  auto host = bench_host(options, plugin, one_slot());
  const Pool pool = host.pool("main");
  std::vector<double> samples;
  for (int i = 0; i < options.repeats(); ++i) samples.push_back(back_once(pool));
  return {milliseconds(back_name(kind), samples, 3)};
}

std::vector<Figure> four_cold_runners(const BenchOptions& options) {
  std::vector<double> samples;
  for (int i = 0; i < options.repeats() / 2 + 1; ++i) {
    auto host = bench_host(options, "bench-small", {.max = 4, .max_concurrency = 1});
    const Pool pool = host.pool("main");
    std::vector<Future<void>> calls;
    const auto begin = Clock::now();
    for (int call = 0; call < 4; ++call) calls.push_back(pool.async<flame_bench::wait_ms>(200));
    for (auto& call : calls) call.get();
    samples.push_back(seconds_since(begin));
  }
  return {milliseconds("four cold runners, four 200 ms calls", samples, 280)};
}

std::vector<pid_t> children_of(pid_t pid) {
  std::vector<pid_t> all;
  const auto id = std::to_string(pid);
  std::ifstream direct("/proc/" + id + "/task/" + id + "/children");
  for (pid_t child = 0; direct >> child;) {
    all.push_back(child);
    for (const pid_t deeper : children_of(child)) all.push_back(deeper);
  }
  return all;
}

// Runners are children of the backend's thread, so every thread of this process is asked.
std::vector<pid_t> runner_processes() {
  std::vector<pid_t> all;
  for (const auto& thread : std::filesystem::directory_iterator("/proc/self/task")) {
    std::ifstream direct(thread.path() / "children");
    for (pid_t child = 0; direct >> child;) {
      all.push_back(child);
      for (const pid_t deeper : children_of(child)) all.push_back(deeper);
    }
  }
  return all;
}

// The spare slot is still being made when the first call returns.
std::vector<pid_t> settled_processes() {
  constexpr int kStillMs = 50;
  constexpr int kLooks = 100;
  std::vector<pid_t> processes = runner_processes();
  for (int look = 0; look < kLooks; ++look) {
    ::poll(nullptr, 0, kStillMs);
    if (const auto before = std::exchange(processes, runner_processes()); before == processes) break;
  }
  return processes;
}

struct Memory {
  double pss = 0;
  double private_dirty = 0;
};

Memory memory_of(const std::vector<pid_t>& processes) {
  Memory memory;
  for (const pid_t pid : processes) {
    std::ifstream rollup(fmt::format("/proc/{}/smaps_rollup", pid));
    bool read = false;
    for (std::string key; rollup >> key;) {
      double kib = 0;
      if (key == "Pss:" && rollup >> kib) memory.pss += kib / 1024, read = true;
      if (key == "Private_Dirty:" && rollup >> kib) memory.private_dirty += kib / 1024;
    }
    if (!read) throw CallError(Error{.message = fmt::format("cannot read /proc/{}/smaps_rollup: run it as root", pid)});
  }
  return memory;
}

std::vector<Figure> idle_memory(const BenchOptions& options) {
  auto host = bench_host(options, "bench-small", {.max = 1, .max_concurrency = 1});
  static_cast<void>(host.pool("main").call<flame_bench::echo>("x"));
  const auto processes = settled_processes();
  const auto memory = memory_of(processes);
  return {{.name = "idle runner, all its processes, PSS",
           .value = memory.pss,
           .unit = "MB",
           .goal = 8,
           .note = fmt::format("{} processes, private dirty {:.1f} MB", processes.size(), memory.private_dirty)}};
}

}  // namespace

std::vector<Measurement> life_measurements() {
  const auto back = [](const char* name, const char* plugin, const char* kind) -> Measurement {
    return {name, [=](const BenchOptions& options) { return slot_back(options, plugin, kind); },
            [=](const BenchOptions& options) { return back_bouts(options, plugin, kind); }};
  };
  return {{"cold", cold_start, cold_bouts},
          back("back", "bench-small", "small plugin"),
          back("back-model", "bench-model", "500 MB model"),
          {"four", four_cold_runners},
          {"memory", idle_memory}};
}

}  // namespace flame::bench
