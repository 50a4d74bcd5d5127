// flame-zygote: holds one loaded plugin and makes its slots. Started by flame-runner only, with its channel on fd 3;
// also, with --names, to read a plugin's symbols where it can do no harm.
#include <unistd.h>

#include <cstdio>
#include <string_view>

#include "runner/zygote/names.hpp"
#include "runner/zygote/zygote.hpp"

#ifdef __SANITIZE_ADDRESS__
// Deaths of tasks belong to the supervisor: it reports their signals and exit codes, which the sanitizer would replace
// by its own. What it finds itself still ends the process with its report.
extern "C" const char* __asan_default_options() {
  return "handle_segv=0:handle_sigbus=0:handle_abort=0:handle_sigfpe=0:handle_sigill=0:allow_user_segv_handler=1:"
         "use_sigaltstack=0:detect_leaks=0";
}
#endif

int main(int argc, char** argv) {
  constexpr int kChannel = 3;
  if (argc == 2 && std::string_view(argv[1]) == "--names") return flame::slot::demangle_names();
  const bool exec_slot = argc == 2 && std::string_view(argv[1]) == "--slot";
  if (argc != 1 && !exec_slot) {
    std::fputs("flame-zygote is started by flame-runner, not by hand\n", stderr);
    return 64;
  }
  // Not return: destructors of the plugin's statics must not run after what they use is gone.
  ::_exit(flame::slot::run_zygote(kChannel, exec_slot));
}
