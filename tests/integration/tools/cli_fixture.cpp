// Tasks for the tests of the `flame` command.
#include "tests/integration/tools/cli_fixture.hpp"

#include <poll.h>

#include <algorithm>
#include <csignal>
#include <cstdio>
#include <stdexcept>

#include <flame/plugin.hpp>

namespace cli_fixture {

std::string greet(std::string name) {
  if (name.empty()) throw std::invalid_argument("whom shall I greet?");
  return "Hello, " + name + "!";
}

Point translate(Point point, std::int32_t dx, std::int32_t dy) {
  return {point.x + dx, point.y + dy};
}

std::map<std::string, std::int64_t> count_letters(std::string text) {
  std::map<std::string, std::int64_t> counts;
  for (const char c : text) ++counts[std::string(1, c)];
  return counts;
}

flame::Bytes reverse(flame::Bytes bytes) {
  std::reverse(bytes.data(), bytes.data() + bytes.size());
  return bytes;
}

std::int32_t twice(std::int32_t number) {
  return 2 * number;
}

std::string twice(std::string text) {
  return text + text;
}

void nothing() {}

std::string wait(flame::Context& context, std::int32_t milliseconds) {
  std::fputs("waiting\n", stderr);
  for (std::int32_t passed = 0; passed < milliseconds && !context.stop_requested(); passed += 10) {
    context.progress(static_cast<double>(passed) / milliseconds, "waiting");
    ::poll(nullptr, 0, 10);
  }
  return "done";
}

std::string wait_or_fail(flame::Context& context, std::int32_t milliseconds) {
  if (milliseconds < 0) throw std::invalid_argument("negative time");
  return wait(context, milliseconds);
}

void crash() {
  std::raise(SIGSEGV);
}

}  // namespace cli_fixture

FLAME_PLUGIN("cli-fixture", "1.2.3", plugin) {
  plugin.task<cli_fixture::greet>();
  plugin.task<cli_fixture::translate>();
  plugin.task<cli_fixture::count_letters>();
  plugin.task<cli_fixture::reverse>();
  plugin.task<flame::overload<std::int32_t(std::int32_t)>(cli_fixture::twice)>();
  plugin.task<flame::overload<std::string(std::string)>(cli_fixture::twice)>();
  plugin.task<cli_fixture::nothing>();
  plugin.task<cli_fixture::wait>({.timeout = std::chrono::seconds(30)});
  plugin.task<cli_fixture::wait_or_fail>({.timeout = std::chrono::seconds(30)});
  plugin.task<cli_fixture::crash>();
}
