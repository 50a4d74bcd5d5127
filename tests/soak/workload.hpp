// Threads that call pools in every way there is and judge each answer.
#pragma once

#include <atomic>
#include <cstdint>
#include <map>
#include <mutex>
#include <random>
#include <string>
#include <thread>
#include <vector>

#include <flame/host.hpp>

#include "pool_tasks.hpp"

namespace flame::soak {

/// Starts with the constructor, ends with stop(). Complaints are answers that no rule allows.
class Workload {
 public:
  /// `chaos`: runners and slots are killed meanwhile, so calls may be lost.
  Workload(std::vector<Pool> pools, unsigned threads, std::uint32_t seed, bool chaos);
  ~Workload() { stop(); }
  Workload(const Workload&) = delete;
  Workload& operator=(const Workload&) = delete;

  /// Every operation that has begun is finished.
  void stop();
  [[nodiscard]] std::uint64_t operations() const noexcept { return operations_; }
  [[nodiscard]] std::vector<std::string> complaints() const;
  /// How often each operation was done and each error seen.
  [[nodiscard]] std::string summary() const;

 private:
  using Random = std::mt19937;
  struct Operation {
    const char* name;
    void (Workload::*run)(const Pool&, Random&);
    unsigned weight;
  };
  static const std::vector<Operation>& operations_of_all_kinds();

  void work(std::uint32_t seed);
  /// Notes an error; complains unless it is one of `allowed` or chaos explains it.
  void judge(const char* what, const Error& error, std::initializer_list<ErrorCode> allowed);
  void complain(std::string text);
  void judge_end(const ChildExit& exit, ChildExit::Reason expected);
  template <class T>
  void expect(const char* what, const Result<T>& result, const T& value);

  void call(const Pool& pool, Random& random);
  void nap(const Pool& pool, Random& random);
  void drop(const Pool& pool, Random& random);
  void cancel(const Pool& pool, Random& random);
  void cast(const Pool& pool, Random& random);
  void fail(const Pool& pool, Random& random);
  void crash(const Pool& pool, Random& random);
  void time_out(const Pool& pool, Random& random);
  void retry(const Pool& pool, Random& random);
  void transfer(const Pool& pool, Random& random);
  void chain(const Pool& pool, Random& random);
  void track(const Pool& pool, Random& random);
  void place(const Pool& pool, Random& random);
  void end(const Child<pool_tasks::Ticker>& ticker, Random& random);

  std::vector<Pool> pools_;
  bool chaos_;
  std::atomic<bool> stopping_ = false;
  std::atomic<std::uint64_t> operations_ = 0;
  mutable std::mutex mutex_;  // guards the next two
  std::map<std::string, std::uint64_t> counts_;
  std::vector<std::string> complaints_;
  std::vector<std::thread> threads_;
};

}  // namespace flame::soak
