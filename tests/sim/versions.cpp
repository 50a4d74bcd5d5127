// Versions: requests in, what PluginLine decides carried out, each promise held against what is so.
#include "tests/sim/versions.hpp"

#include <algorithm>
#include <utility>

#include "plugin_sdk/base/make_error.hpp"

namespace flame::sim {

using namespace std::chrono_literals;
namespace line = pool::line;

Versions::Versions(Context& sim, Around around)
    : sim_(sim),
      around_(std::move(around)),
      line_("plugin", {{0, "sim", 0, pool::kNoDigest}, {1, "neighbour", 0, pool::kNoDigest}}),
      neighbour_(sim, [this] { around_.on_loop([this] { hear(1, neighbour_.report()); }); }),
      owed_{{{0}, {0}}} {}

// --- callers

std::uint64_t Versions::activate(DigestId digest, Pools pools, Duration patience) {
  return ask({digest, std::move(pools), deadline_after(sim_.agenda.now(), patience), {}, {}});
}

std::uint64_t Versions::rollback(Pools pools, Duration patience) {
  return ask({std::nullopt, std::move(pools), deadline_after(sim_.agenda.now(), patience), {}, {}});
}

std::uint64_t Versions::ask(Request request) {
  const std::uint64_t number = requests_.size() + 1;
  requests_[number] = std::move(request);
  around_.on_loop([this, number] { messages_.push_back([this, number] { begin(number); }); });
  return number;
}

void Versions::begin(std::uint64_t number) {
  const Request& request = requests_.at(number);
  if (request.digest)
    sim_.findings.note("change ", number, " to ", *request.digest);
  else
    sim_.findings.note("change ", number, " back");
  tell([&](line::Actions& out) {
    if (request.digest)
      line_.activate({number, *request.digest, "plugin", request.pools, request.deadline}, out);
    else
      line_.rollback({number, request.pools, request.deadline}, out);
  });
}

DigestId Versions::read() const {
  const DigestId digest = snapshots_[0];
  if (!owed_[0].contains(digest))
    sim_.findings.broken("a call begins with digest ", digest, " after a change to ", *owed_[0].begin(), " was done");
  return digest;
}

std::uint64_t Versions::unanswered() const {
  return static_cast<std::uint64_t>(
      std::ranges::count_if(requests_, [](const auto& request) { return !request.second.outcome; }));
}

// --- the loop

void Versions::report(const pool::action::Prepared& report) {
  hear(0, report);
}

void Versions::hear(std::uint32_t pool, const pool::action::Prepared& report) {
  reports_[pool] = {report, true};
}

// What pools wait for may have ended since they told of it.
void Versions::keep_time(Instant now) {
  if (now < line_.next_wakeup()) return;
  act();
  for (std::uint32_t pool = 0; pool < kPools; ++pool) {
    const DigestId candidate = line_.candidate(pool);
    if (candidate != pool::kNoDigest) hear(pool, pool == 0 ? around_.ask(candidate) : neighbour_.report());
  }
  act();
  tell([&](line::Actions& out) { line_.tick(now, out); });
}

bool Versions::act() {
  bool busy = false;
  while (sim_.findings.ok() && act_once()) busy = true;
  return busy;
}

bool Versions::act_once() {
  if (!actions_.empty()) {
    const line::Action action = std::move(actions_.front());
    actions_.pop_front();
    std::visit([this](const auto& one) { carry_out(one); }, action);
    return true;
  }
  if (!messages_.empty()) {
    const std::function<void()> message = std::move(messages_.front());
    messages_.pop_front();
    message();
    return true;
  }
  for (std::uint32_t pool = 0; pool < kPools; ++pool) {
    if (!std::exchange(reports_[pool].fresh, false)) continue;
    tell([&](line::Actions& out) { line_.prepared(pool, *reports_[pool].words, out); });
    return true;
  }
  return false;
}

void Versions::shut_down() {
  ends_ = true;
  around_.on_loop([this] { messages_.push_back([this] { tell([&](line::Actions& out) { line_.shutdown(out); }); }); });
}

template <class Ask>
void Versions::tell(Ask ask) {
  line::Actions actions;
  ask(actions);
  actions_.insert(actions_.end(), actions.begin(), actions.end());
}

void Versions::carry_out(const line::Prepare& prepare) {
  reports_[prepare.pool] = {};
  if (prepare.pool == 0) return around_.feed(pool::event::Prepare{prepare.digest, prepare.replaces});
  neighbour_.prepare(prepare.digest);
}

void Versions::carry_out(const line::Abandon& abandon) {
  if (abandon.pool == 0) return around_.feed(pool::event::Abandon{abandon.digest});
  neighbour_.rest();
}

// The store is written by another thread; a host without one has nothing to write.
void Versions::carry_out(const line::WriteRecord& record) {
  check_ready(record.moves);
  const bool fails = sim_.trouble(sim_.plan.records_fail, 30);
  auto written = [this, fails] {
    messages_.push_back([this, fails] {
      tell([&](line::Actions& out) {
        line_.recorded(fails ? std::optional(base::make_error(ErrorCode::invalid_argument, "simulated")) : std::nullopt,
                       out);
      });
    });
  };
  if (sim_.chance.one_in(3)) return written();
  sim_.agenda.in(sim_.chance.skewed(100us, 800ms), [this, written] { around_.on_loop(written); });
}

void Versions::check_ready(const std::vector<line::Move>& moves) {
  for (const line::Move& move : moves) {
    if (move.to == snapshots_[move.pool]) continue;
    const auto& report = reports_[move.pool].words;
    if (!report || report->digest != move.to || !report->ready)
      sim_.findings.broken("digest ", move.to, " is switched to before pool ", move.pool, " is ready");
  }
}

void Versions::carry_out(const line::Switch& change) {
  for (const line::Move& move : change.moves) {
    sim_.findings.note("pool ", move.pool, " is switched from ", move.before, " to ", move.to);
    if (snapshots_[move.pool] != move.before)
      sim_.findings.broken("pool ", move.pool, " is switched from ", move.before, ", it was at ",
                           snapshots_[move.pool]);
    snapshots_[move.pool] = move.to;
    owed_[move.pool].insert(move.to);
    if (move.pool == 0)
      around_.feed(pool::event::Switch{move.before, move.to});
    else
      neighbour_.rest();
  }
}

void Versions::carry_out(const line::Done& done) {
  Request& request = requests_.at(done.request);
  const ErrorCode code = done.error ? done.error->code : ErrorCode::none;
  sim_.findings.note("change ", done.request, " is done: ", to_string(code));
  if (request.outcome) return sim_.findings.broken("change ", done.request, " is answered twice");
  request.outcome = code;
  request.answered = sim_.agenda.now();
  if (code == ErrorCode::none)
    promise(request, done);
  else if (!plausible(request, code))
    sim_.findings.broken("change ", done.request, " failed with ", to_string(code), " for no reason");
  if (on_done_) on_done_();
}

void Versions::promise(const Request& request, const line::Done& done) {
  for (const line::PoolIndex pool : request.pools)
    if (request.digest) owed_[pool] = {*request.digest};
  for (const line::Move& move : done.switched) owed_[move.pool] = {move.to};
}

bool Versions::plausible(const Request& request, ErrorCode why) const {
  const Instant now = sim_.agenda.now();
  const Plan& plan = sim_.plan;
  // Whoever joins a change shares its deadline.
  const auto late = [&](const auto& other) {
    return other.second.deadline <= now && (!other.second.outcome || other.second.answered == now);
  };
  switch (why) {
    case ErrorCode::timed_out:
      return request.deadline <= now || std::ranges::any_of(requests_, late);
    case ErrorCode::shutting_down:
      return ends_;
    case ErrorCode::invalid_argument:
      return plan.records_fail;
    case ErrorCode::not_found:
      return plan.load_failures || plan.broken_plugins ||
             (!request.digest && std::ranges::all_of(request.pools, [this](line::PoolIndex pool) {
               return line_.previous(pool) == pool::kNoDigest;
             }));
    case ErrorCode::incompatible:
      return !plan.local || plan.old_runners || plan.load_failures || plan.broken_plugins;
    case ErrorCode::crashed:  // a slot, when it started
      return plan.slots_fail;
    case ErrorCode::boot_failed:
      return plan.load_failures || plan.slots_fail || plan.broken_plugins || sim_.ledger.boots_have_failed() ||
             plan.freezes || plan.host_freezes || plan.full_sockets || plan.tasks_deaf;
    default:
      return false;
  }
}

}  // namespace flame::sim
