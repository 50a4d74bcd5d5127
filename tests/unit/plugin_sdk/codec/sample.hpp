// Values in which every field differs from zero.
#pragma once

#include "tests/unit/plugin_sdk/codec/types.hpp"

namespace work {

inline Shape sample_shape() {
  return {.name = "box",
          .points = {{1, -2}, {0, 0.5}},
          .tags = {{1, 2}, {}, {3}},
          .note = "",
          .color = Color::blue,
          .level = Level::high};
}

inline Everything sample() {
  Everything e;
  e.flag = true;
  e.i8 = -8;
  e.u8 = 200;
  e.i16 = -1600;
  e.u16 = 60000;
  e.i32 = -320000;
  e.u32 = 4000000000;
  e.i64 = -64000000000;
  e.u64 = 0xffffffffffffffff;
  e.f32 = 1.5F;
  e.f64 = -0.0;
  e.letter = 'x';
  e.rune = U'ß';
  e.color = Color::red;
  e.raw = Raw::a;
  e.power = Switch::on;
  e.text = std::string("a\0b", 3);
  e.path = "/tmp/a file";
  e.bits = {true, false, true};
  e.bytes = {1, 2, 255};
  e.numbers = {1.25, -2.5};
  e.colors = {Color::green, Color::red};
  e.texts = {"", "one", "two"};
  e.triple = {1, -2, 3};
  e.pair_of_texts = {"left", ""};
  e.maybe = 0;
  e.perhaps = false;
  e.doubly.emplace(std::nullopt);
  e.gaps = {std::nullopt, "", "x"};
  e.list.emplace();
  e.variant = sample_shape();
  e.variants = {std::monostate(), 0, "text", std::optional<std::int32_t>(), std::optional<std::int32_t>(4)};
  e.pair = {4, "four"};
  e.tuple = {1, 2.5, "three"};
  e.by_name = {{"", {1}}, {"b", {}}, {"a", {2, 3}}};
  e.by_color = {{Color::blue, "blue"}, {Color::green, "green"}};
  e.by_pair = {{{1, 2}, "x"}, {{0, 0}, ""}};
  e.lookup = {{"p", {1, 2}}, {"q", {3, 4}}};
  e.set = {3, -1, 2};
  e.bag = {"x", "y"};
  e.sets = {{1, 2}, {}};
  return e;
}

inline EverythingElse sample_else() {
  using namespace std::chrono_literals;
  EverythingElse e;
  e.wait = 1500ms;
  e.span = std::chrono::duration<double>(0.25);
  e.when = std::chrono::system_clock::time_point(1234567890123456789ns);
  e.waits = {1s, 0s, -3s};
  e.shape = sample_shape();
  e.maybe_shape = sample_shape();
  e.tree = {"root", {{"left", {}}, {"right", {{"leaf", {}}}}}};
  e.account = Account("ada", 12345);
  e.box = {1, {{2, {}}, {3, {{4, {}}}}}};
  return e;
}

}  // namespace work
