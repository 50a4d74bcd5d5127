// Contract of the plugin that the tests of the command's edge call.
#pragma once

#include <cstdint>
#include <map>
#include <string>
#include <vector>

#include <flame/contract.hpp>

namespace edge_command {

struct Scalars {
  std::int8_t i8 = 0;
  std::uint8_t u8 = 0;
  std::int16_t i16 = 0;
  std::uint16_t u16 = 0;
  std::int32_t i32 = 0;
  std::uint32_t u32 = 0;
  std::int64_t i64 = 0;
  std::uint64_t u64 = 0;
  float f = 0;
  double d = 0;
};
BOOST_DESCRIBE_STRUCT(Scalars, (), (i8, u8, i16, u16, i32, u32, i64, u64, f, d))

struct Named {
  std::int32_t number = 0;
  std::vector<std::string> names;
};
BOOST_DESCRIBE_STRUCT(Named, (), (number, names))

std::string text(std::int32_t length);
Scalars echo(Scalars scalars);
std::vector<std::string> bits(Scalars scalars);  // of f and d, in hexadecimal
std::int64_t members(std::map<std::string, std::int64_t> map);
std::int64_t items(std::vector<Named> list);
std::map<std::string, std::int64_t> many(std::int32_t count);
Named latin();                          // the second name is no UTF-8
void chatter(flame::Context& context);  // a quarter of a megabyte on standard error; then waits for the end
std::string wait(flame::Context& context, std::int32_t milliseconds);
void gate(flame::Context& context, std::string act, std::string path);  // "make" it, "await" it, or nothing

}  // namespace edge_command
