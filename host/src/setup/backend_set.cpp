// Looks up each backend by name and kind, and has its factory check its options.
#include "host/src/setup/backend_set.hpp"

#include <algorithm>
#include <set>
#include <string_view>
#include <tuple>
#include <utility>

#include "host/src/config/backends_check.hpp"
#include "host/src/config/config_place.hpp"
#include "plugin_sdk/base/suggest.hpp"

namespace flame::pool {
namespace {

// "big, fly"
std::vector<std::string> names_in(std::string_view list) {
  std::vector<std::string> names;
  for (std::size_t begin = 0; begin <= list.size();) {
    const std::size_t end = std::min(list.find(',', begin), list.size());
    std::string_view name = list.substr(begin, end - begin);
    while (name.starts_with(' ')) name.remove_prefix(1);
    while (name.ends_with(' ')) name.remove_suffix(1);
    names.emplace_back(name);
    begin = end + 1;
  }
  return names;
}

std::string comma_list(const std::vector<std::string>& names) {
  std::string text;
  for (const std::string& name : names) text += (text.empty() ? "" : ", ") + name;
  return text;
}

// From a configuration to backends.
class BackendMaker {
 public:
  BackendMaker(const HostConfig& config, BackendSources sources) : config_(config), sources_(std::move(sources)) {
    set_.made = std::move(sources_.own);
    for (const auto& [name, backend] : set_.made) own_.insert(name);
    for (const auto& [kind, factory] : sources_.factories) kinds_.push_back(kind);
  }

