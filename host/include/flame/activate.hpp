// What is asked of Host::activate(), and what has come of it.
#pragma once

#include <string>
#include <vector>

#include <flame/config.hpp>
#include <flame/options.hpp>

namespace flame {

/// Grows at the end.
struct ActivateOptions {
  std::string pool;  ///< this one only; empty: every pool whose `plugins` admit the version
  /// How long what still runs on the version before may go on: then its children and tracked resources are stopped, as
  /// by stop(), and its calls are asked to stop. By default as long as it wants.
  TimeLimit drain_within = kForever;
  /// Takes also a version that was refused, that [plugins] revoked or min_version excludes, or that lacks or changes
  /// tasks which callers of the one before have. A signature is asked for all the same.
  bool force = false;
};

/// What an activation or a rollback has done.
struct ActivateResult {
  struct Switched {
    std::string pool;
    std::string from;  ///< "video@1.4.0"
    std::string to;    ///< "video@1.5.0"
  };
  /// An entry of a pool's `plugins` that stays as it is.
  struct PassedOver {
    std::string pool;
    std::string constraint;  ///< "video@1.4"
    std::string why;
  };
  std::string plugin;              ///< "video"
  std::string version;             ///< "1.5.0"
  std::string digest;              ///< 64 lower-case hex digits
  std::vector<Switched> switched;  ///< empty: every pool had it already
  std::vector<PassedOver> passed_over;
  bool recorded = false;           ///< the next start of this host takes it, too; else it holds until the host ends
  std::vector<std::string> notes;  ///< what else there is to know; each is a sentence
};

}  // namespace flame
