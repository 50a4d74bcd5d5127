// A host program: its first argument is the directory of the plugin.
#include <iostream>
#include <string>

#include <flame/host.hpp>

#include "greet.hpp"

int main(int, char** arguments) {
  const std::string config = "[plugins]\npath = [\"" + std::string(arguments[1]) +
                             "\"]\n[pools.greet]\nplugins = [\"greet@1\"]\nmax = 1\nmax_concurrency = 2\n";
  flame::Host host = flame::Host::from_toml(config);
  const std::string greeting = host.pool("greet").call<greet::hello>("package");
  std::cout << greeting << '\n';
  return greeting == "hello, package" ? 0 : 1;
}
