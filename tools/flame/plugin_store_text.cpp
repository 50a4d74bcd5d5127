// See plugin_store_text.hpp.
#include "tools/flame/plugin_store_text.hpp"

#include <fmt/format.h>

#include <ctime>
#include <utility>

#include "plugin_sdk/base/units.hpp"

namespace flame::cli {

std::string utc_time(std::int64_t seconds, bool exact) {
  const std::time_t time = seconds;
  std::tm parts{};
  if (::gmtime_r(&time, &parts) == nullptr) return std::to_string(seconds);
  const std::string day = fmt::format("{:04}-{:02}-{:02}", parts.tm_year + 1900LL, parts.tm_mon + 1, parts.tm_mday);
  const std::string minute = fmt::format("{:02}:{:02}", parts.tm_hour, parts.tm_min);
  return exact ? fmt::format("{}T{}:{:02}Z", day, minute, parts.tm_sec) : day + " " + minute;
}

std::string refusal_text(const store::Refusal& refusal) {
  std::string text = "is refused";
  if (!refusal.host.empty()) text += " by the host " + refusal.host;
  if (refusal.time != 0) text += " since " + utc_time(refusal.time);
  return refusal.reason.empty() ? text : text + ": " + refusal.reason;
}

std::string installation_text(const store::Installation& done) {
  std::string text = done.plugin.reference() + " sha256:" + done.plugin.digest;
  if (done.already_there) text += ", which was there already";
  if (!done.replaced.empty()) text += ", in the place of sha256:" + done.replaced;
  if (done.plugin.refusal) text += "; it " + refusal_text(*done.plugin.refusal);
  return text + "\n";
}

Json installation_to_json(const store::Installation& done) {
  const store::Installed& plugin = done.plugin;
  Json out{{"name", plugin.name},
           {"version", plugin.version.to_string()},
           {"digest", plugin.digest},
           {"file", plugin.file.string()},
           {"already_there", done.already_there}};
  if (!done.replaced.empty()) out["replaced"] = done.replaced;
  if (plugin.refusal) out["refused"] = plugin.refusal->reason;
  return out;
}

std::string removed_text(const store::Removed& removed) {
  std::string text;
  for (const store::RemovedBuild& build : removed.builds) {
    const std::string what = build.reference.empty() ? "what an unfinished install left:" : build.reference;
    text += fmt::format("removed {} sha256:{} ({})\n", what, build.digest, base::approximate_size(build.bytes));
  }
  return text;
}

Json removed_to_json(const store::Removed& removed) {
  Json builds = Json::array();
  for (const store::RemovedBuild& build : removed.builds) {
    Json one = Json::object();
    if (!build.reference.empty()) one["reference"] = build.reference;
    one["digest"] = build.digest;
    one["bytes"] = build.bytes;
    builds.push_back(std::move(one));
  }
  return {{"removed", std::move(builds)}, {"bytes", removed.bytes}};
}

}  // namespace flame::cli
