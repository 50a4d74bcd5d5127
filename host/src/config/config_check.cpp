// The ranges and combinations of HostConfig and PoolConfig.
#include "host/src/config/config_check.hpp"

#include <algorithm>
#include <charconv>
#include <set>
#include <utility>

#include "host/src/config/backends_check.hpp"
#include "host/src/config/plugins_check.hpp"
#include "host/src/config/pool_keys.hpp"
#include "plugin_sdk/base/limits.hpp"
#include "plugin_sdk/base/make_error.hpp"
#include "plugin_sdk/base/units.hpp"
#include "plugin_sdk/manifest/semver.hpp"

namespace flame {

namespace pool {

namespace {

// What each key of a pool must be by itself.
class KeyCheck {
 public:
  KeyCheck(std::string prefix, std::vector<Problem>& problems) : prefix_(std::move(prefix)), problems_(problems) {}

  void any(std::string_view, const auto&) {}
  void names(std::string_view, const std::vector<std::string>&) {}
  void number(std::string_view key, std::uint64_t value, std::uint64_t low, std::uint64_t high) {
    if (value >= low && value <= high) return;
    add(key,
        "must be between " + std::to_string(low) + " and " + std::to_string(high) + ", not " + std::to_string(value));
  }
  void size(std::string_view key, std::uint64_t value, std::uint64_t low, std::uint64_t high) {
    if (value >= low && value <= high) return;
    add(key, "must be between " + base::format_size(low) + " and " + base::format_size(high) + ", not " +
                 base::format_size(value));
  }
  void duration(std::string_view key, Duration value, Infinite infinite) {
    if (value <= Duration::zero()) add(key, "must be more than 0s, not " + base::format_duration(value));
    if (value == kForever && infinite == Infinite::no) add(key, "must not be infinite");
  }
  void time(std::string_view, Duration) {}
  void environment(std::string_view, const auto&, const auto&) {}
  void choice(std::string_view, std::initializer_list<const char*>, const auto&) {}
  void limits(const LimitsConfig& limits) {
    KeyCheck inner(prefix_ + "limits.", problems_);
    visit_limit_keys(limits, inner);
  }

 private:
  void add(std::string_view key, std::string what) {
    problems_.push_back({prefix_ + std::string(key), std::move(what)});
  }

  std::string prefix_;
  std::vector<Problem>& problems_;
};

// Collects the problems of one pool under its path.
class PoolCheck {
 public:
  PoolCheck(const std::string& name, const PoolConfig& pool) : prefix_("pools." + name + "."), pool_(pool) {}

  std::vector<Problem> run() {
    KeyCheck keys(prefix_, problems_);
    visit_pool_keys(pool_, keys);
    numbers();
    durations();
    plugins();
    environment();
    check_backend_names(prefix_ + "backend", pool_.backend, problems_);
    if (pool_.size.size() > limits::kNameMax)
      add("size", "must have at most " + std::to_string(limits::kNameMax) + " characters");
    return std::move(problems_);
  }

 private:
  void add(const std::string& key, std::string what) { problems_.push_back({prefix_ + key, std::move(what)}); }

  void numbers() {
    const std::uint64_t slots = std::uint64_t{pool_.max} * (pool_.single_use ? 1 : pool_.max_concurrency);
    if (pool_.warm > slots)
      add("warm", "is " + std::to_string(pool_.warm) + ", more than the " + std::to_string(slots) +
                      " slots that the pool has at most (max x max_concurrency)");
    if (pool_.min > pool_.max)
      add("min", "is " + std::to_string(pool_.min) + ", more than max = " + std::to_string(pool_.max));
    if (pool_.max_queue_bytes == 0) add("max_queue_bytes", "must be at least 1B; max_queue = 0 lets no call wait");
    if (!pool_.reuse && pool_.isolation == SlotIsolation::thread)
      add("reuse", "= false needs isolation = \"process\": a thread leaves its process as it is");
    if (pool_.leftover_threads == LeftoverThreads::discard && pool_.isolation == SlotIsolation::thread)
      add("leftover_threads",
          "= \"discard\" needs isolation = \"process\": threads of one process cannot be told apart");
  }

