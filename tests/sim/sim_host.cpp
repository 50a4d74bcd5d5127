// SimHost: the loop of host/src/loop/loop.
#include "tests/sim/sim_host.hpp"

#include <algorithm>
#include <utility>

#include "plugin_sdk/base/limits.hpp"
#include "plugin_sdk/base/task_id.hpp"
#include "plugin_sdk/wire/payload_frame.hpp"

namespace flame::sim {

using namespace std::chrono_literals;

namespace {

constexpr std::uint64_t kIncarnation = 1;

// One that every runner's plugins have; see GenerationsModel.
std::string task_of(const Plan& plan, CallId call, CallId lease) {
  if (lease != 0) return "method";
  if (plan.objects && call % 9 == 0) return "child";
  return plan.brief_tasks && call % 3 != 0 ? "brief" : "task";
}

// Mostly a chunk, sometimes several.
std::uint64_t arguments_size(Chance& chance) {
  const std::uint64_t chunks = chance.one_in(8) ? chance.number(2ULL, 4ULL) : 0;
  return limits::kInlinePayloadMax + 16 * chance.number(1ULL, 100ULL) + chunks * limits::kChunkMax;
}

// Shared by all: nobody looks at them.
Bytes zeros(std::uint64_t size) {
  static const auto memory = std::make_shared<const std::vector<std::byte>>(8 * limits::kChunkMax);
  return {memory, memory->data(), size};
}

// What the host would write into its log.
class Notes final : public base::LogSink {
 public:
  explicit Notes(const Findings& findings) : findings_(findings) {}
  void write(base::LogLevel, std::string_view line) noexcept override { findings_.note("  host's log: ", line); }

