// The exception firewall: which error each kind of exception becomes.
#include "plugin_sdk/sdk/firewall.hpp"

#include <dlfcn.h>
#include <gtest/gtest.h>

#include <algorithm>

#include <flame/detail/plugin_call.hpp>
#include <flame/testing.hpp>

#include "plugin_sdk/sdk/throw_site.hpp"
#include "sample.hpp"

namespace {

using flame::ErrorCode;
using flame::testing::call;

TEST(Firewall, GivesTypeAndMessageOfAStandardException) {
  const auto result = call<sample::throw_standard>();
  ASSERT_FALSE(result);
  EXPECT_EQ(result.error().code, ErrorCode::task_failed);
  EXPECT_EQ(result.error().type, "std::out_of_range");
  EXPECT_EQ(result.error().message, "the message");
  EXPECT_EQ(result.error().started, flame::Started::yes);
}

TEST(Firewall, JoinsNestedExceptionsOutermostFirst) {
  const auto result = call<sample::throw_nested>();
  ASSERT_FALSE(result);
  EXPECT_EQ(result.error().type, "std::invalid_argument");
  EXPECT_EQ(result.error().message,
            "outer\ncaused by std::runtime_error: middle\ncaused by std::logic_error: innermost");
}

TEST(Firewall, NamesTheTypeOfAnythingElse) {
  const auto result = call<sample::throw_int>();
  ASSERT_FALSE(result);
  EXPECT_EQ(result.error().code, ErrorCode::task_failed);
  EXPECT_EQ(result.error().type, "int");
  EXPECT_EQ(result.error().message, "42");
}

template <class Thrown>
flame::detail::CaughtException caught(Thrown thrown) {
  try {
    throw thrown;
  } catch (...) {
    return flame::detail::describe_current_exception();
  }
}

TEST(Firewall, KeepsTheTextOfWhatIsNoException) {
  struct Opaque {};
  EXPECT_EQ(caught("text").message, "text");
  EXPECT_EQ(caught("text").type, "char const*");
  EXPECT_EQ(caught(static_cast<const char*>(nullptr)).message, "");
  EXPECT_EQ(caught(std::string("text")).message, "text");
  EXPECT_EQ(caught(std::string_view("text")).message, "text");
  EXPECT_EQ(caught(std::make_error_code(std::errc::no_such_process)).message, "No such process");
  EXPECT_EQ(caught(true).message, "true");
  EXPECT_EQ(caught('x').message, "x");
  EXPECT_EQ(caught(-3).message, "-3");
  EXPECT_EQ(caught(3UL).message, "3");
  EXPECT_EQ(caught(0.5).message, "0.5");
  EXPECT_EQ(caught(0.5F).message, "0.5");
  EXPECT_EQ(caught(Opaque()).message, "unknown exception");
}

TEST(Firewall, LeavesOutTheColonOfAnEmptyMessage) {
  const auto text = [](const auto& thrown) {
    char message[64] = {};
    try {
      throw thrown;
    } catch (...) {
      static_cast<void>(flame::detail::report_current_exception(message, sizeof message));
    }
    return std::string(message);
  };
  EXPECT_EQ(text(std::runtime_error("")), "std::runtime_error");
  EXPECT_EQ(text(std::runtime_error("why")), "std::runtime_error: why");
}

// A runner that takes what the firewall reports.
struct Reported {
  flame_call call{};
  std::string type;
  std::vector<void*> where;
};
Reported& reported(flame_call* call) {
  return *reinterpret_cast<Reported*>(call);
}
constexpr flame_where_extension kWhere = {sizeof(flame_where_extension), 0,
                                          [](flame_call* call, void* const* frames, std::size_t count) {
                                            reported(call).where.assign(frames, frames + count);
                                          }};

template <auto F>
Reported report_of(bool with_extension = true) {
  Reported result;
  flame_runner_api api{};
  api.struct_size = sizeof api;
  api.set_error = [](flame_call* call, const char* type, const char*) { reported(call).type = type; };
  api.get_extension = [](const char* id) -> const void* {
    return std::string_view(id) == FLAME_EXTENSION_WHERE ? &kWhere : nullptr;
  };
  if (!with_extension) api.get_extension = nullptr;
  const flame::detail::Payload arguments = flame::detail::encode_arguments<F>();
  result.call.struct_size = sizeof result.call;
  result.call.api = &api;
  result.call.input = {reinterpret_cast<const std::uint8_t*>(arguments.table.data()), arguments.table.size()};
  EXPECT_EQ(flame::detail::invoke_task<F>(&result.call), FLAME_TASK_FAILED);
  return result;
}

bool lies_in(void* address, const char* symbol) {
  Dl_info info{};
  return ::dladdr(address, &info) != 0 && info.dli_sname != nullptr && std::string_view(info.dli_sname) == symbol;
}

TEST(Firewall, TellsTheStackThatThrewBeforeItWasUnwound) {
  const Reported standard = report_of<sample::throw_standard>();
  EXPECT_EQ(standard.type, "std::out_of_range");
  const auto thrown = std::find_if(standard.where.begin(), standard.where.end(),
                                   [](void* frame) { return lies_in(frame, "__cxa_throw"); });
  ASSERT_NE(thrown, standard.where.end()) << "the unwinder's frames are below the thrower's";
  EXPECT_GT(standard.where.end() - thrown, 2);
  EXPECT_FALSE(report_of<sample::throw_int>().where.empty());
  EXPECT_EQ(report_of<sample::throw_int>(false).type, "int") << "a runner that does not want to know";
}

TEST(Firewall, AnExceptionThatTheTaskCatchesIsNotTheOneThatIsTold) {
  const Reported nested = report_of<sample::throw_nested>();
  EXPECT_FALSE(nested.where.empty());
  EXPECT_TRUE(flame::detail::take_throw_site().empty()) << "what was reported is forgotten";
  try {
    throw 1;
  } catch (int) {
    EXPECT_TRUE(flame::detail::take_throw_site().empty()) << "nobody asked the firewall";
  }
}

TEST(Firewall, TurnsBadAllocIntoOutOfMemory) {
  const auto result = call<sample::throw_no_memory>();
  ASSERT_FALSE(result);
  EXPECT_EQ(result.error().code, ErrorCode::out_of_memory);
  EXPECT_EQ(result.error().type, "std::bad_alloc");
}

TEST(Firewall, SurvivesAWhatThatGivesNull) {
  const auto result = call<sample::throw_unprintable>();
  ASSERT_FALSE(result);
  EXPECT_EQ(result.error().code, ErrorCode::task_failed);
  EXPECT_EQ(result.error().message, "");
}

}  // namespace
