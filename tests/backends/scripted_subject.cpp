// Fates of courses.
#include "tests/backends/scripted_subject.hpp"

#include "tests/support/fixed_descriptor.hpp"
#include "tests/support/scripted_backend.hpp"

namespace flame::test {

using namespace std::chrono_literals;

namespace {

constexpr const char* kCourse = "FLAME_TEST_COURSE";
const std::string kSentinel = "sentinel-9c1f0d52";
constexpr Duration kLatency = 10ms;
constexpr Duration kSlowLatency = 1500ms;  // less than a client's patience
constexpr Duration kListLag = 2s;
constexpr Duration kSettled = 1h;

Course course_of(const BootRequest& request) {
  return static_cast<Course>(std::stoi(request.env.at(kCourse)));
}

BootFailure failure(std::string message, Remedy remedy) {
  return {.error = {.code = ErrorCode::boot_failed, .message = std::move(message)}, .remedy = remedy};
}

}  // namespace

BackendTraits all_traits() {
  BackendTraits traits;
  for (bool BackendTraits::*claim :
       {&BackendTraits::same_kernel, &BackendTraits::same_files, &BackendTraits::queues, &BackendTraits::ends_machines,
        &BackendTraits::proves_death, &BackendTraits::unique_names, &BackendTraits::lists})
    traits.*claim = true;
  traits.max_lifetime = 24h;
  return traits;
}

ScriptedSubject::ScriptedSubject(BackendTraits traits, Wrap wrap)
    : traits_(std::move(traits)),
      wrap_(std::move(wrap)),
      engine_(agenda_,
              [this](const BootRequest& request) {
                Fate fate = fate_of(request);
                fate.ends_in = traits_.max_lifetime;
                return fate;
              },
              {.started =
                   [this](const ScriptedEngine::Unit& unit) {
                     if (unit.fate.dials && unit.descriptor == unit.machine.name + " " + kSentinel)
                       dialled_.insert(unit.machine.name);
                   },
               .killed = {}}) {
  engine_.latency = kLatency;
  engine_.list_lag = kListLag;
}

std::unique_ptr<Backend> ScriptedSubject::backend() {
  auto sound = std::make_unique<ScriptedBackend>("scripted", traits_, engine_);
  return wrap_ ? wrap_(std::move(sound), engine_) : std::move(sound);
}

void ScriptedSubject::kill(std::unique_ptr<Backend> backend) {
  backend.reset();
}

std::shared_ptr<const BootDescriptor> ScriptedSubject::descriptor(const MachineName& name) {
  return descriptor_of(name + " " + kSentinel);
}

void ScriptedSubject::arrange(BootRequest& request, Course course) {
  request.env[kCourse] = std::to_string(static_cast<int>(course));
}

Fate ScriptedSubject::fate_of(const BootRequest& request) const {
  switch (course_of(request)) {
    case Course::well:
      return {.boot = 500ms, .exit_told = 100ms};
    case Course::slowly:
      return {.queued = traits_.queues ? 3s : 0s, .boot = 4s, .exit_told = 100ms};
    case Course::never_dials:
      return {.boot = 500ms, .dials = false, .log = std::string(kLastWords) + "\n"};
    case Course::dies: {
      BootFailure died = failure("its runner has ended with exit code 7.", Remedy::retry);
      died.error.log_tail = kLastWords;
      return {.boot = 1s, .fails = died};
    }
    case Course::queued:
      return {.queued = queue_time(), .boot = 1s};
    case Course::no_room:
      return {.fails = failure("no place has room for it.", Remedy::elsewhere)};
    case Course::answer_lost:
      return {.boot = 500ms, .reset_after = true};
  }
  return {};
}

void ScriptedSubject::be(EngineState state) {
  engine_.latency = state == EngineState::slow ? kSlowLatency : kLatency;
  engine_.be_down(state == EngineState::down);
}

void ScriptedSubject::end(const Machine& machine, Death death) {
  const bool memory = death == Death::out_of_memory;
  engine_.end(
      machine.name,
      {.reason = memory ? "out of memory" : "killed by signal 9 (Killed)", .out_of_memory = memory, .log_tail = {}});
}

void ScriptedSubject::announce_end(const Machine& machine, Duration left) {
  engine_.announce(machine.name, left, "its node is drained");
}

bool ScriptedSubject::exists(const Machine& machine) {
  const ScriptedEngine::Unit* const unit = engine_.find(machine.name);
  return unit != nullptr && unit->machine.id == machine.id && unit->phase != BootPhase::queued;
}

std::vector<std::string> ScriptedSubject::secrets() const {
  return {kSentinel};
}

std::string ScriptedSubject::exposed() {
  std::string text;
  for (const auto& [name, unit] : engine_.units()) {
    text += name + "\n" + unit.machine.id + "\n" + unit.log + "\n";
    for (const auto& [key, value] : unit.machine.labels) text += key + "=" + value + "\n";
    for (const auto& [key, value] : unit.env) text += key + "=" + value + "\n";
  }
  return text;
}

bool ScriptedSubject::until(const std::function<bool()>& condition, Duration patience) {
  const base::Instant end = base::deadline_after(agenda_.now(), patience);
  while (!condition()) {
    if (agenda_.next() > end) {
      agenda_.skip_to(end);
      return condition();
    }
    agenda_.step();
  }
  return true;
}

void ScriptedSubject::settle() {
  static_cast<void>(until([] { return false; }, kSettled));
}

}  // namespace flame::test
