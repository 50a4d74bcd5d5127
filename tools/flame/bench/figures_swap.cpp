// Figures of changes: how soon a new version serves, and what callers notice of it.
#include <fmt/format.h>
#include <poll.h>

#include <atomic>
#include <string>
#include <thread>
#include <vector>

#include "tools/flame/bench/figures.hpp"
#include "tools/flame/bench/plugin/tasks.hpp"

namespace flame::bench {
namespace {

using namespace std::chrono_literals;

constexpr int kCallers = 8;
constexpr int kSwaps = 20;
constexpr int kSwapsInTurn = 4;
constexpr std::size_t kPayload = 64;  // bytes

constexpr std::chrono::milliseconds kBetween = kRound / 5;

void pause(std::chrono::milliseconds time) {
  ::poll(nullptr, 0, static_cast<int>(time.count()));
}

// Which of the two versions is next.
std::string version(int swap) {
  return swap % 2 == 0 ? "bench-small@1.1.0" : "bench-small@1.0.0";
}

Host changing_host(const BenchOptions& options, PoolConfig pool) {
  Host host = bench_host(options, "bench-small@1", std::move(pool), "ipc://auto", {options.plugins + "/next"});
  static_cast<void>(host.activate(version(1)));
  return host;
}

std::vector<Figure> activation(const BenchOptions& options) {
  Host host = changing_host(options, {.max = 1, .max_concurrency = 1});
  const Pool pool = host.pool("main");
  std::vector<double> samples;
  for (int swap = 0; swap < options.repeats(); ++swap) {
    static_cast<void>(pool.call<flame_bench::echo>("x"));  // a warm runner, and its old generation is alive
    const auto begin = Clock::now();
    static_cast<void>(host.activate(version(swap)));
    static_cast<void>(pool.call<flame_bench::echo>("x"));
    samples.push_back(seconds_since(begin));
  }
  return {{.name = "activate to first result, small plugin",
           .value = median(samples) * 1e3,
           .unit = "ms",
           .goal = 15,
           .note = fmt::format("{:.1f} to {:.1f} ms in {} swaps", quantile(samples, 0) * 1e3,
                               quantile(samples, 1) * 1e3, samples.size())}};
}

struct Calls {
  std::vector<double> times;
  double seconds = 0;

  void add(const Calls& more) {
    times.insert(times.end(), more.times.begin(), more.times.end());
    seconds += more.seconds;
  }
  [[nodiscard]] double rate() const { return static_cast<double>(times.size()) / seconds; }
};

// All calls of `kCallers` threads while `meanwhile` runs.
template <class Meanwhile>
Calls calls_during(const Pool& pool, Meanwhile meanwhile) {
  std::atomic<bool> over{false};
  std::vector<std::vector<double>> times(kCallers);
  std::vector<std::thread> callers;
  const auto from = Clock::now();
  for (auto& mine : times) {
    callers.emplace_back([&over, &mine, &pool] {
      const std::string text(kPayload, 'x');
      while (!over) {
        const auto begin = Clock::now();
        static_cast<void>(pool.call<flame_bench::echo>(text));
        mine.push_back(seconds_since(begin));
      }
    });
  }
  meanwhile();
  over = true;
  for (std::thread& caller : callers) caller.join();
  Calls calls{.times = {}, .seconds = seconds_since(from)};
  for (const auto& mine : times) calls.times.insert(calls.times.end(), mine.begin(), mine.end());
  return calls;
}

// With and without swaps by turns: these machines are now faster, now slower.
std::vector<Figure> calls_during_swaps(const BenchOptions& options) {
  Host host = changing_host(options, {.max = 1, .max_concurrency = kCallers});
  const Pool pool = host.pool("main");
  static_cast<void>(calls_during(pool, [] { pause(kBetween); }));
  Calls calm;
  Calls swaps;
  for (int swap = 0; swap < kSwaps; swap += kSwapsInTurn) {
    calm.add(calls_during(pool, [] { pause(kSwapsInTurn * kBetween); }));
    swaps.add(calls_during(pool, [&] {
      for (int next = swap; next < swap + kSwapsInTurn; ++next) {
        static_cast<void>(host.activate(version(next)));
        pause(kBetween);
      }
    }));
  }
  const double without = quantile(calm.times, 0.99);
  const double with = quantile(swaps.times, 0.99);
  return {{.name = "p99 of 8 callers during 20 swaps, 64 B",
           .value = with / without,
           .unit = "x calm",
           .goal = 2,
           .note = fmt::format("{:.0f} us, without swaps {:.0f} us", with * 1e6, without * 1e6)},
          {.name = "calls of 8 callers during 20 swaps, 64 B",
           .value = swaps.rate() / calm.rate(),
           .unit = "x calm",
           .goal = 0.8,
           .higher_is_better = true,
           .note = fmt::format("a swap every {} ms", std::chrono::milliseconds(kBetween).count())}};
}

}  // namespace

std::vector<Measurement> swap_measurements() {
  return {{"activate", activation}, {"swaps", calls_during_swaps}};
}

}  // namespace flame::bench
