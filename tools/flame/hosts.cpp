// Finding hosts.
#include "tools/flame/hosts.hpp"

#include <unistd.h>

#include <CLI/CLI.hpp>

#include <algorithm>
#include <charconv>
#include <optional>
#include <utility>

#include "host/src/setup/runtime_dir.hpp"
#include "plugin_sdk/base/limits.hpp"
#include "tools/flame/control_client.hpp"

namespace flame::cli {
namespace {

Error none_runs() {
  return Error{.code = ErrorCode::not_found,
               .message =
                   "no host of yours runs on this machine. A host is a program that embeds flame::Host, or "
                   "`flame call` and `flame map` while they work; name its socket with --control PATH if it is "
                   "in a container or has another XDG_RUNTIME_DIR."};
}

std::optional<std::int64_t> as_number(const std::string& text) {
  std::int64_t value = 0;
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), value);
  if (error != std::errc() || end != text.data() + text.size()) return std::nullopt;
  return value;
}

void learn_name(FoundHost& host) {
  const auto answer = ask(host, control::StatusRequest{});
  if (!answer) return;
  if (const auto* status = std::get_if<control::HostStatus>(&*answer)) host.name = status->name;
}

Error none_matches(const std::string& wanted, const std::vector<FoundHost>& hosts) {
  std::string all;
  for (const FoundHost& host : hosts) all += (all.empty() ? "" : ", ") + describe(host);
  return Error{.code = ErrorCode::not_found,
               .message = "no running host has the name or pid \"" + wanted + "\" (running: " + all + ")."};
}

}  // namespace

void add_host_options(CLI::App& command, HostChoice& choice) {
  auto* host = command.add_option("--host", choice.host, "only this host; default: all that run here and are yours");
  host->type_name("NAME|PID");
  command.add_option("--control", choice.control, "only the host with this control socket")
      ->type_name("PATH")
      ->excludes(host);
}

Result<std::vector<FoundHost>> find_hosts(const HostChoice& choice) {
  if (!choice.control.empty())
    return std::vector<FoundHost>{{.pid = 0, .name = {}, .control = choice.control, .own = true}};
  std::vector<FoundHost> hosts;
  for (auto& live : pool::live_hosts())
    hosts.push_back({live.pid, {}, std::move(live.control_socket), live.user == ::geteuid()});
  if (hosts.empty()) return none_runs();
  if (choice.host.empty()) return hosts;
  std::vector<FoundHost> wanted;
  if (const auto pid = as_number(choice.host)) {
    std::ranges::copy_if(hosts, std::back_inserter(wanted), [&](const FoundHost& host) { return host.pid == *pid; });
  }
  if (!wanted.empty()) return wanted;
  for (FoundHost& host : hosts) {
    learn_name(host);
    if (host.name == choice.host) wanted.push_back(host);
  }
  if (wanted.empty()) return none_matches(choice.host, hosts);
  return wanted;
}

control::Answer ask(const FoundHost& host, const control::Request& request) {
  if (host.control.empty()) {
    return Error{.code = ErrorCode::not_found,
                 .message = describe(host) + " has no control socket ([host] control = \"off\"), or is just starting"};
  }
  return ask_host(host.control, request, limits::kControlClientTime);
}

std::string describe(const FoundHost& host) {
  if (host.pid == 0) return "the host at " + host.control;
  return (host.name.empty() ? "a host" : "host " + host.name) + " (pid " + std::to_string(host.pid) + ")";
}

}  // namespace flame::cli