  void durations() {
    if (pool_.shutdown_timeout < Duration::zero() || pool_.shutdown_timeout == kForever)
      add("shutdown_timeout", "must be a finite duration, not " + base::format_duration(pool_.shutdown_timeout));
    if (pool_.min_idle_shutdown_after < pool_.idle_shutdown_after)
      add("min_idle_shutdown_after",
          "must not be shorter than idle_shutdown_after (" + base::format_duration(pool_.idle_shutdown_after) + ")");
    if (pool_.limits.cpu_time < Duration::zero() || pool_.limits.cpu_time == kForever)
      add("limits.cpu_time", "must be a finite duration; 0s means unlimited");
  }

  void plugins() {
    if (pool_.plugins.empty()) add("plugins", "must name at least one plugin, such as \"video@1\"");
    if (pool_.plugins.size() > limits::kPoolPluginsMax)
      add("plugins", "names " + std::to_string(pool_.plugins.size()) + " plugins, of at most " +
                         std::to_string(limits::kPoolPluginsMax) +
                         "; use several pools, or put more tasks into one plugin");
    std::set<std::string> names;
    for (const std::string& text : pool_.plugins) {
      const auto reference = manifest::PluginReference::parse(text);
      if (!reference)
        add("plugins", reference.error().message);
      else if (!names.insert(reference->name).second)
        add("plugins", "names the plugin \"" + reference->name + "\" twice");
    }
  }

  void environment() {
    std::size_t bytes = 0;
    for (const auto& [name, value] : pool_.env) {
      variable(name);
      bytes += name.size() + value.size();
      if (value.find('\0') != std::string::npos) add("env." + name, "must not contain a zero byte");
    }
    if (bytes > limits::kPoolEnvironmentMax)
      add("env", "has " + base::format_size(bytes) + ", of at most " + base::format_size(limits::kPoolEnvironmentMax));
    for (const auto& [name, secret] : pool_.secret_env) {
      variable(name);
      if (pool_.env.contains(name)) add("env." + name, "is both a plain variable and a secret");
    }
    if (pool_.secret_env.size() > limits::kTaskSecretsMax)
      add("env", "has " + std::to_string(pool_.secret_env.size()) + " secrets, of at most " +
                     std::to_string(limits::kTaskSecretsMax));
  }

  void variable(const std::string& name) {
    if (name.empty() || name.find_first_of(std::string_view("=\0", 2)) != std::string::npos)
      add("env", "has an impossible variable name \"" + name + "\"");
    else if (name.starts_with("FLAME_"))
      add("env." + name, "is reserved: variables that begin with FLAME_ are set by flame itself");
    else if (name.size() > limits::kNameMax)
      add("env." + name, "must have a name of at most " + std::to_string(limits::kNameMax) + " characters");
  }

