// Destroys what nobody needs any more, and what somebody names after a question.
#include "tools/flame/machines_reap.hpp"

#include <fmt/format.h>
#include <poll.h>
#include <unistd.h>

#include <CLI/CLI.hpp>

#include <algorithm>
#include <cerrno>
#include <iostream>
#include <iterator>
#include <memory>
#include <optional>
#include <string>
#include <utility>

#include "plugin_sdk/base/make_error.hpp"
#include "tools/flame/command.hpp"
#include "tools/flame/report.hpp"
#include "tools/flame/table.hpp"

namespace flame::cli {
namespace {

struct ReapOptions {
  std::vector<std::string> machines;
  SourceChoice source;
  bool yes = false;
  bool json = false;
};

constexpr const char* kReapExamples =
    R"(Destroys the machines that are proven to belong to nobody: the process of their host does not exist any more, or
the end of their life has passed. A machine that is named is destroyed whomever it belongs to, after a question unless
that is proven: the calls that run there end.

Examples:
  flame machines reap
  flame machines reap --config /etc/thumbs/flame.toml
  flame machines reap flame-3kq0v5w1m8x2z-4 --yes)";

struct Reaped {
  ListedMachine machine;
  std::optional<Error> error;
};

// False: interrupted. A terminal is readable once a line is complete.
bool is_answered(int interrupt_fd) {
  pollfd entries[] = {{.fd = STDIN_FILENO, .events = POLLIN, .revents = 0},
                      {.fd = interrupt_fd, .events = POLLIN, .revents = 0}};
  while (::poll(entries, 2, -1) < 0 && errno == EINTR) {
  }
  return entries[1].revents == 0;
}

// nullopt: go on; else why not.
std::optional<Error> ask_people(const std::vector<ListedMachine>& unproven, bool yes, int interrupt_fd) {
  if (unproven.empty() || yes) return std::nullopt;
  const std::string question = question_text(unproven);
  if (::isatty(STDIN_FILENO) == 0 || ::isatty(STDERR_FILENO) == 0) {
    return base::make_error(ErrorCode::invalid_argument,
                            question +
                                "That nobody needs this is not proven, and there is no terminal to ask on: say "
                                "--yes to destroy it all the same. Nothing was destroyed.");
  }
  static_cast<void>(Terminal(STDERR_FILENO).try_write(question + "Destroy, with the calls that run there? [y/N] "));
  std::string answer;
  if (is_answered(interrupt_fd)) std::getline(std::cin, answer);
  if (answer == "y" || answer == "Y" || answer == "yes") return std::nullopt;
  return base::make_error(ErrorCode::cancelled, "Nothing was destroyed.");
}

std::vector<Reaped> destroy_all(const MachineSources& sources, const std::vector<ListedMachine>& machines) {
  std::vector<Reaped> reaped;
  for (const ListedMachine& one : machines) {
    const auto done =
        sources[one.source]->destroy({.backend = one.backend, .name = one.machine.name, .id = one.machine.id});
    reaped.push_back({one, done ? std::nullopt : std::optional(done.error())});
  }
  return reaped;
}

Json to_json(const std::vector<Reaped>& reaped) {
  Json machines = Json::array();
  for (const Reaped& one : reaped) {
    Json machine{{"backend", one.machine.backend},
                 {"name", one.machine.machine.name},
                 {"id", one.machine.machine.id},
                 {"owner", one.machine.machine.owner},
                 {"destroyed", !one.error.has_value()}};
    if (one.error) machine["error"] = error_to_json(*one.error);
    machines.push_back(std::move(machine));
  }
  return machines;
}

void print(const std::vector<Reaped>& reaped, std::size_t kept, const std::vector<Error>& missing, bool json) {
  const Terminal out(STDOUT_FILENO);
  if (json) {
    Json unanswered = Json::array();
    for (const Error& error : missing) unanswered.push_back(error_to_json(error));
    return out.write(
        json_line(success({{"machines", to_json(reaped)}, {"kept", kept}, {"unanswered", std::move(unanswered)}})));
  }
  for (const Error& error : missing) print_error(error, false);
  for (const Reaped& one : reaped) {
    if (one.error) {
      print_error(*one.error, false);
    } else {
      out.write(fmt::format("destroyed {} ({} of backend {})\n", one_line(one.machine.machine.name),
                            one_line(one.machine.machine.id), one_line(one.machine.backend)));
    }
  }
  if (reaped.empty()) out.write("nothing to destroy: no machine is proven to belong to nobody\n");
  if (kept > 0) out.write(fmt::format("{} machines belong to somebody, or may: name one to destroy it\n", kept));
}

Result<int> reap(const MachineSources& sources, const ReapOptions& options) {
  const AllLists all = list_all(sources);
  const std::vector<ListedMachine> machines = all_machines(all.lists);
  auto meant = machines_meant(machines, options.machines);
  if (!meant) return or_missing(std::move(meant).error(), all.missing);
  std::vector<ListedMachine> unproven;
  std::ranges::copy_if(*meant, std::back_inserter(unproven),
                       [](const ListedMachine& one) { return !is_abandoned(one.machine); });
  if (auto refused = ask_people(unproven, options.yes, interrupt_fd(sources))) return std::move(*refused);
  const std::vector<Reaped> reaped = destroy_all(sources, *meant);
  const std::size_t kept = options.machines.empty() ? machines.size() - meant->size() : 0;
  // Of those that are named all were found.
  const std::vector<Error> missing = options.machines.empty() ? all.missing : std::vector<Error>();
  print(reaped, kept, missing, options.json);
  const bool failed = std::ranges::any_of(reaped, [](const Reaped& one) { return one.error.has_value(); });
  return failed || !missing.empty() ? kFailed : kOk;
}

int run_reap(const ReapOptions& options) {
  const auto sources = open_sources(options.source);
  if (!sources) return fail_machines(sources.error(), options.json);
  const auto done = reap(*sources, options);
  return exit_code(*sources, done ? *done : fail_machines(done.error(), options.json));
}

}  // namespace

AllLists list_all(const MachineSources& sources) {
  AllLists all;
  for (std::size_t i = 0; i < sources.size(); ++i) {
    auto list = sources[i]->list();
    if (!list) {
      all.missing.push_back(std::move(list).error());
      continue;
    }
    std::ranges::move(unanswered(*list), std::back_inserter(all.missing));
    all.lists.push_back({i, std::move(*list)});
  }
  return all;
}

void add_machines_reap(CLI::App& machines, int& exit_code) {
  auto options = std::make_shared<ReapOptions>();
  auto* command = machines.add_subcommand("reap", "Destroy machines that belong to nobody, or that are named");
  command->add_option("MACHINE", options->machines, "names or ids; default: all that belong to nobody");
  add_source_options(*command, options->source);
  command->add_flag("-y,--yes", options->yes, "destroy what is named without a question");
  command->add_flag("--json", options->json, "what was destroyed as one line of JSON");
  command->footer(kReapExamples);
  command->callback([options, &exit_code] { exit_code = run_reap(*options); });
}

}  // namespace flame::cli
