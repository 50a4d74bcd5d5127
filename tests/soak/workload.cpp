// The operations, and what each may answer.
#include "tests/soak/workload.hpp"

#include <signal.h>

#include <algorithm>
#include <chrono>
#include <utility>

namespace flame::soak {
namespace {

using namespace std::chrono_literals;

constexpr std::size_t kComplaintsMax = 50;
// Long enough for a queue behind dead runners; a call that takes longer hangs.
constexpr auto kPatience = 60s;

std::uint32_t below(std::mt19937& random, std::uint32_t sides) {
  return static_cast<std::uint32_t>(random() % sides);
}

}  // namespace

const std::vector<Workload::Operation>& Workload::operations_of_all_kinds() {
  static const std::vector<Operation> operations = {
      {"call", &Workload::call, 20},        {"nap", &Workload::nap, 20},          {"drop", &Workload::drop, 8},
      {"cancel", &Workload::cancel, 8},     {"cast", &Workload::cast, 8},         {"fail", &Workload::fail, 6},
      {"crash", &Workload::crash, 3},       {"time out", &Workload::time_out, 6}, {"retry", &Workload::retry, 8},
      {"transfer", &Workload::transfer, 4}, {"chain", &Workload::chain, 6},       {"track", &Workload::track, 6},
      {"place", &Workload::place, 6},
  };
  return operations;
}

Workload::Workload(std::vector<Pool> pools, unsigned threads, std::uint32_t seed, bool chaos)
    : pools_(std::move(pools)), chaos_(chaos) {
  for (unsigned i = 0; i < threads; ++i) threads_.emplace_back([this, seed, i] { work(seed + i); });
}

void Workload::stop() {
  stopping_ = true;
  for (std::thread& thread : threads_) thread.join();
  threads_.clear();
}

void Workload::work(std::uint32_t seed) {
  Random random(seed);
  const auto& operations = operations_of_all_kinds();
  std::vector<unsigned> weights;
  for (const Operation& operation : operations) weights.push_back(operation.weight);
  std::discrete_distribution<std::size_t> choose(weights.begin(), weights.end());
  while (!stopping_) {
    const Operation& operation = operations[choose(random)];
    (this->*operation.run)(pools_[below(random, static_cast<std::uint32_t>(pools_.size()))], random);
    ++operations_;
    const std::lock_guard lock(mutex_);
    ++counts_[operation.name];
  }
}

void Workload::complain(std::string text) {
  const std::lock_guard lock(mutex_);
  if (complaints_.size() < kComplaintsMax) complaints_.push_back(std::move(text));
}

void Workload::judge(const char* what, const Error& error, std::initializer_list<ErrorCode> allowed) {
  {
    const std::lock_guard lock(mutex_);
    ++counts_[std::string("- ") + std::string(to_string(error.code))];
  }
  if (std::find(allowed.begin(), allowed.end(), error.code) != allowed.end()) return;
  const bool killed = error.code == ErrorCode::crashed && (error.signal == SIGKILL || error.collateral);
  // A SIGKILL does not tell for which call of the process it was.
  if (killed && error.runner.starts_with("threads-")) return;
  // A runner that got SIGTERM ends what does not end in its grace.
  if (chaos_ && (killed || error.code == ErrorCode::runner_lost || error.code == ErrorCode::shutting_down)) return;
  complain(std::string(what) + ": " + error.to_string());
}

template <class T>
void Workload::expect(const char* what, const Result<T>& result, const T& value) {
  if (result.has_error()) return judge(what, result.error(), {});
  if (!(*result == value)) complain(std::string(what) + ": a wrong result");
}

void Workload::call(const Pool& pool, Random& random) {
  const auto a = static_cast<std::int32_t>(below(random, 1000));
  expect<std::int32_t>("call", pool.with({.timeout = kPatience}).try_call<pool_tasks::add>(a, 1), a + 1);
}

void Workload::nap(const Pool& pool, Random& random) {
  std::vector<Future<std::string>> naps;
  for (std::uint32_t i = 0; i <= below(random, 8); ++i) {
    naps.push_back(pool.with({.timeout = kPatience}).async<pool_tasks::nap>(below(random, 20)));
  }
  for (auto& one : naps) {
    const auto result = one.try_get();
    if (result.has_error()) judge("nap", result.error(), {});
  }
}

void Workload::drop(const Pool& pool, Random& random) {
  auto future = pool.with({.timeout = kPatience, .link = below(random, 4) != 0}).async<pool_tasks::nap>(10);
  static_cast<void>(future.wait_for(std::chrono::milliseconds(below(random, 12))));
}

void Workload::cancel(const Pool& pool, Random& random) {
  auto future = pool.with({.timeout = kPatience}).async<pool_tasks::doze>(200);
  static_cast<void>(future.wait_for(std::chrono::milliseconds(below(random, 15))));
  future.cancel();
  const auto result = future.try_get();
  if (result.has_error()) judge("cancel", result.error(), {ErrorCode::cancelled});
}

void Workload::cast(const Pool& pool, Random& random) {
  pool.with({.link = below(random, 2) == 0}).cast<pool_tasks::nap>(below(random, 10));
}

void Workload::fail(const Pool& pool, Random&) {
  const auto result = pool.with({.timeout = kPatience}).try_call<pool_tasks::fail>("on purpose");
  if (!result.has_error()) return complain("fail: no error");
  judge("fail", result.error(), {ErrorCode::task_failed});
}

void Workload::crash(const Pool& pool, Random&) {
  const auto result = pool.with({.timeout = kPatience}).try_call<pool_tasks::kill_self>();
  if (!result.has_error()) return complain("crash: no error");
  judge("crash", result.error(), {ErrorCode::crashed});
}

void Workload::time_out(const Pool& pool, Random& random) {
  const Duration limit = std::chrono::milliseconds(1 + below(random, 30));
  const auto result = pool.with({.timeout = limit}).try_call<pool_tasks::nap>(100);
  if (!result.has_error()) return complain("time out: it was in time");
  judge("time out", result.error(), {ErrorCode::timed_out, ErrorCode::queue_timed_out, ErrorCode::boot_failed});
}

void Workload::retry(const Pool& pool, Random&) {
  const auto result = pool.with({.timeout = kPatience}).try_call<pool_tasks::attempt>();
  if (result.has_error()) return judge("retry", result.error(), {});
  if (*result < 1 || *result > 3) complain("retry: attempt " + std::to_string(*result));
}

void Workload::transfer(const Pool& pool, Random& random) {
  static constexpr std::size_t kSizes[] = {0, 100, 70'000, 300'000, 3'000'000};
  std::string text(kSizes[below(random, 5)], static_cast<char>('a' + below(random, 26)));
  const auto result = pool.with({.timeout = kPatience}).try_call<pool_tasks::echo>(Bytes(text.data(), text.size()));
  if (result.has_error()) return judge("transfer", result.error(), {});
  const std::string back(reinterpret_cast<const char*>(result->data()), result->size());
  if (back != text) complain("transfer: other bytes came back");
}

void Workload::chain(const Pool& pool, Random& random) {
  const auto a = static_cast<std::int32_t>(below(random, 1000));
  auto future = pool.with({.timeout = kPatience}).async<pool_tasks::add>(a, 1).then([](Result<std::int32_t> sum) {
    return sum.has_error() ? Result<std::int32_t>(sum.error()) : Result<std::int32_t>(*sum + 1);
  });
  expect<std::int32_t>("chain", future.get(), a + 2);
}

void Workload::track(const Pool& pool, Random& random) {
  const auto start = static_cast<std::int64_t>(below(random, 1000));
  const auto tally = pool.with({.timeout = kPatience}).try_call<pool_tasks::tally>(start);
  if (tally.has_error()) return judge("track", tally.error(), {});
  const auto copy = *tally;
  const auto sum = copy.with({.timeout = kPatience}).try_call<&pool_tasks::Tally::add>(1);
  expect<std::int64_t>("method of a resource", sum, start + 1);
}

void Workload::place(const Pool& pool, Random& random) {
  const auto ticker = pool.with({.timeout = kPatience}).try_place_child<pool_tasks::ticker>();
  if (ticker.has_error()) return judge("place", ticker.error(), {});
  const auto sum = ticker->with({.timeout = kPatience}).try_call<&pool_tasks::Ticker::add>(1);
  expect<std::int64_t>("method of a child", sum, 1);
  end(*ticker, random);
}

void Workload::end(const Child<pool_tasks::Ticker>& ticker, Random& random) {
  switch (below(random, 4)) {
    case 0:
      return;  // the handle goes
    case 1:
      ticker.stop();
      return judge_end(ticker.wait(), ChildExit::Reason::stopped);
    case 2:
      static_cast<void>(ticker.with({.timeout = kPatience}).try_call<&pool_tasks::Ticker::finish>());
      return judge_end(ticker.wait(), ChildExit::Reason::normal);
    default:
      static_cast<void>(ticker.with({.timeout = kPatience}).try_call<&pool_tasks::Ticker::kill_self>());
      return judge_end(ticker.wait(), ChildExit::Reason::crashed);
  }
}

void Workload::judge_end(const ChildExit& exit, ChildExit::Reason expected) {
  if (exit.reason == expected) return;
  if (exit.reason == ChildExit::Reason::normal) return complain("a child ended by itself");
  judge("end of a child", exit.error, {});
}

std::vector<std::string> Workload::complaints() const {
  const std::lock_guard lock(mutex_);
  return complaints_;
}

std::string Workload::summary() const {
  const std::lock_guard lock(mutex_);
  std::string text;
  for (const auto& [name, count] : counts_) text += "  " + name + ": " + std::to_string(count) + "\n";
  return text;
}

}  // namespace flame::soak