 private:
  const Findings& findings_;
};

base::Logger log_into(const Findings& findings) {
  return findings.traced() ? base::Logger(std::make_shared<Notes>(findings)) : base::Logger();
}

// No callback is set: it has nothing to do.
std::shared_ptr<pool::Executor> executor() {
  static const auto shared = std::make_shared<pool::Executor>([](const char*) {});
  return shared;
}

std::shared_ptr<const pool::Catalog> catalog_of(const Plan& plan) {
  std::vector<pool::CatalogPlugin> plugins;
  for (const DigestId digest : all_digests(plan)) {
    pool::CatalogPlugin& plugin = plugins.emplace_back();
    plugin.id = digest;
    plugin.digest = digest_text(digest);
    plugin.manifest.name = is_version(plan, digest) ? "plugin" : "plugin-" + std::to_string(digest);
    plugin.manifest.version.patch = digest;
    plugin.reference = plugin.manifest.name + "@0.0." + std::to_string(digest);
  }
  return std::make_shared<const pool::Catalog>(std::move(plugins));
}

}  // namespace

SimHost::SimHost(Context& sim, Engines& engines)
    : sim_(sim),
      books_(sim),
      versions_(sim, {.feed = [this](const pool::Event& event) { driver_->on(event, sim_.agenda.now()); },
                      .ask = [this](DigestId digest) { return books_.policy().prepared(digest, sim_.agenda.now()); },
                      .on_loop =
                          [this](const std::function<void()>& task) {
                            if (dead_ || defer(task)) return;
                            task();
                            turn();
                          }}),
      transport_(sim),
      sessions_(transport_, log_into(sim.findings), kIncarnation, [this] { return ++last_session_; }),
      machines_(sim, engines, Engines::kHost, log_into(sim.findings)) {
  detail::PoolFront::Parts parts;
  parts.name = "sim";
  parts.config = sim.plan.pool;
  parts.catalog = catalog_of(sim.plan);
  parts.plugins = first_digests(sim.plan);
  parts.inbox = std::make_shared<pool::Inbox>();
  parts.executor = executor();
  core_ = std::make_shared<detail::PoolFront>(std::move(parts));
  pool::DriverServices services{
      .sessions = &sessions_,
      .machines = &*machines_,
      .room = &machines_->room(),
      .listeners = this,
      .history = &history_,
      .log = log_into(sim.findings),
      .parent = {},
      .liveness = {},
      .nested = false,
      .ends_are_told = true,
      .seed = sim.seed,
      .observer = &books_,
      .prepared = [this](std::uint32_t, const pool::action::Prepared& report) { versions_.report(report); }};
  services.parent.incarnation = kIncarnation;
  driver_ = std::make_unique<pool::PoolDriver>(core_, std::move(services));
  sessions_.add_pool(*driver_);
  machines_->set_events(
      {.on_boot = [this](pool::RunnerKey key, const std::optional<BootFailure>& failure,
                         Instant now) { driver_->on_boot(key.second, failure, now); },
       .on_phase =
           [this](pool::RunnerKey key, BootPhase phase, std::string detail, Instant now) {
             driver_->on(pool::event::BootReached{key.second, phase, std::move(detail)}, now);
           },
       .on_exit =
           [this](pool::RunnerKey key, std::string reason, Instant now) {
             driver_->on(pool::event::MachineExited{key.second, std::move(reason)}, now);
           },
       .on_ends =
           [this](pool::RunnerKey key, Duration left, bool fresh, Instant now) {
             driver_->on(pool::event::MachineEnds{key.second, left, fresh}, now);
           },
       .is_connected = [this](pool::RunnerKey key) { return driver_->session_of(key.second) != nullptr; },
       .on_log =
           [this](pool::RunnerKey key, std::string tail, Instant now) {
             driver_->on(pool::event::BootLog{key.second, std::move(tail)}, now);
           },
       .on_left = [](pool::RunnerKey, const std::string&) {}});
}

SimHost::~SimHost() = default;

const std::string& SimHost::public_key() const noexcept {
  static const std::string key(40, 'k');
  return key;
}

void SimHost::start() {
  next_beat_ = sim_.agenda.now();
  machines_->open();
  turn();
}

// As Loop::turn().
void SimHost::turn() {
  if (dead_ || frozen_ || std::exchange(turning_, true)) return;
  const Instant now = sim_.agenda.now();
  bool more = true;
  while (more && sim_.findings.ok()) {
    more = false;
    while (sim_.findings.ok() && sessions_.receive(now)) more = true;
    more = machines_.take(now) || more;
    more = take_commands() || more;
    keep_time(now);
    more = versions_.act() || more;
    more = settle() || more;
    more = sessions_.flush(now) == pool::Session::Flushed::more || more;
    sessions_.reap();
  }
  turning_ = false;
  arm();
}

// The loop may have something else to do.
void SimHost::turn_soon() {
  if (!sim_.chance.one_in(4)) return turn();
  sim_.agenda.in(sim_.chance.skewed(1us, 3ms), [this] { turn(); });
}

bool SimHost::take_commands() {
  const Instant now = sim_.agenda.now();
  core_->parts().inbox->take_all(commands_);
  for (pool::Command& command : commands_) {
    if (auto* submit = std::get_if<pool::command::Submit>(&command)) {
      sim_.ledger.submitted(submit->call->record.submit);
      driver_->submit(std::move(submit->call), now);
    } else if (auto* cancel = std::get_if<pool::command::Cancel>(&command)) {
      driver_->on(pool::event::Cancel{cancel->call->id(), wire::CancelReason::cancelled}, now);
    } else {
      std::visit(
          [&](auto& one) {
            if constexpr (requires { driver_->take(std::move(one), now); }) driver_->take(std::move(one), now);
          },
          command);
    }
  }
  return !commands_.empty();
}

void SimHost::keep_time(Instant now) {
  if (now >= next_beat_) {
    sessions_.beat_all(now, now - next_beat_ > limits::kBeatInterval);
    next_beat_ = now + limits::kBeatInterval;
    driver_->on(pool::event::Tick{}, now);
  }
  machines_->tick(now);
  const bool room_made = machines_->take_room_made();
  if (room_made || driver_->next_wakeup() <= now) driver_->on(pool::event::Tick{}, now);
  versions_.keep_time(now);
}

// Callers have been told what the policy has decided, and got what was left for them.
bool SimHost::settle() {
  const std::vector<HostBooks::Answer> answers = books_.take_answers();
  for (const HostBooks::Answer& answer : answers) {
    const auto call = calls_.extract(answer.call);
    if (!call || !call.mapped()->ready()) {
      sim_.findings.broken("call ", answer.call, " is said to be answered, and its caller waits");
      continue;
    }
    const auto outcome = call.mapped()->take();
    const ErrorCode code = outcome.has_error() ? outcome.error().code : ErrorCode::none;
    if (code != answer.code)
      sim_.findings.broken("the caller of ", answer.call, " hears ", to_string(code), " for ", to_string(answer.code));
    const auto source = call.mapped()->take_objects();
    Handles handles;
    for (std::uint32_t i = 1; source != nullptr && i <= answer.objects.size(); ++i)
      handles.push_back(source->find(i, {}));
    if (handles.size() != answer.objects.size())
      sim_.findings.broken("call ", answer.call, " has left ", answer.objects.size(), " objects and gives ",
                           handles.size());
    const CallId lease = sim_.ledger.lease(answer.call);
    if (!handles.empty() && on_objects_) on_objects_(lease == 0 ? answer.call : lease, std::move(handles));
  }
  return !answers.empty();
}

void SimHost::arm() {
  const Instant wake =
      std::max(std::min({next_beat_, driver_->next_wakeup(), machines_->next_wakeup(), versions_.next_wakeup()}),
               sim_.agenda.now());
  if (dead_ || wake >= armed_) return;
  armed_ = wake;
  sim_.agenda.at(wake, [this, wake] {
    if (armed_ != wake) return;
    armed_ = kNever;
    turn();
  });
}

bool SimHost::defer(std::function<void()> task) {
  if (frozen_) deferred_.push_back(std::move(task));
  return frozen_;
}

void SimHost::freeze() {
  sim_.findings.note("the host stands still");
  frozen_ = true;
}

void SimHost::thaw() {
  if (!std::exchange(frozen_, false)) return;
  sim_.findings.note("the host goes on");
  if (sim_.chance.one_in(2)) turn();
  for (const auto& task : std::exchange(deferred_, {})) task();
  turn();
}

// --- callers

void SimHost::push(pool::Command&& command) {
  if (!core_->parts().inbox->push(std::move(command))) sim_.findings.broken("the loop takes no commands");
  turn();
}

std::shared_ptr<pool::RemoteCall> SimHost::call_of(const pool::event::Submit& submit, detail::ObjectHandle object) {
  pool::CallRecord record;
  record.submit = submit;
  record.set_id(submit.call);
  record.set_linked(submit.linked);
  record.set_lease(submit.lease);
  record.task = task_of(sim_.plan, submit.call, submit.lease);
  record.invoke.digest = digest_text(submit.digest);
  record.invoke.task = base::task_id(record.task, 0);
  record.child = record.submit.child = record.task == "child";
  if (object != nullptr) {
    detail::CallSpec spec;
    spec.object = object;
    auto destination = pool::find_destination(*core_, spec);
    record.lease = std::move(destination->lease);
    record.invoke.object = destination->object;
    record.handles = {std::move(object)};
  }
  if (sim_.plan.arguments_large && sim_.chance.one_in(2)) {
    record.wire_bytes = arguments_size(sim_.chance);
    record.arguments.table = zeros(record.wire_bytes);
    record.invoke.payload.parts = {record.wire_bytes};
  }
  return std::make_shared<pool::RemoteCall>(executor(), core_->parts().inbox, std::move(record));
}

void SimHost::submit(const pool::event::Submit& submit, detail::ObjectHandle object) {
  if (dead_ || defer([=, this] { this->submit(submit, object); })) return;
  auto call = call_of(submit, std::move(object));
  calls_[submit.call] = call;
  push(pool::command::Submit{std::move(call)});
}

void SimHost::cancel(CallId call) {
  if (defer([=, this] { cancel(call); })) return;
  const auto found = calls_.find(call);
  if (found == calls_.end()) return;
  sim_.ledger.cancel_asked(call);
  found->second->cancel();
  turn();
}

void SimHost::drain(Duration grace) {
  if (defer([=, this] { drain(grace); })) return;
  sim_.ledger.drain_asked(grace);
  versions_.expect_end();
  push(pool::command::Drain{0, grace, [](bool) {}});
}

void SimHost::resize(std::uint32_t min, std::uint32_t max) {
  if (defer([=, this] { resize(min, max); })) return;
  push(pool::command::Resize{0, min, max, [](bool) {}});
}

void SimHost::expect(std::uint32_t calls, Duration within) {
  if (defer([=, this] { expect(calls, within); })) return;
  push(pool::command::Expect{0, {calls, within}});
}

void SimHost::stop_lease(const detail::ObjectHandle& object) {
  if (frozen_) return;
  detail::CallSpec spec;
  spec.object = object;
  pool::find_destination(*core_, spec)->lease->stop();
  turn();
}

// --- machines

void SimHost::hear() {
  if (machines_.hear() && !turning_) turn_soon();
}

bool SimHost::close_machines() {
  machines_->close(sim_.agenda.now());
  turn();
  return machines_->closed(sim_.agenda.now());
}

void SimHost::die() {
  dead_ = true;
  machines_.die();
}

void SimHost::park_some_socket(Instant until) {
  std::vector<RunnerId> connected = books_.connected();
  if (connected.empty()) return;
  transport_.park(sim_.chance.pick(connected), until);
  sim_.agenda.at(until, [this] { turn(); });
}

// --- what arrives

void SimHost::on_packet(Link& link, Line line, Packet&& packet) {
  if (dead_) return;
  transport_.arrived(link, line, std::move(packet));
  turn_soon();
}

void SimHost::on_disconnected(Link& link) {
  if (dead_) return;
  transport_.disconnected(link);
  turn_soon();
}

}  // namespace flame::sim
