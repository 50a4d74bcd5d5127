// What a plugin's source includes: FLAME_PLUGIN and Context. One macro, one exported symbol, no code at load.
#pragma once

#include <array>
#include <concepts>
#include <cstddef>
#include <cstdint>
#include <string_view>
#include <type_traits>
#include <utility>

#include <flame/context.hpp>
#include <flame/contract.hpp>
#include <flame/detail/plugin_call.hpp>
#include <flame/detail/plugin_entry.hpp>
#include <flame/detail/plugin_note.hpp>

namespace flame {

class PluginDefinition;

/// Registers methods of T, the object that a task tracks or a factory makes. Several registrations may name the same
/// method: it counts once. Only its holder's calls run in the slot of an object, and what they set there (working
/// directory, umask, signal mask, environment) stays from one to the next until the object is gone.
template <class T>
class ObjectMethods {
 public:
  constexpr explicit ObjectMethods(PluginDefinition& plugin) : plugin_(&plugin) {}

  /// Makes `handle.call<&T::method>(...)` possible. Methods may be inherited, const, noexcept.
  template <auto... Method>
  constexpr ObjectMethods methods() const;

 private:
  PluginDefinition* plugin_;
};

/// The parameter of FLAME_PLUGIN's body. The body runs in the compiler: only constant code may stand there, and every
/// mistake is a compile error whose text is the quoted source line.
class PluginDefinition {
 public:
  constexpr PluginDefinition() = default;
  PluginDefinition(const PluginDefinition&) = delete;
  PluginDefinition& operator=(const PluginDefinition&) = delete;
  constexpr ~PluginDefinition() = default;

  /// Offers F. If its result is a Tracked<T>, `.methods<&T::...>()` may follow. Does not compile: F twice, retries
  /// without idempotent, more than 100 retries, a negative timeout.
  template <auto F>
  constexpr auto task(TaskOptions options = {}) {
    using Call = detail::Callee<F>;
    static_assert(!Call::is_method, "flame: p.task<F>() takes a function; methods go into .methods<&T::m>()");
    static_assert(!Call::is_factory, "flame: a function that returns std::unique_ptr<T> makes a child: p.child<F>()");
    add<F, void, void>(0, options);
    return ObjectMethods<typename TrackedBy<typename Call::Result>::Type>(*this);
  }

  /// Offers F, a factory of children: it returns std::unique_ptr<T>, and its object gets a slot of its own. A T with
  /// `void run(std::stop_token)` has it called on a thread of its own.
  template <auto F>
  constexpr auto child(TaskOptions options = {}) {
    using Call = detail::Callee<F>;
    static_assert(Call::is_factory, "flame: p.child<F>() takes a function that returns std::unique_ptr<T>");
    add<F, void, typename Call::Product>(FLAME_TASK_CHILD, options);
    return ObjectMethods<typename Call::Product>(*this);
  }

  /// Methods of a T that travels deeper in a result, as in std::vector<Tracked<T>>.
  template <class T>
  constexpr auto object() {
    return ObjectMethods<T>(*this);
  }

