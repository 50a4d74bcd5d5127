// Children and tracked resources for the host's tests: the contract.
#pragma once

#include <atomic>
#include <map>
#include <optional>
#include <stop_token>

#include <flame/contract.hpp>

namespace objects {

/// What both kinds of objects can do: count, tell where they live, and fail in each way.
class Base {
 public:
  explicit Base(std::string file) : file_(std::move(file)) {}
  Base(const Base&) = delete;
  Base& operator=(const Base&) = delete;
  ~Base();  ///< appends "gone" to `file`, if there is one

  std::int64_t add(std::int64_t n);
  std::int64_t value() const { return value_; }
  std::int32_t pid() const;
  void fail(std::string message);
  void die(std::int32_t signal);
  /// Runs until it is stopped or `milliseconds` have passed; true if it was stopped.
  bool linger(flame::Context&, std::int32_t milliseconds);
  /// Never looks at its stop token.
  void deaf();
  flame::Bytes echo(flame::Bytes bytes);
  void leave_thread();  ///< that lives as long as the slot
  void print(std::string line);

 protected:
  std::string file_;
  std::int64_t value_ = 0;
};

// --- tracked resources
class Counter : public Base {
 public:
  using Base::Base;
  flame::Tracked<Counter> sibling(flame::Context&, std::int64_t value);
};
class Sticky {  ///< its destructor does not return
 public:
  ~Sticky();
  std::int32_t pid() const;
};
class Leisurely : public Base {  ///< its destructor appends "going" and takes 100 ms
 public:
  using Base::Base;
  ~Leisurely();
};
struct Pair {
  flame::Tracked<Counter> first;
  flame::Tracked<Counter> second;
};
BOOST_DESCRIBE_STRUCT(Pair, (), (first, second))

flame::Tracked<Counter> counter(flame::Context&, std::int64_t value, std::string file);
std::vector<flame::Tracked<Counter>> counters(flame::Context&, std::int32_t count, std::string file);
std::map<std::string, std::optional<Pair>> nested(flame::Context&);
flame::Tracked<Sticky> sticky(flame::Context&);
flame::Tracked<Leisurely> leisurely(flame::Context&, std::string file);
/// Tracks one and throws.
flame::Tracked<Counter> half(flame::Context&, std::string file);
/// Tracks one after it was stopped, or after `milliseconds`.
flame::Tracked<Counter> late(flame::Context&, std::int32_t milliseconds, std::string file);
std::int64_t sum(std::vector<flame::Tracked<Counter>> counters);
std::int64_t difference(flame::Tracked<Counter> a, flame::Tracked<Counter> b);
flame::Tracked<Counter> same(flame::Tracked<Counter> counter);
std::int32_t where(std::optional<flame::Tracked<Counter>> counter);
bool linger_with(flame::Context&, flame::Tracked<Counter> counter, std::int32_t milliseconds);

// --- children
class Journal : public Base {  ///< without run()
 public:
  using Base::Base;
  /// Appends n, which must be one more than the last.
  void append(std::int64_t n);
  std::vector<std::int64_t> all() const { return entries_; }
  /// Starts with as many as there are entries; tells `file` when it is gone.
  flame::Tracked<Counter> page(flame::Context&);

 private:
  std::vector<std::int64_t> entries_;
};
class Worker : public Base {  ///< with run()
 public:
  enum class Order : std::int32_t { work, finish, explode, crash };
  using Base::Base;
  /// Works round after round until it is stopped or ordered otherwise.
  void run(std::stop_token stop);
  std::int64_t rounds() const { return rounds_; }
  void order(Order order) { order_ = order; }

 private:
  std::atomic<Order> order_ = Order::work;
  std::atomic<std::int64_t> rounds_ = 0;
};
class Deaf {  ///< run() never returns
 public:
  void run(std::stop_token stop);
  std::int32_t pid() const;
};
class Brief {  ///< run() returns at once
 public:
  void run(std::stop_token stop);
  std::int64_t ping() const { return 1; }
};

std::unique_ptr<Journal> journal(std::string file);
std::unique_ptr<Worker> worker(std::string file);
std::unique_ptr<Deaf> deaf_child();
std::unique_ptr<Brief> brief();
std::unique_ptr<Journal> broken(std::string message);
std::unique_ptr<Journal> none();
std::unique_ptr<Journal> dying();

// --- plain tasks
std::int32_t add(std::int32_t a, std::int32_t b);
std::int32_t pid();
bool linger(flame::Context&, std::int32_t milliseconds);

}  // namespace objects
