// Figures of compile time: processor seconds that the compiler needs for the smallest plugin and host.
#include <fmt/format.h>
#include <sys/resource.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cstdlib>
#include <filesystem>
#include <string>
#include <utility>

#include "plugin_sdk/base/file.hpp"
#include "plugin_sdk/base/spawn.hpp"
#include "tools/flame/bench/figures.hpp"

namespace flame::bench {
namespace {

constexpr const char* kContract = R"(#include <flame/contract.hpp>
#include <string>
namespace hello { std::string greet(std::string name); }
)";
constexpr const char* kPlugin = R"(#include <flame/plugin.hpp>
std::string hello::greet(std::string name) { return "Hello, " + name + "!"; }
FLAME_PLUGIN("hello", "1.0.0", plugin) { plugin.task<hello::greet>(); }
)";
constexpr const char* kHost = R"(#include <flame/host.hpp>
#include <cstdio>
int main() {
  flame::Host host = flame::Host::from_file("flame.toml");
  std::puts(host.pool("main").call<hello::greet>("world").c_str());
}
)";

// Installed headers, else those of the source tree that this was built from.
std::vector<std::string> include_arguments() {
  const auto installed = std::filesystem::read_symlink("/proc/self/exe").parent_path().parent_path() / "include";
  if (std::filesystem::exists(installed / "flame" / "host.hpp")) return {"-I" + installed.string()};
  std::vector<std::string> arguments;
  for (const char* part : {"/plugin_sdk/include", "/plugin_sdk/abi", "/host/include"}) {
    arguments.push_back(std::string("-I" FLAME_SOURCE_DIR) + part);
  }
  return arguments;
}

double compile_once(const std::string& source) {
  std::vector<std::string> argv = {"c++", "-std=c++20", "-O2", "-fPIC", "-c", "-o", "/dev/null", source};
  for (auto& argument : include_arguments()) argv.push_back(std::move(argument));
  argv.insert(argv.begin(), "/usr/bin/env");
  const char* path = std::getenv("PATH");
  auto spawned = base::spawn(
      {.path = "/usr/bin/env", .argv = argv, .env = {std::string("PATH=") + (path ? path : "/usr/bin:/bin")}});
  if (!spawned) throw CallError(Error{.message = "cannot start c++: " + spawned.error().message()});
  rusage usage{};
  int status = 0;
  ::wait4(spawned->pid, &status, 0, &usage);
  if (status != 0) throw CallError(Error{.message = "c++ is missing, or does not compile " + source});
  const auto seconds = [](const timeval& time) {
    return static_cast<double>(time.tv_sec) + static_cast<double>(time.tv_usec) / 1e6;
  };
  return seconds(usage.ru_utime) + seconds(usage.ru_stime);
}

Figure compile_time(const BenchOptions& options, const std::string& directory, const std::string& name,
                    const std::string& text, double goal) {
  const std::string source = directory + "/" + name + ".cpp";
  if (auto written = base::write_file_atomically(source, kContract + text); !written) throw CallError(written.error());
  std::vector<double> samples;
  for (int i = 0; i < (options.quick ? 2 : 5); ++i) samples.push_back(compile_once(source));
  return {.name = "compile a hello " + name + ", -O2",
          .value = quantile(samples, 0),
          .unit = "CPU s",
          .goal = goal,
          .note = fmt::format("the lowest of {}", samples.size())};
}

std::vector<Figure> compile_times(const BenchOptions& options) {
  auto directory = base::make_private_directory("/tmp", "flame-bench-");
  if (!directory) throw CallError(directory.error());
  std::vector<Figure> figures;
  try {
    figures.push_back(compile_time(options, *directory, "plugin", kPlugin, 2.0));
    figures.push_back(compile_time(options, *directory, "host", kHost, 2.5));
  } catch (...) {
    base::remove_tree(*directory);
    throw;
  }
  base::remove_tree(*directory);
  return figures;
}

}  // namespace

std::vector<Measurement> compile_measurements() {
  return {{"compile", compile_times}};
}

}  // namespace flame::bench
