// Hosts that run and use a store: each holds the lock of a file that names the digests it uses.
#pragma once

#include <sys/types.h>

#include <string>
#include <vector>

#include <flame/result.hpp>

#include "host/src/plugins/store/formats.hpp"
#include "host/src/plugins/store/store_files.hpp"
#include "plugin_sdk/base/unique_fd.hpp"

namespace flame::store {

/// This process as one of them, until it is destroyed or the process ends in any way. Not for two threads at once.
class RunningHost {
 public:
  /// Makes the store if there is none. `name`: [host] name. Errors: StoreFiles::lock()'s and replace_locked()'s.
  [[nodiscard]] static Result<RunningHost> announce(const StoreFiles& files, std::string name,
                                                    std::vector<std::string> digests);
  RunningHost(RunningHost&& other) noexcept = default;
  RunningHost& operator=(RunningHost&&) = delete;
  ~RunningHost();

  /// From now on these are in use, and those of before are not. A digest is safe from remove() and gc() only from then
  /// on: who looked it up before looks again whether it is still there. On an error the ones of before stay.
  [[nodiscard]] Result<void> use(std::vector<std::string> digests);

 private:
  RunningHost(StoreFiles files, std::string name);

  StoreFiles files_;
  std::string name_;
  std::string path_;
  base::UniqueFd lock_;  // none: not announced, or moved from
  pid_t maker_;          // a fork of it does not end it
};

/// Those that run, in the order of their names and process ids. Waits for nobody. Error: file_error() for a file that
/// is damaged, besides StoreFiles' own. [any thread]
[[nodiscard]] Result<std::vector<HostUse>> running_hosts(const StoreFiles& files);

}  // namespace flame::store
