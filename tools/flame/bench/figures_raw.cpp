// The yardsticks themselves, beside one another.
#include <fmt/format.h>

#include "tools/flame/bench/figures.hpp"
#include "tools/flame/bench/raw_echo.hpp"
#include "tools/flame/bench/seqpacket_echo.hpp"

namespace flame::bench {
namespace {

constexpr std::size_t kSmallBytes = 64;

template <class Echo>
Figure yardstick(const BenchOptions& options, std::string name, Echo& echo) {
  std::vector<double> rounds;
  for (int i = 0; i < options.rounds(); ++i) rounds.push_back(median(echo.latencies(kSmallBytes, kRound)) * 1e6);
  return {
      .name = std::move(name),
      .value = median(rounds),
      .unit = "us",
      .note = fmt::format("{:.1f} to {:.1f} us in {} rounds", quantile(rounds, 0), quantile(rounds, 1), rounds.size()),
      .yardstick = true};
}

Figure seqpacket(const BenchOptions& options, std::string name, Placement placement) {
  try {
    SeqpacketEcho echo(placement);
    return yardstick(options, std::move(name), echo);
  } catch (const std::runtime_error& error) {
    return {.name = std::move(name), .error = error.what()};
  }
}

std::vector<Figure> raw_echoes(const BenchOptions& options) {
  RawEcho zmq(Wire::ipc);
  return {yardstick(options, "raw ZeroMQ ipc echo, 64 B, p50", zmq),
          seqpacket(options, "raw SEQPACKET echo, 64 B, p50, one CPU", Placement::one_cpu),
          seqpacket(options, "raw SEQPACKET echo, 64 B, p50, two CPUs", Placement::two_cpus)};
}

}  // namespace

std::vector<Measurement> raw_measurements() {
  return {{"raw", raw_echoes}};
}

}  // namespace flame::bench
