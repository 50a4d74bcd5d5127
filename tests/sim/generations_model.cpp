// GenerationsModel: runner/plugins/generations, with zygotes that are entries in an agenda.
#include "tests/sim/generations_model.hpp"

#include <algorithm>
#include <utility>

#include "plugin_sdk/base/limits.hpp"
#include "plugin_sdk/base/task_id.hpp"

namespace flame::sim {

using namespace std::chrono_literals;
using runner::GenerationId;

namespace {

// The same for every digest: what a task does is the worker's business.
std::shared_ptr<const manifest::Manifest> make_manifest() {
  using manifest::TaskKind;
  auto made = std::make_shared<manifest::Manifest>();
  for (const auto& [name, kind] : {std::pair("task", TaskKind::task), std::pair("brief", TaskKind::task),
                                   std::pair("method", TaskKind::method), std::pair("child", TaskKind::child)}) {
    manifest::TaskEntry& entry = made->tasks.emplace_back();
    entry.name = name;
    entry.id = base::task_id(entry.name, entry.fingerprint);
    entry.kind = kind;
  }
  return made;
}

Error problem_of(ErrorCode code) {
  return {.code = code, .message = "simulated", .started = Started::no};
}

}  // namespace

GenerationsModel::GenerationsModel(Context& sim, Machine& machine, const std::vector<wire::PluginRef>& wanted)
    : sim_(sim), machine_(machine), old_(sim.plan.old_runners && sim.chance.one_in(2)), manifest_(make_manifest()) {
  for (const wire::PluginRef& plugin : wanted) {
    const GenerationId id = book_.add(plugin);
    list_[id].plugin = plugin;
    if (!sim_.trouble(sim_.plan.broken_plugins, 15)) continue;
    list_[id].problem = problem_of(ErrorCode::incompatible);
    book_.broken(id, list_[id].problem);
  }
}

std::vector<wire::PluginState> GenerationsModel::states() const {
  std::vector<wire::PluginState> states;
  for (const auto& [id, generation] : list_) {
    wire::PluginState& state = states.emplace_back();
    state.plugin = generation.plugin;
    state.ready = generation.problem.code == ErrorCode::none;
    state.error = generation.problem.message;
    if (!state.ready) sim_.ledger.plugin_broken();
  }
  return states;
}

void GenerationsModel::open(const wire::Welcome& welcome, runner::SlotPool& pool, runner::HostPort& host) {
  pool_ = &pool;
  host_ = &host;
  start_limit_ = Duration(welcome.start_limit_ns);
  for (const auto& [id, generation] : list_)
    if (generation.problem.code == ErrorCode::none) start(id);
}

void GenerationsModel::start(GenerationId id) {
  list_.at(id).lives = true;
  machine_.later(sim_.chance.skewed(1ms, 300ms), [this, id] {
    if (!wanted(id)) return;
    zygote_up(id);
    may_die_later(id);
  });
}

// The zygote may, and another one is made.
void GenerationsModel::may_die_later(GenerationId id) {
  if (!sim_.trouble(sim_.plan.slots_fail, 20)) return;
  machine_.later(sim_.chance.skewed(10ms, 10s), [this, id] {
    if (sim_.calm || !wanted(id) || book_.on_trial(id)) return;
    zygote_gone(id);
    start(id);
  });
}

void GenerationsModel::load(wire::Load load, bool leaving) {
  Findings& findings = sim_.findings;
  if (old_) return findings.broken("runner ", machine_.id(), " is too old for what it is asked to load");
  const std::vector<DigestId> had = digests();
  const auto is_another = [&](DigestId digest) {
    return is_version(sim_.plan, digest) && digest != digest_of(load.plugin.digest);
  };
  if (std::ranges::count_if(had, is_another) >= static_cast<std::ptrdiff_t>(limits::kGenerationsPerPluginMax))
    findings.broken("runner ", machine_.id(), " is asked for a third version of its plugin");
  if (leaving) return host_->send(wire::make_loaded(load.plugin.digest, problem_of(ErrorCode::shutting_down)));
  book_.load(std::move(load));
  settle();
}

void GenerationsModel::end(const std::string& digest, const std::map<std::uint64_t, DigestId>& open) {
  if (old_) return sim_.findings.broken("runner ", machine_.id(), " is too old for what it is told to end");
  for (const auto& [call, its] : open)
    if (digest_of(digest) == its)
      sim_.findings.broken("runner ", machine_.id(), " is told to end digest ", its, ", of which it has call ", call);
  book_.end(digest);
  settle();
}

bool GenerationsModel::may_be_called(std::string_view digest) const {
  const auto id = book_.find(digest);
  return id && book_.serves(*id);
}

// One that is loaded for the host gets one try: there may be no such file, and its start() may fail, or hang.
void GenerationsModel::begin(const runner::StartGeneration& action) {
  const GenerationId id = action.id;
  list_[id].plugin = action.load.plugin;
  const bool known = sim_.plan.load_failures;
  if (sim_.trouble(known, 10)) {
    list_[id].problem = problem_of(ErrorCode::not_found);
    return book_.broken(id, list_[id].problem);
  }
  list_[id].lives = true;
  const Duration takes =
      sim_.trouble(known, 25) ? sim_.chance.between(1ms, 2 * start_limit_) : sim_.chance.skewed(1ms, 300ms);
  const bool fails = takes >= start_limit_ || sim_.trouble(known, 15);
  machine_.later(std::min(takes, start_limit_), [this, id, fails] {
    if (!wanted(id)) return;
    if (fails) return fail(id, problem_of(ErrorCode::boot_failed));
    zygote_up(id);
    may_die_later(id);
  });
}

void GenerationsModel::zygote_up(GenerationId id) {
  list_.at(id).up = true;
  std::optional<std::uint32_t> ahead;
  if (book_.on_trial(id)) {
    ahead = 0;
    for (const GenerationId other : book_.others(id)) *ahead += pool_->census(other).in_use;
  } else {
    book_.ready(id);
  }
  pool_->generation_up(sim_.agenda.now(), id, true, ahead);
}

void GenerationsModel::zygote_dies(GenerationId id) {
  if (!list_.at(id).lives || std::exchange(list_.at(id).dying, true)) return;
  machine_.later(sim_.chance.skewed(20us, 50ms), [this, id] {
    if (list_.contains(id)) zygote_gone(id);
  });
}

void GenerationsModel::zygote_gone(GenerationId id) {
  list_.at(id).lives = list_.at(id).up = list_.at(id).dying = false;
  pool_->generation_down(sim_.agenda.now(), id);
  book_.restarts(id);
}

void GenerationsModel::fail(GenerationId id, Error problem) {
  list_.at(id).up = false;
  list_.at(id).problem = problem;
  pool_->generation_down(sim_.agenda.now(), id);
  pool_->fail_waiting(sim_.agenda.now(), id, problem);
  book_.broken(id, std::move(problem));
}

void GenerationsModel::settle() {
  if (pool_ == nullptr) return;
  for (runner::SlotPool::Ahead& ahead : pool_->take_ahead()) {
    if (!book_.on_trial(ahead.generation)) continue;
    if (ahead.error.code != ErrorCode::none)
      fail(ahead.generation, std::move(ahead.error));
    else
      book_.ready(ahead.generation);
  }
  do carry_out();
  while (bury());
}

void GenerationsModel::carry_out() {
  for (auto actions = book_.take_actions(); !actions.empty(); actions = book_.take_actions()) {
    for (runner::GenerationAction& action : actions) {
      if (const auto* starts = std::get_if<runner::StartGeneration>(&action))
        begin(*starts);
      else if (const auto* ending = std::get_if<runner::EndGeneration>(&action))
        end(ending->id);
      else if (auto* loaded = std::get_if<runner::TellLoaded>(&action))
        host_->send(wire::make_loaded(std::move(loaded->digest), std::move(loaded->error)));
      else if (auto* ended = std::get_if<runner::TellEnded>(&action))
        host_->send(wire::GenerationEnded{.digest = std::move(ended->digest)});
    }
  }
}

void GenerationsModel::end(GenerationId id) {
  Error why = list_.at(id).problem;
  if (why.code == ErrorCode::none) why = problem_of(ErrorCode::not_found);
  pool_->end_generation(sim_.agenda.now(), id, why);
}

// True if one is gone.
bool GenerationsModel::bury() {
  const std::size_t before = list_.size();
  for (auto it = list_.begin(); it != list_.end();) {
    const auto& [id, generation] = *it;
    const bool ends = book_.ends(id);
    const auto left = ends ? pool_->census(id) : runner::SlotPool::Census{.processes = 1};
    if (ends && (left.being_made == 0 || !generation.up)) zygote_dies(id);
    if (left.processes > 0 || generation.lives) {
      ++it;
      continue;
    }
    book_.gone(id);
    it = list_.erase(it);
  }
  return list_.size() != before;
}

std::vector<GenerationId> GenerationsModel::checking_idle() const {
  std::vector<GenerationId> ids;
  for (const auto& [id, generation] : list_)
    if (book_.serves(id)) ids.push_back(id);
  return ids;
}

std::vector<DigestId> GenerationsModel::digests() const {
  std::vector<DigestId> digests;
  for (const auto& [id, generation] : list_)
    if (generation.lives || generation.problem.code == ErrorCode::none)
      digests.push_back(digest_of(generation.plugin.digest));
  return digests;
}

std::string GenerationsModel::name(GenerationId id) const {
  return list_.at(id).plugin.name + "@" + list_.at(id).plugin.version;
}

}  // namespace flame::sim