  std::string prefix_;
  const PoolConfig& pool_;
  std::vector<Problem> problems_;
};

bool is_endpoint(const std::string& endpoint) {
  if (endpoint == "ipc://auto") return true;
  if (!endpoint.starts_with("tcp://")) return false;
  const std::size_t colon = endpoint.rfind(':');
  const std::string_view port = std::string_view(endpoint).substr(colon + 1);
  unsigned number = 0;
  const auto [end, failure] = std::from_chars(port.data(), port.data() + port.size(), number);
  return endpoint.size() <= limits::kNameMax && colon > 6 && failure == std::errc{} &&
         end == port.data() + port.size() && number <= 65535;
}

constexpr Duration kLivenessMax = std::chrono::hours(1);

// The key that was given, if only one of the two was: that is the one to mend.
const char* culprit(const char* one, bool one_is_usual, const char* other) {
  return one_is_usual ? other : one;
}

void check_liveness(const HostConfig& config, std::vector<Problem>& problems) {
  const Liveness& liveness = config.liveness;
  const Liveness usual;
  const auto add = [&problems](const std::string& key, std::string what) {
    problems.push_back({"host.liveness." + key, std::move(what)});
  };
  const std::size_t before = problems.size();
  const bool remote = std::ranges::any_of(config.listen, [](const auto& at) { return at.starts_with("tcp://"); });
  const auto in_range = [&](const std::string& key, Duration value, Duration least) {
    if (value < least || value > kLivenessMax)
      add(key,
          "must be at least " + base::format_duration(least) + " and at most 1h, not " + base::format_duration(value));
  };
  const auto silence = [&](const std::string& key, Duration value) {
    if (value == kForever && remote)
      return add(key, "must not be infinite with a tcp endpoint in listen: there silence is the only sign of a loss");
    if (value != kForever) in_range(key, value, limits::kSilenceBeatsMin * Duration(limits::kBeatMin));
  };
  in_range("beat", liveness.beat, limits::kBeatMin);
  silence("host_silence", liveness.host_silence);
  silence("runner_silence", liveness.runner_silence);
  in_range("failsafe", liveness.failsafe, limits::kFailsafeMin);
  if (problems.size() > before) return;
  if (liveness.host_silence < limits::kSilenceBeatsMin * liveness.beat)
    add(culprit("host_silence", liveness.host_silence == usual.host_silence, "beat"),
        "does not fit: host_silence (" + base::format_duration(liveness.host_silence) + ") must be at least " +
            std::to_string(limits::kSilenceBeatsMin) + " x beat (" + base::format_duration(liveness.beat) +
            "), as one late beat is no silence");
  if (liveness.host_silence != kForever && liveness.runner_silence <= liveness.host_silence + liveness.beat)
    add(culprit("runner_silence", liveness.runner_silence == usual.runner_silence, "host_silence"),
        "does not fit: runner_silence (" + base::format_duration(liveness.runner_silence) +
            ") must be more than host_silence (" + base::format_duration(liveness.host_silence) + ") + beat (" +
            base::format_duration(liveness.beat) + "), else attempts of one call could overlap");
}

// Its runners are called NAME-1, NAME-2, …, and those are names on the wire.
constexpr std::size_t kPoolNameMax = limits::kNameMax - std::string_view("-18446744073709551615").size();

bool is_name(const std::string& name) {
  return !name.empty() && name.size() <= limits::kNameMax &&
         std::ranges::none_of(name, [](unsigned char c) { return c < 0x20 || c == 0x7f; });
}

}  // namespace

std::vector<Problem> problems_of(const std::string& name, const PoolConfig& pool) {
  std::vector<Problem> problems = PoolCheck(name, pool).run();
  if (!is_name(name) || name.size() > kPoolNameMax)
    problems.push_back({"pools." + name, "a pool's name has 1 to " + std::to_string(kPoolNameMax) +
                                             " characters, none of them a control character"});
  return problems;
}

std::vector<Problem> problems_of(const HostConfig& config) {
  std::vector<Problem> problems;
  if (!is_name(config.name)) problems.push_back({"host.name", "must not be empty; \"auto\" is the machine's name"});
  if (config.listen.empty()) problems.push_back({"host.listen", "must name an endpoint, such as \"ipc://auto\""});
  if (config.listen.size() > limits::kEndpointsMax)
    problems.push_back({"host.listen", "names " + std::to_string(config.listen.size()) + " endpoints, of at most " +
                                           std::to_string(limits::kEndpointsMax) +
                                           "; \"tcp://[::]:0\" alone listens on every address of the machine"});
  for (const std::string& endpoint : config.listen)
    if (!is_endpoint(endpoint))
      problems.push_back({"host.listen", "\"" + endpoint +
                                             "\" is no endpoint; use \"ipc://auto\" or \"tcp://ADDRESS:PORT\" "
                                             "(port 0: any free one)"});
  if (config.advertise.empty()) problems.push_back({"host.advertise", "must not be empty; the default is \"auto\""});
  check_liveness(config, problems);
  if (config.advertise.size() > limits::kNameMax)
    problems.push_back({"host.advertise", "must have at most " + std::to_string(limits::kNameMax) + " characters"});
  check_plugins(config, problems);
  check_backends(config, problems);
  if (config.control.empty()) problems.push_back({"host.control", "must not be empty; \"off\" opens no socket"});
  for (const auto& [name, pool] : config.pools) {
    std::vector<Problem> more = problems_of(name, pool);
    problems.insert(problems.end(), more.begin(), more.end());
  }
  return problems;
}

}  // namespace pool

namespace {

std::optional<Error> to_error(const std::vector<pool::Problem>& problems) {
  if (problems.empty()) return std::nullopt;
  std::string lines;
  for (const pool::Problem& problem : problems)
    lines += (lines.empty() ? "" : "\n") + problem.path + ": " + problem.what;
  return base::make_error(ErrorCode::invalid_argument, std::move(lines));
}

}  // namespace

std::optional<Error> check_config(const HostConfig& config) {
  return to_error(pool::problems_of(config));
}

std::optional<Error> check_pool(const std::string& name, const PoolConfig& pool) {
  return to_error(pool::problems_of(name, pool));
}

}  // namespace flame