  /// Runs F (`void()` or `void(const Parent&)`) once in the zygote, before any slot: load what all slots share, a model
  /// for instance. It must leave no thread behind, else slots start one by one as with exec_slots(). An exception makes
  /// the plugin unusable there, with its message. All slots are copies of what it leaves: a random generator that is
  /// seeded here gives every slot the same numbers, and a connection or an open file is shared by all. Seed and connect
  /// in start_slot().
  template <auto F>
  constexpr void start() {
    set_hook<F>(start_, has_start_);
  }
  /// Runs F once in each slot before its first call: the place to seed random generators. What it sets up is the slot's
  /// own from then on: threads, helper processes, signal handlers, environment, locale, limits, timers. A call that
  /// changes one of these, or leaves a child process, is answered and ends its slot. Threads that a call leaves stay
  /// with the slot if they sleep between calls (PoolConfig::leftover_threads; plugins/threads/README.md says what that
  /// means for which library).
  template <auto F>
  constexpr void start_slot() {
    set_hook<F>(start_slot_, has_start_slot_);
  }
  /// Runs F once in each slot whose start_slot() came through, when the slot ends in good order: the runner is idle,
  /// retires, drains or shuts down, or the slot is replaced after a call. The place for goodbyes, coverage
  /// (`__gcov_dump`) and profilers: slots end without the destructors of statics and without atexit() functions. F runs
  /// on the slot's thread after its last call, when its objects are gone, within 0.25 s: then the process is killed.
  /// With isolation = "thread" the slots of a process run F at the same time (start_slot() one after the other): guard
  /// what they share. Never in a slot that crashed or is killed. An exception is logged and changes nothing.
  template <auto F>
  constexpr void stop_slot() {
    static_assert(std::is_invocable_r_v<void, decltype(F)> || std::is_invocable_r_v<void, decltype(F), const Parent&>,
                  "flame: a stop hook is a function void() or void(const flame::Parent&)");
    if (has_stop_slot_) throw "flame: a plugin has at most one stop_slot function";
    stop_slot_ = &detail::invoke_hook<F>;
    has_stop_slot_ = true;
  }
  /// Slots are started by exec, one by one, and never forked: for what does not survive a fork without having a thread,
  /// as CUDA does. start() then runs in each slot, before start_slot(), and shares nothing: the pool's max_concurrency
  /// and spare_slots say how many times it is paid for.
  constexpr void exec_slots() {
    if (exec_slots_) throw "flame: exec_slots() is said once";
    exec_slots_ = true;
  }
  /// Asks F (`bool()` or `bool(const Parent&)`) whether the runner may go once it has had nothing to do for the pool's
  /// idle_shutdown_after: false keeps it for as long again. F runs in an idle slot of the plugin, so it sees the
  /// machine and what start() loaded, but only what that one slot's calls have left (all of it in thread isolation).
  /// Throwing, crashing or taking longer than five seconds counts as true; a call that comes meanwhile ends the check.
  template <auto F>
  constexpr void idle_check() {
    static_assert(std::is_invocable_r_v<bool, decltype(F)> || std::is_invocable_r_v<bool, decltype(F), const Parent&>,
                  "flame: an idle check is a function bool() or bool(const flame::Parent&)");
    if (has_idle_check_) throw "flame: a plugin has at most one idle check";
    idle_check_ = &detail::invoke_idle_check<F>;
    has_idle_check_ = true;
  }

  /// For the SDK.
  using Hook = flame_status (*)(const flame_parent_info*, char*, std::size_t);
  [[nodiscard]] constexpr const detail::EntryList& entries() const { return entries_; }
  [[nodiscard]] constexpr Hook start_hook() const { return start_; }
  [[nodiscard]] constexpr bool has_start() const { return has_start_; }
  [[nodiscard]] constexpr bool has_start_slot() const { return has_start_slot_; }
  [[nodiscard]] constexpr Hook start_slot_hook() const { return start_slot_; }
  using IdleHook = std::int32_t (*)(const flame_parent_info*, char*, std::size_t);
  [[nodiscard]] constexpr bool has_idle_check() const { return has_idle_check_; }
  [[nodiscard]] constexpr IdleHook idle_check_hook() const { return idle_check_; }
  [[nodiscard]] constexpr bool has_stop_slot() const { return has_stop_slot_; }
  [[nodiscard]] constexpr Hook stop_slot_hook() const { return stop_slot_; }
  [[nodiscard]] constexpr bool has_exec_slots() const { return exec_slots_; }
  template <auto Method, class T>
  constexpr void add_method();

 private:
  template <class Result>
  struct TrackedBy {
    using Type = void;
  };
  template <class T>
  struct TrackedBy<Tracked<T>> {
    using Type = T;
  };

  template <auto F, class MethodOf, class ObjectT>
  constexpr void add(std::uint32_t flags, const TaskOptions& options);
  template <auto F>
  constexpr void set_hook(Hook& hook, bool& present);

