// Writes one valid input per message kind for the fuzzers to start from: fuzz_seeds <directory>.
#include <cstdio>
#include <filesystem>
#include <fstream>

#include "plugin_sdk/wire/envelope.hpp"
#include "tests/unit/host/plugins/plugin_file.hpp"
#include "tests/unit/plugin_sdk/wire/samples.hpp"

namespace {

void write(const std::filesystem::path& path, const void* data, std::size_t size) {
  std::filesystem::create_directories(path.parent_path());
  std::ofstream(path, std::ios::binary).write(static_cast<const char*>(data), static_cast<std::streamsize>(size));
}

// Two plugins as files.
void write_plugins(const std::filesystem::path& directory) {
  flame::pool::FakePlugin plugin;
  const std::string without_tasks = flame::pool::plugin_file(plugin);
  write(directory / "without-tasks", without_tasks.data(), without_tasks.size());
  plugin.version = "1.4.0-rc.1+build.7";
  plugin.tasks = {{.name = "video::resize", .fingerprint = 1, .schema = "table Arguments { f0:int; }\n"},
                  {.name = "video::resize", .fingerprint = 2, .schema = "table Arguments { f0:string; }\n"}};
  const std::string with_tasks = flame::pool::plugin_file(plugin);
  write(directory / "with-tasks", with_tasks.data(), with_tasks.size());
}

}  // namespace

int main(int argc, char** argv) {
  if (argc != 2) {
    std::fprintf(stderr, "usage: fuzz_seeds DIRECTORY\n");
    return 2;
  }
  const std::filesystem::path directory = argv[1];
  for (const auto& body : flame::test::sample_bodies()) {
    const auto frame = flame::wire::encode(1, body);
    write(directory / "envelope" / ("kind-" + std::to_string(body.index())), frame.data(), frame.size());
  }
  const std::string parent = flame::wire::encode_parent(flame::test::sample_parent());
  write(directory / "parent" / "full", parent.data(), parent.size());
  const unsigned char chunks[] = {1, 0, 100, 0, 2, 200, 0, 0, 1, 100};
  write(directory / "assembler" / "two-chunks", chunks, sizeof chunks);
  write_plugins(directory / "elf_note");
  return 0;
}
