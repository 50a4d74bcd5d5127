// One runner of a pool, from Boot to Destroy: hears its slots.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <utility>

#include "host/src/loop/pool_driver.hpp"

namespace flame::pool {

/// Forwards what its session delivers to the pool. Loop thread.
struct PoolDriver::Runner final : FrameSink {
  Runner(PoolDriver& d, RunnerId i, std::string n) : driver(d), id(i), name(std::move(n)) {}

  void on_begun(CallId call) override { driver.on(event::Begun{id, call}); }
  void on_result(CallId call, std::optional<Error> error, detail::Payload payload) override {
    driver.on_result(id, call, std::move(error), std::move(payload));
  }
  void on_ended(CallId call, std::optional<Error> why) override { driver.on(event::Ended{id, call, std::move(why)}); }
  void on_output(const wire::Output& output) override { driver.on_output(*this, output); }
  void on_progress(const wire::Progress& progress) override { driver.on_progress(progress); }

  PoolDriver& driver;
  RunnerId id;
  std::string name;
  Session* session = nullptr;
  std::uint16_t protocol_minor = 0;
};

}  // namespace flame::pool