  detail::EntryList entries_;
  Hook start_ = nullptr;
  Hook start_slot_ = nullptr;
  Hook stop_slot_ = nullptr;
  IdleHook idle_check_ = nullptr;
  // Beside the pointers: under -fsanitize=undefined g++ cannot compare them in a constant expression.
  bool has_start_ = false;
  bool has_start_slot_ = false;
  bool has_stop_slot_ = false;
  bool has_idle_check_ = false;
  bool exec_slots_ = false;
};

template <auto F, class MethodOf, class ObjectT>
constexpr void PluginDefinition::add(std::uint32_t flags, const TaskOptions& options) {
  using Call = detail::Callee<F, MethodOf>;
  static_assert(detail::is_entry_name(Call::name()),
                "flame: the wire name holds quotes, backslashes or control characters");
  if (entries_.contains(Call::name(), Call::fingerprint)) {
    if ((flags & FLAME_TASK_METHOD) != 0) return;
    throw "flame: this task is registered twice";
  }
  if (options.timeout < Duration::zero()) throw "flame: the timeout of a task cannot be negative";
  if (options.retries > 100) throw "flame: a task has at most 100 retries";
  if (options.retries > 0 && !options.idempotent) throw "flame: retries need .idempotent = true";
  detail::PluginEntry entry;
  entry.name = Call::name().data();
  entry.schema = Call::schema;
  entry.fingerprint = Call::fingerprint;
  entry.flags = flags | (options.idempotent ? FLAME_TASK_IDEMPOTENT : 0U);
  if constexpr (!std::is_void_v<ObjectT>) {
    entry.object = &detail::ObjectType<ObjectT>::kType;
    entry.object_name = detail::type_name<ObjectT>();
  }
  entry.invoke = &detail::invoke_task<F, MethodOf>;
  entry.options = options;
  entries_.add(entry);
}

template <auto Method, class T>
constexpr void PluginDefinition::add_method() {
  add<Method, T, T>(FLAME_TASK_METHOD, {});
}

template <auto F>
constexpr void PluginDefinition::set_hook(Hook& hook, bool& present) {
  static_assert(std::is_invocable_r_v<void, decltype(F)> || std::is_invocable_r_v<void, decltype(F), const Parent&>,
                "flame: a start hook is a function void() or void(const flame::Parent&)");
  if (present) throw "flame: a plugin has at most one start and one start_slot function";
  hook = &detail::invoke_hook<F>;
  present = true;
}

template <class T>
template <auto... Method>
constexpr ObjectMethods<T> ObjectMethods<T>::methods() const {
  static_assert(!std::is_void_v<T>,
                "flame: this task does not return Tracked<T>; use p.object<T>().methods<&T::m>() for a T that travels "
                "deeper in its result");
  if constexpr (!std::is_void_v<T>) (plugin_->template add_method<Method, T>(), ...);
  return *this;
}

namespace detail {

/// Table and note of the plugin D, as constants. D has kName, kVersion and define().
template <class D>
struct PluginTable {
  static_assert(is_plugin_name(D::kName), "flame: a plugin's name is [a-z][a-z0-9_-]{0,63}");
  static_assert(is_semantic_version(D::kVersion), "flame: a plugin's version is semantic, as in \"1.4.0\"");

  template <class Function>
  static constexpr auto with_definition(Function function) {
    PluginDefinition plugin;
    D::define(plugin);
    return function(plugin);
  }

  static constexpr std::size_t kCount = with_definition([](const PluginDefinition& p) { return p.entries().size(); });
  static_assert(kCount <= FLAME_TASKS_MAX, "flame: a plugin has at most 4096 tasks and methods");
  static constexpr std::size_t kSlots = kCount == 0 ? 1 : kCount;  // an array of no element has no address

  static constexpr auto kEntries = with_definition([](const PluginDefinition& p) {
    std::array<PluginEntry, kSlots> entries{};
    for (std::size_t i = 0; i < kCount; ++i) entries[i] = p.entries()[i];
    return entries;
  });
  static constexpr auto kTasks = [] {
    std::array<flame_task, kSlots> tasks{};
    for (std::size_t i = 0; i < kCount; ++i) {
      const PluginEntry& entry = kEntries[i];
      tasks[i] = {sizeof(flame_task), entry.flags, entry.name, entry.fingerprint, entry.object, entry.invoke};
    }
    return tasks;
  }();
  static constexpr flame_plugin kPlugin = {
      sizeof(flame_plugin),
      FLAME_ABI_MAJOR,
      FLAME_ABI_MINOR,
      D::kName,
      D::kVersion,
      static_cast<std::uint32_t>(kCount),
      sizeof(flame_task),
      kTasks.data(),
      with_definition([](const PluginDefinition& p) { return p.start_hook(); }),
      with_definition([](const PluginDefinition& p) { return p.start_slot_hook(); }),
      with_definition([](const PluginDefinition& p) { return p.idle_check_hook(); }),
      with_definition([](const PluginDefinition& p) { return p.stop_slot_hook(); }),
      with_definition([](const PluginDefinition& p) { return p.has_exec_slots(); }) ? FLAME_PLUGIN_EXEC_SLOTS : 0U};