  BackendSet run() {
    choose_default();
    for (const auto& [pool, settings] : config_.pools) {
      if (settings.backend.empty()) {
        set_.of_pool[pool] = default_;
        continue;
      }
      set_.of_pool[pool] = settings.backend;
      use(settings.backend, "pools." + pool + ".backend");
    }
    for (const auto& [name, backend] : config_.backends) make_table(name, backend);
    for (const std::string& name : used_) make_without_table(name);
    for (const auto& [pool, settings] : config_.pools) check_size(pool, settings.size);
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

  void add(const Location& where, std::string message) {
    problems_.push_back({where, Error{.code = ErrorCode::invalid_argument, .message = at(where) + std::move(message)}});
  }
  void add_at(const std::string& path, const std::string& what) {
    add(nearest(config_.places, path), path + ": " + what);
  }

  void choose_default() {
    default_ = config_.backend;
    std::string path = "host.backend";
    if (!sources_.variable.empty()) {
      path = "$FLAME_BACKEND";
      default_ = names_in(sources_.variable);
      std::vector<pool::Problem> wrong;
      check_backend_names(path, default_, wrong);
      for (const auto& one : wrong) add({}, one.path + ": " + one.what);
      if (!wrong.empty()) return;
    }
    const bool wanted = config_.places.contains(path) || std::ranges::any_of(config_.pools, [](const auto& pool) {
                          return pool.second.backend.empty();
                        });
    if (wanted) use(default_, path);
  }

  void use(const std::vector<std::string>& names, const std::string& path) {
    for (std::size_t i = 0; i < names.size(); ++i) {
      used_.insert(names[i]);
      const bool known =
          own_.contains(names[i]) || config_.backends.contains(names[i]) || sources_.factories.contains(names[i]);
      if (!known) add_at(names.size() == 1 ? path : path + "[" + std::to_string(i) + "]", unknown(names[i]));
    }
  }

  [[nodiscard]] std::string unknown(const std::string& name) const {
    std::vector<std::string> known(own_.begin(), own_.end());
    known.insert(known.end(), kinds_.begin(), kinds_.end());
    for (const auto& [table, backend] : config_.backends) known.push_back(table);
    const std::string hint = base::did_you_mean(name, known);
    return "there is no backend \"" + name + "\"" +
           (hint.empty()
                ? ": neither a table [backends." + name + "] nor a kind of this program (" + comma_list(kinds_) + ")"
                : hint);
  }

  void make_table(const std::string& name, const BackendConfig& table) {
    if (own_.contains(name)) {
      if (!table.kind.empty())
        add_at("backends." + name + ".kind",
               "is for backends that FLAME makes; this program makes \"" + name + "\" itself: leave `kind` out");
      return;
    }
    const std::string& kind = table.kind.empty() ? name : table.kind;
    const auto factory = sources_.factories.find(kind);
    if (factory == sources_.factories.end()) return no_such_kind(name, table);
    make(name, factory->second, table);
  }

  void no_such_kind(const std::string& name, const BackendConfig& table) {
    const std::string kinds = "kinds of this program: " + comma_list(kinds_);
    if (!table.kind.empty())
      return add_at("backends." + name + ".kind",
                    "there is no kind \"" + table.kind + "\"" + base::did_you_mean(table.kind, kinds_) + "; " + kinds);
    std::vector<std::string> known(own_.begin(), own_.end());
    known.insert(known.end(), kinds_.begin(), kinds_.end());
    add(table.where, "backends." + name + ": \"" + name + "\" is no kind of backend" + base::did_you_mean(name, known) +
                         "; a table with another name says its `kind`; " + kinds);
  }

  void make_without_table(const std::string& name) {
    const auto factory = sources_.factories.find(name);
    if (own_.contains(name) || config_.backends.contains(name) || factory == sources_.factories.end()) return;
    make(name, factory->second, {});
  }

  void make(const std::string& name, BackendFactory factory, const BackendOptions& options) {
    BackendEnvironment of_table = sources_.environment;
    of_table.name = name;
    auto made = factory(options, of_table);
    if (!made) {
      problems_.push_back({options.where, std::move(made).error()});
    } else if (used_.contains(name) || sources_.keep_unused) {
      set_.made[name] = std::move(*made);
    }
  }

  void check_size(const std::string& pool, const std::string& size) {
    if (size.empty()) return;
    for (const std::string& name : set_.of_pool[pool]) {
      const auto made = set_.made.find(name);
      if (made == set_.made.end()) continue;  // that is told
      const std::vector<std::string>& sizes = made->second->traits().sizes;
      if (std::ranges::find(sizes, size) != sizes.end()) continue;
      const std::string of = "backend \"" + name + "\" has no ";
      add_at("pools." + pool + ".size", sizes.empty() ? of + "sizes: leave `size` out"
                                                      : of + "size \"" + size + "\"" + base::did_you_mean(size, sizes) +
                                                            "; its sizes: " + comma_list(sizes));
    }
  }

  const HostConfig& config_;
  BackendSources sources_;
  std::set<std::string> own_;
  std::vector<std::string> kinds_;
  std::set<std::string> used_;
  std::vector<std::string> default_;
  std::vector<Problem> problems_;
  BackendSet set_;
};

}  // namespace

BackendSet make_backends(const HostConfig& config, BackendSources sources) {
  return BackendMaker(config, std::move(sources)).run();
}

std::map<std::string, std::uint64_t> machines_max(const HostConfig& config) {
  std::map<std::string, std::uint64_t> machines;
  for (const auto& [name, table] : config.backends)
    if (table.max) machines[name] = *table.max;
  return machines;
}

std::map<std::string, Reap> reap_modes(const HostConfig& config) {
  std::map<std::string, Reap> modes;
  for (const auto& [name, table] : config.backends) modes[name] = table.reap;
  return modes;
}

std::set<std::string> on_this_kernel(const Backends& backends) {
  std::set<std::string> names;
  for (const auto& [name, backend] : backends)
    if (backend->traits().same_kernel) names.insert(name);
  return names;
}

std::vector<std::string> that_list(const Backends& backends) {
  std::vector<std::string> names;
  for (const auto& [name, backend] : backends)
    if (backend->traits().lists) names.push_back(name);
  return names;
}

std::map<std::string, std::string> advertised(const HostConfig& config, const Backends& backends) {
  std::map<std::string, std::string> addresses;
  for (const auto& [name, backend] : backends) {
    const auto table = config.backends.find(name);
    const bool own = table != config.backends.end() && !table->second.advertise.empty();
    addresses[name] = own ? table->second.advertise : config.advertise;
  }
  return addresses;
}

}  // namespace flame::pool
