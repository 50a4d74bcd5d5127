// A change of a plugin's version on several running hosts: whom it concerns, and what has come of it. Pure.
#pragma once

#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include <flame/activate.hpp>
#include <flame/result.hpp>

#include "host/src/control/request.hpp"
#include "host/src/trace/status.hpp"
#include "tools/flame/hosts.hpp"
#include "tools/flame/json_codec.hpp"

namespace flame::cli {

/// A host that was asked, and what it has done.
struct ChangedHost {
  FoundHost host;
  Result<ActivateResult> done;
};

/// What the command has to say in the end.
struct ChangeReport {
  std::string plugin;   ///< "video"
  std::string version;  ///< "1.5.0"; empty: there is not one for all
  std::string digest;   ///< empty likewise
  std::vector<ChangedHost> hosts;
  bool recorded = false;           ///< for every host that starts later
  std::vector<std::string> notes;  ///< each is a sentence
  std::optional<Error> problem;    ///< of the command itself, beside those of hosts

  /// Every host agreed, and the command has done the rest.
  [[nodiscard]] bool ok() const;
};

/// The host has a line of this plugin, in `pool` (empty: in any). One of an older release, which tells of no lines,
/// counts as having one: its answer to the change says what to do. [any thread]
[[nodiscard]] bool is_concerned(const control::HostStatus& host, std::string_view plugin, std::string_view pool);

/// What the host answers to a change that it does not know becomes an error with the remedy; any other stays. [any
/// thread]
[[nodiscard]] Error explain_refusal(const FoundHost& host, Error error);

/// Every host has changed, and to the same build: version and digest come to the report, else its problem.
/// `report.hosts` has at least one, and none has failed. [any thread]
void find_agreement(ChangeReport& report);

/// For standard output: a line for each pool that was switched or passed over, and for each note. [any thread]
[[nodiscard]] std::string change_text(const ChangeReport& report);
/// For standard error: each host's error with its host, and the command's own. [any thread]
[[nodiscard]] std::vector<Error> change_errors(const ChangeReport& report);
/// All of it; with "ok" and "error" as other commands have them. [any thread]
[[nodiscard]] Json change_to_json(const ChangeReport& report);

}  // namespace flame::cli
