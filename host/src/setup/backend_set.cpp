// Looks up each backend by name and has its factory check its options.
#include "host/src/setup/backend_set.hpp"

#include <algorithm>
#include <set>
#include <tuple>
#include <utility>

#include "host/src/config/config_place.hpp"
#include "plugin_sdk/base/suggest.hpp"

namespace flame::pool {
namespace {

class BackendMaker {
 public:
  BackendMaker(const HostConfig& config, Backends own, const std::map<std::string, BackendFactory>& factories)
      : config_(config), factories_(factories) {
    set_.made = std::move(own);
    for (const auto& [name, backend] : set_.made) known_.insert(name);
    for (const auto& [name, factory] : factories_) known_.insert(name);
  }

  BackendSet run(const BackendEnvironment& environment) {
    for (const auto& [pool, settings] : config_.pools) {
      for (std::size_t i = 0; i < settings.backend.size(); ++i) use(pool, settings.backend, i);
    }
    for (const auto& [name, options] : config_.backends) {
      if (!known_.contains(name)) unknown(options.where, "backends." + name, name);
    }
    make_all(environment);
    std::ranges::stable_sort(
        problems_, {}, [](const Problem& problem) { return std::tuple(problem.where.line, problem.where.column); });
    for (Problem& problem : problems_) set_.problems.push_back(std::move(problem.error));
    return std::move(set_);
  }

 private:
  struct Problem {
    Location where;
    Error error;
  };

  void use(const std::string& pool, const std::vector<std::string>& names, std::size_t index) {
    used_.insert(names[index]);
    const std::string path = "pools." + pool + ".backend" + (names.size() > 1 ? "[" + std::to_string(index) + "]" : "");
    if (!known_.contains(names[index])) unknown(nearest(config_.places, path), path, names[index]);
  }

  void unknown(const Location& where, const std::string& path, const std::string& name) {
    const std::vector<std::string> known(known_.begin(), known_.end());
    std::string hint = base::did_you_mean(name, known);
    if (hint.empty()) {
      hint = "; backends of this program:";
      for (const std::string& one : known) hint += (hint.ends_with(':') ? " " : ", ") + one;
    }
    problems_.push_back({where, Error{.code = ErrorCode::invalid_argument,
                                      .message = at(where) + path + ": there is no backend \"" + name + "\"" + hint}});
  }

  void make_all(const BackendEnvironment& environment) {
    for (const auto& [name, factory] : factories_) {
      const auto options = config_.backends.find(name);
      const bool configured = options != config_.backends.end();
      if (set_.made.contains(name) || (!configured && !used_.contains(name))) continue;
      BackendEnvironment of_table = environment;
      of_table.name = name;
      auto made = factory(configured ? options->second : BackendOptions{}, of_table);
      if (!made) {
        problems_.push_back({configured ? options->second.where : Location{}, std::move(made).error()});
      } else if (used_.contains(name)) {
        set_.made[name] = std::move(*made);
      }
    }
  }

  const HostConfig& config_;
  const std::map<std::string, BackendFactory>& factories_;
  std::set<std::string> known_;
  std::set<std::string> used_;
  std::vector<Problem> problems_;
  BackendSet set_;
};

}  // namespace

BackendSet make_backends(const HostConfig& config, Backends own, const std::map<std::string, BackendFactory>& factories,
                         const BackendEnvironment& environment) {
  return BackendMaker(config, std::move(own), factories).run(environment);
}

}  // namespace flame::pool
