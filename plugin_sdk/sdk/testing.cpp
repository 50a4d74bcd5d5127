// The fake runner of flame::testing: a flame_runner_api whose effects are recorded in memory.
#include <flame/testing.hpp>

#include <algorithm>
#include <cmath>
#include <condition_variable>
#include <list>
#include <mutex>
#include <utility>

#include "plugin_sdk/base/limits.hpp"

namespace flame::testing {
namespace {

using Clock = std::chrono::steady_clock;

// Strings and table live for ever: Parent::get() keeps the pointer.
struct ParentRecord {
  Parent parent;
  flame_parent_info info{};
};

const flame_parent_info* remember_parent(const Parent& parent) {
  static std::mutex mutex;
  static auto* const records = new std::list<ParentRecord>;
  const std::lock_guard lock(mutex);
  ParentRecord& record = records->emplace_back(ParentRecord{parent, {}});
  record.info = {sizeof(flame_parent_info),    0,
                 record.parent.host.c_str(),   record.parent.pool.c_str(),
                 record.parent.runner.c_str(), record.parent.backend.c_str()};
  return &record.info;
}

// Storage of a result's table, 16-byte aligned.
struct alignas(16) Block {
  std::byte bytes[16];
};

// An object that track() took over, as the runner's slot holds it.
class HeldObject {
 public:
  HeldObject(void* object, const flame_object_type* type) : object_(object), type_(type) {}
  ~HeldObject() {
    if (object_ != nullptr) type_->destroy(object_);
  }
  HeldObject(HeldObject&& other) noexcept : object_(std::exchange(other.object_, nullptr)), type_(other.type_) {}
  HeldObject& operator=(HeldObject&&) = delete;
  HeldObject(const HeldObject&) = delete;
  HeldObject& operator=(const HeldObject&) = delete;
  [[nodiscard]] const detail::ObjectHandle& handle() const { return *static_cast<detail::ObjectHandle*>(object_); }
  [[nodiscard]] std::string_view type_name() const { return type_->name; }

 private:
  void* object_;
  const flame_object_type* type_;
};

class HeldObjects final : public detail::ObjectSource {
 public:
  explicit HeldObjects(std::vector<HeldObject> objects) : objects_(std::move(objects)) {}
  [[nodiscard]] detail::ObjectHandle find(std::uint32_t index, std::string_view type_name) override {
    if (index == 0 || index > objects_.size() || objects_[index - 1].type_name() != type_name) return nullptr;
    return objects_[index - 1].handle();
  }

 private:
  std::vector<HeldObject> objects_;
};

ErrorCode code_of(flame_status status) {
  switch (status) {
    case FLAME_TASK_FAILED:
      return ErrorCode::task_failed;
    case FLAME_OUT_OF_MEMORY:
      return ErrorCode::out_of_memory;
    case FLAME_TOO_LARGE:
      return ErrorCode::too_large;
    case FLAME_RUNNER_LOST:
      return ErrorCode::runner_lost;
    default:
      return ErrorCode::invalid_argument;
  }
}

}  // namespace

class Runner::State {
 public:
  // What one call needs; `call` is first, so that the C functions find the rest from it.
  struct Call {
    flame_call call{};
    State* state = nullptr;
    std::optional<Clock::time_point> deadline;
    std::vector<Block> table;
    std::size_t table_size = 0;
    detail::Payload result;
    std::uint64_t result_bytes = 0;
    std::vector<HeldObject> objects;
    std::vector<detail::ObjectHandle> arguments;  // by position in the resource list
    std::string error_type;
    std::string error_message;
    bool wait_ended = false;
  };

  static const flame_runner_api& api();
  static void set_result_functions(flame_runner_api& api);
  static void set_stop_functions(flame_runner_api& api);
  static void set_report_functions(flame_runner_api& api);
  static void set_object_functions(flame_runner_api& api);
  static Call& of(flame_call* call) { return *reinterpret_cast<Call*>(call); }
  static const Call& of(const flame_call* call) { return *reinterpret_cast<const Call*>(call); }

