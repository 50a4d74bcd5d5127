// flame-runner: serves one host on this machine. Started by backends.
#include <unistd.h>

#include <cstdio>
#include <string_view>
#include <utility>

#include "runner/os/guardian.hpp"
#include "runner/os/log.hpp"
#include "runner/os/version.hpp"
#include "runner/supervisor.hpp"

namespace {

constexpr const char* kHelp =
    R"(usage: flame-runner [--help | --version]

Serves one FLAME host: dials it, loads its plugins and runs its calls. A host's backend starts it, with

  FLAME_PARENT        whom to dial, in base64, as the host gave it to the backend; or
  FLAME_PARENT_FD     the number of a descriptor that holds the same bytes
  FLAME_PLUGIN_PATH   directories with plugins, separated by colons
                      (then /usr/lib/flame/plugins and /opt/flame/plugins)

Exit status: 0 after an orderly end, 1 when the host cannot be reached, 2 for wrong usage, 128 + n after signal n.
)";

}  // namespace

int main(int argc, char** argv) {
  using namespace flame::runner;
  const std::string_view argument = argc > 1 ? argv[1] : "";
  if (argument == "--help" || argument == "-h") return std::fputs(kHelp, stdout) < 0;
  if (argument == "--version") return std::printf("flame-runner %s\n", kVersion) < 0;
  if (argc > 1) {
    std::fprintf(stderr, "flame-runner: unknown argument \"%s\"\n%s", argv[1], kHelp);
    return 2;
  }
  ParentBytes parent = take_parent_from_environment();
  if (!parent.error.empty()) {
    log(LogLevel::error, parent.error);
    return 2;
  }
  const Patience patience = patience_for(parent.bytes);
  return guard(
      parent, [](std::string bytes) { return supervise(std::move(bytes)); }, patience);
}
