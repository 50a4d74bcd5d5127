// Tasks whose arguments and results lie at the edges of what the command carries.
#include "tests/integration/edge/command_tasks.hpp"

#include <poll.h>

#include <cstdio>
#include <cstring>
#include <filesystem>
#include <fstream>

#include <flame/plugin.hpp>

namespace edge_command {
namespace {

template <class Number>
std::string hexadecimal(Number number) {
  unsigned long long bits = 0;
  std::memcpy(&bits, &number, sizeof number);
  char text[32];
  std::snprintf(text, sizeof text, "%llx", bits);
  return text;
}

}  // namespace

std::string text(std::int32_t length) {
  return std::string(static_cast<std::size_t>(length), 'x');
}

Scalars echo(Scalars scalars) {
  return scalars;
}

std::vector<std::string> bits(Scalars scalars) {
  return {hexadecimal(scalars.f), hexadecimal(scalars.d)};
}

std::int64_t members(std::map<std::string, std::int64_t> map) {
  return static_cast<std::int64_t>(map.size());
}

std::int64_t items(std::vector<Named> list) {
  return static_cast<std::int64_t>(list.size());
}

std::map<std::string, std::int64_t> many(std::int32_t count) {
  std::map<std::string, std::int64_t> map;
  for (std::int32_t i = 0; i < count; ++i) map["member" + std::to_string(i)] = i;
  return map;
}

Named latin() {
  return {1, {"caf\xc3\xa9", "caf\xe9"}};
}

std::string wait(flame::Context& context, std::int32_t milliseconds) {
  std::fputs("waiting\n", stderr);
  for (std::int32_t passed = 0; passed < milliseconds && !context.stop_requested(); passed += 10) {
    ::poll(nullptr, 0, 10);
  }
  return "done";
}

void gate(flame::Context& context, std::string act, std::string path) {
  if (act == "make") std::ofstream(path).close();
  while (act == "await" && !std::filesystem::exists(path) && !context.stop_requested()) ::poll(nullptr, 0, 1);
}

void chatter(flame::Context& context) {
  for (int i = 0; i < 4000; ++i)
    std::fputs("one line of sixty-four characters, which nobody reads, is here.\n", stderr);
  while (!context.stop_requested()) ::poll(nullptr, 0, 10);
}

}  // namespace edge_command

FLAME_PLUGIN("edge_command", "1.0.0", plugin) {
  plugin.task<edge_command::text>();
  plugin.task<edge_command::echo>();
  plugin.task<edge_command::bits>();
  plugin.task<edge_command::members>();
  plugin.task<edge_command::items>();
  plugin.task<edge_command::many>();
  plugin.task<edge_command::latin>();
  plugin.task<edge_command::chatter>({.timeout = std::chrono::seconds(60)});
  plugin.task<edge_command::gate>({.timeout = std::chrono::seconds(60)});
  plugin.task<edge_command::wait>({.timeout = std::chrono::seconds(60)});
}