  static constexpr std::size_t write_manifest(NoteWriter out) {
    write_note(out,
               {D::kName, D::kVersion, with_definition([](const PluginDefinition& p) { return p.has_start(); }),
                with_definition([](const PluginDefinition& p) { return p.has_start_slot(); }),
                with_definition([](const PluginDefinition& p) { return p.has_stop_slot(); }),
                with_definition([](const PluginDefinition& p) { return p.has_idle_check(); }),
                with_definition([](const PluginDefinition& p) { return p.has_exec_slots(); })},
               kEntries.data(), kCount);
    return out.size();
  }
  static constexpr std::size_t kTextSize = write_manifest(NoteWriter());
  static constexpr std::size_t kStatements = (kTextSize + kNoteStatementBytes - 1) / kNoteStatementBytes;
  static constexpr auto kText = [] {
    std::array<char, kStatements * kNoteStatementBytes> text{};
    text.fill('\n');  // TOML ignores it at the end
    write_manifest(NoteWriter(text.data()));
    return text;
  }();
};

/// Instantiated at the end of the translation unit, when D::define has its body. Must exist once: it holds the note.
template <class D>
[[gnu::noinline]] const flame_plugin* plugin_entry() noexcept {
  using Table = PluginTable<D>;
  emit_note<Table>(std::make_index_sequence<Table::kStatements>{});
  return &Table::kPlugin;
}

}  // namespace detail
}  // namespace flame

#ifdef FLAME_PLUGIN_BUILD_VERSION
#define FLAME_DETAIL_CHECK_VERSION(version)                                \
  static_assert(::std::string_view(version) == FLAME_PLUGIN_BUILD_VERSION, \
                "flame: the version in FLAME_PLUGIN differs from VERSION in flame_add_plugin(); make them equal")
#else
#define FLAME_DETAIL_CHECK_VERSION(version) static_assert(true)
#endif

/// Defines the plugin; once per plugin, outside of any namespace:
///
///   FLAME_PLUGIN("video", "1.4.0", p) {
///     p.task<video::resize_quality>({.timeout = 60s, .retries = 2, .idempotent = true});
///     p.task<video::open_index>().methods<&video::Index::query>();
///     p.child<video::transcoder>().methods<&video::Transcoder::push, &video::Transcoder::frames>();
///     p.start<video::load_model>();
///     p.idle_check<video::nothing_uploads>();
///   }
///
/// `p` is a flame::PluginDefinition&. Name: [a-z][a-z0-9_-]{0,63}. Version: semantic.
#define FLAME_PLUGIN(plugin_name, plugin_version, p)                                                  \
  FLAME_DETAIL_CHECK_VERSION(plugin_version);                                                         \
  namespace {                                                                                         \
  struct FlamePluginDefinition {                                                                      \
    static constexpr const char* kName = plugin_name;                                                 \
    static constexpr const char* kVersion = plugin_version;                                           \
    static constexpr void define(::flame::PluginDefinition&);                                         \
  };                                                                                                  \
  }                                                                                                   \
  extern "C" [[gnu::visibility("default")]] const flame_plugin* flame_plugin_entry_v1(std::uint32_t); \
  extern "C" const flame_plugin* flame_plugin_entry_v1(std::uint32_t) {                               \
    return ::flame::detail::plugin_entry<FlamePluginDefinition>();                                    \
  }                                                                                                   \
  constexpr void FlamePluginDefinition::define([[maybe_unused]] ::flame::PluginDefinition& p)
