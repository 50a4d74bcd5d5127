// The `flame` command: names its subcommands and turns what they throw into messages and exit codes.
#include <unistd.h>

#include <CLI/CLI.hpp>

#include <cerrno>
#include <csignal>
#include <cstdlib>
#include <exception>
#include <sstream>
#include <string>

#include <flame/error.hpp>
#include <flame/version.hpp>

#include "tools/flame/command.hpp"
#include "tools/flame/report.hpp"
#include "tools/flame/terminal.hpp"

namespace {

using flame::cli::kFailed;
using flame::cli::kOk;
using flame::cli::kUsage;

constexpr const char* kFooter =
    R"(Exit codes: 0 success, 1 a call or a change of versions failed, no host runs, the answer is no (plugin inspect,
diff, verify), or standard input or output failed, 2 wrong usage, configuration or file, 129, 130 or 143 interrupted
(SIGHUP, SIGINT, SIGTERM), 141 the reader of the output went away (SIGPIPE).
FLAME_LOG=debug, info, warning, error or off: how much the command's own host says (default: warning).
`flame COMMAND --help` shows options and examples.)";

void add_commands(CLI::App& app, int& exit_code) {
  flame::cli::add_call(app, exit_code);
  flame::cli::add_map(app, exit_code);
  flame::cli::add_new(app, exit_code);
  flame::cli::add_plugin(app, exit_code);
  flame::cli::add_check(app, exit_code);
  flame::cli::add_status(app, exit_code);
  flame::cli::add_why(app, exit_code);
  flame::cli::add_machines(app, exit_code);
  flame::cli::add_bench(app, exit_code);
}

int explain(const CLI::App& app, const CLI::ParseError& error) {
  if (error.get_exit_code() == kOk) {
    std::ostringstream text;
    app.exit(error, text, text);  // --help, --version
    flame::cli::Terminal(STDOUT_FILENO).write(text.str());
    return kOk;
  }
  flame::cli::print_error(flame::cli::usage_error(std::string(error.what()) + " (see flame --help)"), false);
  return kUsage;
}

int run(int argc, char** argv) {
  CLI::App app{"FLAME for C++: run tasks of plugins on runners that boot on demand", "flame"};
  app.set_version_flag("--version", "flame " FLAME_VERSION);
  app.require_subcommand(1);
  app.footer(kFooter);
  int exit_code = kOk;
  add_commands(app, exit_code);
  try {
    app.parse(argc, argv);
  } catch (const CLI::ParseError& error) {
    return explain(app, error);
  } catch (const flame::cli::OutputError&) {
    throw;
  } catch (const flame::CallError& error) {
    flame::cli::print_error(error.error(), false);
    return kUsage;
  } catch (const std::exception& error) {
    flame::cli::print_error(flame::cli::usage_error(error.what()), false);
    return kUsage;
  }
  return exit_code;
}

// As a program ends that takes SIGPIPE by default, where whoever started this one did not say otherwise.
int output_failed(const flame::cli::OutputError& error, bool dies_of_sigpipe) {
  if (error.number() == EPIPE && dies_of_sigpipe) {
    std::signal(SIGPIPE, SIG_DFL);
    std::raise(SIGPIPE);
  }
  flame::cli::print_error(flame::cli::usage_error(std::string(error.what()) + "."), false);
  return kFailed;
}

}  // namespace

int main(int argc, char** argv) {
  flame::cli::guard_standard_streams();
  // A reader that goes away (`flame map | head`) and a full quota are failed writes, not the end of the process before
  // its runners.
  const bool dies_of_sigpipe = std::signal(SIGPIPE, SIG_IGN) != SIG_IGN;
  std::signal(SIGXFSZ, SIG_IGN);
  // Results and errors tell what matters here; the host's own story only when it is asked for.
  ::setenv("FLAME_LOG", "warning", 0);
  try {
    const int exit_code = run(argc, argv);
    flame::cli::settle_standard_output();
    return exit_code;
  } catch (const flame::cli::OutputError& error) {
    return output_failed(error, dies_of_sigpipe);
  }
}
