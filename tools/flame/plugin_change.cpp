// See plugin_change.hpp.
#include "tools/flame/plugin_change.hpp"

#include <algorithm>
#include <utility>

#include <flame/version.hpp>

#include "host/src/control/answer.hpp"
#include "plugin_sdk/base/make_error.hpp"
#include "tools/flame/report.hpp"
#include "tools/flame/table.hpp"

namespace flame::cli {
namespace {

bool has_line(const control::PoolStatus& pool, std::string_view plugin) {
  return std::ranges::any_of(pool.lines, [&](const control::LineStatus& line) {
    return std::string_view(line.plugin).substr(0, line.plugin.find('@')) == plugin;
  });
}

// "web-1 (pid 4711): "
std::string heading(const FoundHost& host) {
  if (host.pid == 0 || host.name.empty()) return describe(host) + ": ";
  return host.name + " (pid " + std::to_string(host.pid) + "): ";
}

std::string host_text(const ChangedHost& changed) {
  if (!changed.done) return {};
  const ActivateResult& result = *changed.done;
  const std::string head = heading(changed.host);
  std::string text;
  for (const auto& one : result.switched)
    text += one_line(head + "pool " + one.pool + ": " + one.from + " -> " + one.to) + "\n";
  if (result.switched.empty())
    text += one_line(head + "nothing to change, as " + result.plugin + "@" + result.version + " serves already") + "\n";
  for (const auto& one : result.passed_over)
    text += one_line(head + "pool " + one.pool + " stays as it is (\"" + one.constraint + "\"): " + one.why) + "\n";
  for (const std::string& note : result.notes) text += one_line(head + note) + "\n";
  return text;
}

Json host_to_json(const ChangedHost& changed) {
  Json out = Json::object();
  if (!changed.host.name.empty()) out["host"] = changed.host.name;
  if (changed.host.pid != 0) out["pid"] = changed.host.pid;
  if (changed.done) {
    out["result"] = control::to_object(*changed.done);
  } else {
    out["error"] = error_to_json(changed.done.error());
  }
  return out;
}

// "swap@1.1.0 (sha256:…) on host web-1 (pid 4711)"
std::string taken_by(const ChangedHost& changed) {
  const ActivateResult& result = *changed.done;
  return result.plugin + "@" + result.version + " (sha256:" + result.digest + ") on " + describe(changed.host);
}

// Pools of one host may have gone back to several versions.
bool is_mixed(const ActivateResult& result) {
  return std::ranges::any_of(result.switched, [&](const auto& one) { return one.to != result.switched.front().to; });
}

}  // namespace

bool ChangeReport::ok() const {
  return !problem && std::ranges::all_of(hosts, [](const ChangedHost& one) { return one.done.has_value(); });
}

bool is_concerned(const control::HostStatus& host, std::string_view plugin, std::string_view pool) {
  return std::ranges::any_of(host.pools, [&](const control::PoolStatus& one) {
    return (pool.empty() || pool == one.name) && (one.lines.empty() || has_line(one, plugin));
  });
}

Error explain_refusal(const FoundHost& host, Error error) {
  if (error.code != ErrorCode::invalid_argument || !error.message.starts_with("\"ask\" is ")) return error;
  return base::make_error(ErrorCode::incompatible,
                          describe(host) + " is of an older release: restart it with this one (flame " FLAME_VERSION
                                           "), and its versions can be changed while it runs");
}

void find_agreement(ChangeReport& report) {
  const ActivateResult& first = *report.hosts.front().done;
  const auto differs = std::ranges::find_if(
      report.hosts, [&](const ChangedHost& one) { return is_mixed(*one.done) || one.done->digest != first.digest; });
  if (differs == report.hosts.end()) {
    report.version = first.version;
    report.digest = first.digest;
  } else if (is_mixed(*differs->done)) {
    report.problem =
        base::make_error(ErrorCode::incompatible, "the pools of " + describe(differs->host) +
                                                      " serve several versions of " + report.plugin +
                                                      " now, so none was recorded for hosts that start later: activate "
                                                      "the one that is to serve everywhere");
  } else {
    report.problem =
        base::make_error(ErrorCode::incompatible, "the hosts serve several builds now, " +
                                                      taken_by(report.hosts.front()) + " and " + taken_by(*differs) +
                                                      ", so none was recorded for hosts that start later: activate "
                                                      "the one that is to serve everywhere");
  }
}

std::string change_text(const ChangeReport& report) {
  std::string text;
  for (const ChangedHost& one : report.hosts) text += host_text(one);
  for (const std::string& note : report.notes) text += one_line(note) + "\n";
  return text;
}

std::vector<Error> change_errors(const ChangeReport& report) {
  std::vector<Error> errors;
  for (const ChangedHost& one : report.hosts) {
    if (one.done) continue;
    Error error = one.done.error();
    // Some name it themselves.
    if (!error.message.starts_with(describe(one.host))) error.message = heading(one.host) + error.message;
    errors.push_back(std::move(error));
  }
  if (report.problem) errors.push_back(*report.problem);
  return errors;
}

Json change_to_json(const ChangeReport& report) {
  Json result{{"plugin", report.plugin}};
  if (!report.version.empty()) result["version"] = report.version;
  if (!report.digest.empty()) result["digest"] = report.digest;
  result["hosts"] = Json::array();
  for (const ChangedHost& one : report.hosts) result["hosts"].push_back(host_to_json(one));
  result["recorded"] = report.recorded;
  result["notes"] = report.notes;
  if (report.ok()) return success(std::move(result));
  Json out = failure(change_errors(report).front());
  out["result"] = std::move(result);
  return out;
}

}  // namespace flame::cli
