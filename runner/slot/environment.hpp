// The environment of a slot as start_slot() left it: credentials, time zone and proxies of one caller are not
// another's.
#pragma once

#include <string>
#include <vector>

namespace flame::slot {

/// Looks in user space only; tens of nanoseconds per variable.
class EnvironmentWatch {
 public:
  EnvironmentWatch();
  /// The same variables with the same values; their order and where they lie may be others. Strings that were not there
  /// before are read so that a pointer into memory that is gone does no harm.
  [[nodiscard]] bool unchanged();

 private:
  void remember_places();
  [[nodiscard]] bool same_places() const;
  [[nodiscard]] bool same_contents() const;

  std::vector<std::string> variables_;  // sorted
  struct Place {
    const char* at;
    std::size_t variable;  // index of its contents
  };
  std::vector<Place> places_;
};

}  // namespace flame::slot