  [[nodiscard]] bool stopped(const Call& call) const {  // with mutex held
    return stop || (call.deadline && Clock::now() >= *call.deadline);
  }
  [[nodiscard]] bool charge(Call& call, std::size_t size) const {
    if (size > result_limit - call.result_bytes) return false;
    call.result_bytes += size;
    return true;
  }

  std::mutex mutex;
  std::condition_variable changed;
  bool stop = false;
  std::optional<Duration> budget;
  std::uint32_t attempt = 1;
  std::uint64_t result_limit = limits::kPayloadMaxDefault;
  const flame_parent_info* parent = nullptr;
  std::vector<LogLine> logs;
  std::vector<ProgressReport> progress;
  std::vector<HeldObject> results;
};

namespace {

std::string to_text(const char* data, std::size_t size) {
  return size == 0 ? std::string() : std::string(data, std::min(size, limits::kTextMax));
}

}  // namespace

void Runner::State::set_result_functions(flame_runner_api& api) {
  api.result_alloc = [](flame_call* c, std::size_t size) -> std::uint8_t* {
    Call& call = of(c);
    if (!call.state->charge(call, size)) return nullptr;
    call.table_size = size;
    call.table.resize(size / sizeof(Block) + 1);
    return reinterpret_cast<std::uint8_t*>(call.table.data());
  };
  api.result_attach = [](flame_call* c, flame_view bytes) -> flame_status {
    Call& call = of(c);
    if (!call.state->charge(call, bytes.size) || call.result.attachments.size() == limits::kAttachmentsMax) {
      return FLAME_TOO_LARGE;
    }
    call.result.attachments.emplace_back(bytes.data, bytes.size);
    return FLAME_OK;
  };
  api.set_error = [](flame_call* c, const char* type, const char* message) {
    of(c).error_type = type;
    of(c).error_message = message;
  };
}

void Runner::State::set_stop_functions(flame_runner_api& api) {
  api.stop_requested = [](const flame_call* c) -> std::int32_t {
    const std::lock_guard lock(of(c).state->mutex);
    return of(c).state->stopped(of(c)) ? 1 : 0;
  };
  api.wait_stop = [](flame_call* c) -> std::int32_t {
    Call& call = of(c);
    std::unique_lock lock(call.state->mutex);
    const auto ended = [&] { return call.wait_ended || call.state->stopped(call); };
    if (call.deadline) {
      call.state->changed.wait_until(lock, *call.deadline, ended);
    } else {
      call.state->changed.wait(lock, ended);
    }
    return call.wait_ended ? 0 : 1;
  };
  api.end_wait_stop = [](flame_call* c) {
    const std::lock_guard lock(of(c).state->mutex);
    of(c).wait_ended = true;
    of(c).state->changed.notify_all();
  };
  api.remaining_ns = [](const flame_call* c) -> std::int64_t {
    const auto& deadline = of(c).deadline;
    return deadline ? std::max<std::int64_t>(0, Duration(*deadline - Clock::now()).count()) : -1;
  };
}

void Runner::State::set_report_functions(flame_runner_api& api) {
  api.log = [](flame_call* c, std::int32_t level, const char* message, std::size_t size) {
    State& state = *of(c).state;
    const std::lock_guard lock(state.mutex);
    state.logs.push_back({static_cast<LogLevel>(level), to_text(message, size)});
  };
  api.progress = [](flame_call* c, double fraction, const char* message, std::size_t size) {
    if (std::isnan(fraction)) return;
    State& state = *of(c).state;
    const std::lock_guard lock(state.mutex);
    state.progress.push_back({std::clamp(fraction, 0.0, 1.0), to_text(message, size)});
  };
}

void Runner::State::set_object_functions(flame_runner_api& api) {
  api.track = [](flame_call* c, void* object, const flame_object_type* type) -> std::uint32_t {
    of(c).objects.emplace_back(object, type);
    return static_cast<std::uint32_t>(of(c).objects.size());
  };
  api.tracked = [](flame_call* c, std::uint32_t index, const char* type_name) -> void* {
    auto& arguments = of(c).arguments;
    if (index == 0 || index > arguments.size()) return nullptr;
    const auto& object = static_cast<const detail::LocalObjectBase&>(*arguments[index - 1]);
    return std::string_view(object.type().name) == type_name ? &arguments[index - 1] : nullptr;
  };
  api.get_extension = [](const char*) -> const void* { return nullptr; };
}

const flame_runner_api& Runner::State::api() {
  static const flame_runner_api kApi = [] {
    flame_runner_api api{};
    api.struct_size = sizeof(api);
    api.abi_minor = FLAME_ABI_MINOR;
    set_result_functions(api);
    set_stop_functions(api);
    set_report_functions(api);
    set_object_functions(api);
    return api;
  }();
  return kApi;
}

Runner::Runner() : state_(std::make_unique<State>()) {}
Runner::~Runner() = default;

void Runner::request_stop() noexcept {
  const std::lock_guard lock(state_->mutex);
  state_->stop = true;
  state_->changed.notify_all();
}

void Runner::set_timeout(std::optional<Duration> budget) noexcept {
  const std::lock_guard lock(state_->mutex);
  state_->budget = budget;
}

void Runner::set_attempt(std::uint32_t attempt) noexcept {
  const std::lock_guard lock(state_->mutex);
  state_->attempt = attempt;
}

void Runner::set_result_limit(std::uint64_t bytes) noexcept {
  const std::lock_guard lock(state_->mutex);
  state_->result_limit = bytes;
}

void Runner::set_parent(const Parent& parent) {
  const std::lock_guard lock(state_->mutex);
  state_->parent = remember_parent(parent);
}

std::vector<LogLine> Runner::logs() const {
  const std::lock_guard lock(state_->mutex);
  return state_->logs;
}

std::vector<ProgressReport> Runner::progress() const {
  const std::lock_guard lock(state_->mutex);
  return state_->progress;
}

Result<detail::Payload> Runner::invoke(flame_status (*task)(flame_call*), const detail::Payload& arguments,
                                       const detail::ObjectHandle& object, bool is_method) {
  State::Call call;
  std::vector<flame_view> attachments;
  for (const Bytes& bytes : arguments.attachments) {
    attachments.push_back({reinterpret_cast<const std::uint8_t*>(bytes.data()), bytes.size()});
  }
  for (const std::uint64_t id : arguments.resources) call.arguments.push_back(detail::LocalObjectBase::from_id(id));
  detail::ObjectHandle self = object;
  call.state = state_.get();
  {
    const std::lock_guard lock(state_->mutex);
    call.call = {
        sizeof(flame_call),    state_->attempt,
        &State::api(),         {reinterpret_cast<const std::uint8_t*>(arguments.table.data()), arguments.table.size()},
        attachments.data(),    attachments.size(),
        call.arguments.size(), is_method && self != nullptr ? &self : nullptr,
        state_->parent};
    if (state_->budget) call.deadline = Clock::now() + *state_->budget;
  }
  if (const flame_status status = task(&call.call); status != FLAME_OK) {
    Error error;
    error.code = code_of(status);
    error.type = std::move(call.error_type);
    error.message = std::move(call.error_message);
    error.started = status == FLAME_INVALID_ARGUMENT ? Started::no : Started::yes;
    return error;
  }
  call.result.table = Bytes(call.table.data(), call.table_size);
  state_->results = std::move(call.objects);
  return std::move(call.result);
}

std::unique_ptr<detail::ObjectSource> Runner::results() {
  return std::make_unique<HeldObjects>(std::exchange(state_->results, {}));
}

}  // namespace flame::testing
