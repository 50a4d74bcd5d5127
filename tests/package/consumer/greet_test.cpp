// A unit test of the plugin's author, with no runner.
#include <iostream>

#include <flame/testing.hpp>

#include "greet.hpp"

int main() {
  const auto greeting = flame::testing::call<greet::hello>("test");
  if (!greeting || *greeting != "hello, test") {
    std::cerr << (greeting ? *greeting : greeting.error().to_string()) << '\n';
    return 1;
  }
}
