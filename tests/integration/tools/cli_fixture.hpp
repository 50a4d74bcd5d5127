// Contract of the plugin that the tests of the `flame` command call.
#pragma once

#include <cstdint>
#include <map>
#include <string>

#include <flame/contract.hpp>

namespace cli_fixture {

struct Point {
  std::int32_t x = 0;
  std::int32_t y = 0;
};
BOOST_DESCRIBE_STRUCT(Point, (), (x, y))

std::string greet(std::string name);  // throws std::invalid_argument for ""
Point translate(Point point, std::int32_t dx, std::int32_t dy);
std::map<std::string, std::int64_t> count_letters(std::string text);
flame::Bytes reverse(flame::Bytes bytes);
std::int32_t twice(std::int32_t number);
std::string twice(std::string text);
void nothing();
std::string wait(flame::Context& context, std::int32_t milliseconds);          // "done"; ends early when asked to stop
std::string wait_or_fail(flame::Context& context, std::int32_t milliseconds);  // throws for negative ones
void crash();

}  // namespace cli_fixture
