// Figures of calls on a warm pool, each beside a raw libzmq echo of the same size.
#include <fmt/format.h>

#include <atomic>
#include <deque>
#include <memory>
#include <string>
#include <thread>
#include <utility>

#include "tools/flame/bench/figures.hpp"
#include "tools/flame/bench/plugin/tasks.hpp"
#include "tools/flame/bench/raw_echo.hpp"

namespace flame::bench {
namespace {

using namespace std::chrono_literals;

constexpr std::size_t kSmall = 64;
constexpr std::size_t kMiB = std::size_t{1} << 20;
constexpr int kInFlight = 64;

Figure compared(std::string name, const Comparison& comparison, double goal, bool higher_is_better, std::string note) {
  return {.name = std::move(name),
          .value = comparison.ratio,
          .unit = "x raw",
          .goal = goal,
          .higher_is_better = higher_is_better,
          .comparison = comparison,
          .note = std::move(note)};
}

std::string microseconds(const Comparison& comparison) {
  return fmt::format("{:.1f} us, raw {:.1f} us", comparison.figure * 1e6, comparison.reference * 1e6);
}

std::string per_second(const Comparison& comparison) {
  return fmt::format("{:.0f}/s, raw {:.0f}/s", comparison.figure, comparison.reference);
}

template <class Call>
std::vector<double> latencies(Clock::duration time, const Call& call) {
  std::vector<double> samples;
  for (const auto end = Clock::now() + time; Clock::now() < end;) {
    const auto begin = Clock::now();
    call();
    samples.push_back(seconds_since(begin));
  }
  return samples;
}

double call_rate(const Pool& pool, const std::string& text, Clock::duration time) {
  std::deque<Future<std::string>> calls;
  for (int i = 0; i < kInFlight; ++i) calls.push_back(pool.async<flame_bench::echo>(text));
  std::uint64_t count = 0;
  const auto begin = Clock::now();
  for (const auto end = begin + time; Clock::now() < end; ++count) {
    static_cast<void>(calls.front().get());
    calls.pop_front();
    calls.push_back(pool.async<flame_bench::echo>(text));
  }
  const double rate = static_cast<double>(count) / seconds_since(begin);
  for (auto& call : calls) static_cast<void>(call.get());
  return rate;
}

std::string latency_name(const std::string& kind) {
  return "warm call, 64 B, p50, " + kind;
}
std::string rate_name(const std::string& kind) {
  return "calls per second, 64 in flight, " + kind;
}
std::string large_name(const std::string& kind) {
  return "1 MiB echo, p50, " + kind;
}

/// A host with a warm pool.
struct Warm {
  explicit Warm(Host warm_host) : host(std::move(warm_host)), pool(host.pool("main")) {}
  Host host;
  Pool pool;
};

std::shared_ptr<Warm> warm_small(const BenchOptions& options, SlotIsolation isolation) {
  auto warm = std::make_shared<Warm>(
      bench_host(options, "bench-small", {.max = 1, .max_concurrency = kInFlight, .isolation = isolation}));
  static_cast<void>(call_rate(warm->pool, std::string(kSmall, 'x'), 200ms));  // all slots are up after this
  return warm;
}

std::vector<Bout> small_bouts(const BenchOptions& options, SlotIsolation isolation, const std::string& kind) {
  const auto warm = warm_small(options, isolation);
  const std::string text(kSmall, 'x');
  return {{.name = latency_name(kind),
           .round =
               [warm, text] {
                 return median(latencies(kRound, [&] { static_cast<void>(warm->pool.call<flame_bench::echo>(text)); }));
               }},
          {.name = rate_name(kind), .higher_is_better = true, .round = [warm, text] {
             return call_rate(warm->pool, text, kRound);
           }}};
}

std::vector<Bout> large_bouts(const BenchOptions& options, const std::string& listen, const std::string& kind) {
  const auto warm =
      std::make_shared<Warm>(bench_host(options, "bench-small", {.max = 1, .max_concurrency = 1}, listen));
  const Bytes bytes(std::string(kMiB, 'x'));
  static_cast<void>(warm->pool.call<flame_bench::echo_bytes>(bytes));
  return {{.name = large_name(kind), .round = [warm, bytes] {
             return median(
                 latencies(kRound, [&] { static_cast<void>(warm->pool.call<flame_bench::echo_bytes>(bytes)); }));
           }}};
}

std::vector<Figure> small_calls(const BenchOptions& options, SlotIsolation isolation, const std::string& kind) {
  const auto warm = warm_small(options, isolation);
  const Pool& pool = warm->pool;
  const std::string text(kSmall, 'x');
  RawEcho raw(Wire::ipc);
  const auto latency = compare_latency(
      options.rounds(), [&](Clock::duration time) { return raw.latencies(kSmall, time); },
      [&](Clock::duration time) {
        return latencies(time, [&] { static_cast<void>(pool.call<flame_bench::echo>(text)); });
      });
  const auto rate = compare_rate(
      options.rounds(), [&](Clock::duration time) { return raw.rate(kSmall, kInFlight, time); },
      [&](Clock::duration time) { return call_rate(pool, text, time); });
  const double rate_goal = isolation == SlotIsolation::process ? 0.25 : 0.5;
  return {compared(latency_name(kind), latency, 1.6, false, microseconds(latency)),
          compared(rate_name(kind), rate, rate_goal, true, per_second(rate))};
}

std::vector<Figure> large_calls(const BenchOptions& options, Wire wire, const std::string& listen,
                                const std::string& kind) {
  auto host = bench_host(options, "bench-small", {.max = 1, .max_concurrency = 1}, listen);
  const Pool pool = host.pool("main");
  const Bytes bytes(std::string(kMiB, 'x'));
  static_cast<void>(pool.call<flame_bench::echo_bytes>(bytes));
  RawEcho raw(wire);
  const auto latency = compare_latency(
      options.rounds(), [&](Clock::duration time) { return raw.latencies(kMiB, time); },
      [&](Clock::duration time) {
        return latencies(time, [&] { static_cast<void>(pool.call<flame_bench::echo_bytes>(bytes)); });
      });
  return {compared(large_name(kind), latency, 2.0, false, microseconds(latency))};
}

std::vector<Figure> call_beside_a_gigabyte(const BenchOptions& options) {
  auto host = bench_host(options, "bench-small", {.max = 1, .max_concurrency = 2, .timeout = 10min});
  const Pool pool = host.pool("main");
  const std::string text(kSmall, 'x');
  static_cast<void>(pool.call<flame_bench::echo>(text));
  const std::size_t size = options.quick ? 256 * kMiB : 1024 * kMiB;
  const Bytes bytes(std::string(size, 'x'));
  std::vector<double> samples;
  auto big = pool.async<flame_bench::swallow>(bytes);
  while (!big.ready()) {
    const auto begin = Clock::now();
    static_cast<void>(pool.call<flame_bench::echo>(text));
    samples.push_back(seconds_since(begin));
  }
  static_cast<void>(big.get());
  const double p99 = quantile(samples, 0.99) * 1e3;
  return {{.name = fmt::format("64 B call beside a {} MiB payload, p99", size / kMiB),
           .value = p99,
           .unit = "ms",
           .goal = 5,
           .note = fmt::format("p50 {:.2f} ms of {} calls", quantile(samples, 0.5) * 1e3, samples.size())}};
}

}  // namespace

std::vector<Measurement> call_measurements() {
  const auto small = [](const std::string& kind, SlotIsolation isolation) -> Measurement {
    return {kind, [=](const BenchOptions& options) { return small_calls(options, isolation, kind); },
            [=](const BenchOptions& options) { return small_bouts(options, isolation, kind); }};
  };
  const auto large = [](const char* name, Wire wire, const char* listen, const char* kind) -> Measurement {
    return {name, [=](const BenchOptions& options) { return large_calls(options, wire, listen, kind); },
            [=](const BenchOptions& options) { return large_bouts(options, listen, kind); }};
  };
  return {small("process", SlotIsolation::process),
          small("thread", SlotIsolation::thread),
          large("ipc", Wire::ipc, "ipc://auto", "ipc"),
          large("tcp", Wire::tcp_curve, "tcp://127.0.0.1:0", "tcp with CURVE"),
          {"gigabyte", call_beside_a_gigabyte}};
}

}  // namespace flame::bench
