// What each minor of ABI 1 promised still holds: layout, values, and that a plugin built from its frozen header works.
#include <dlfcn.h>
#include <gtest/gtest.h>

#include <iterator>
#include <memory>
#include <string>
#include <vector>

#include <flame_abi.h>
#include <flame/detail/plugin_identity.hpp>

#include "plugin_sdk/manifest/cpu.hpp"
#include "plugin_sdk/manifest/manifest.hpp"
#include "runner/slot/plugin_table.hpp"
#include "tests/abi_compat/layout.h"

namespace {

constexpr const char* kFrozen[] = {FLAME_FROZEN_PLUGIN_0, FLAME_FROZEN_PLUGIN_1, FLAME_FROZEN_PLUGIN_2};
constexpr unsigned kMinors = FLAME_ABI_MINOR + 1;
static_assert(std::size(kFrozen) == kMinors, "a minor that is released has its frozen header");

const flame_plugin* load_frozen(unsigned minor) {
  void* const library = ::dlopen(kFrozen[minor], RTLD_NOW | RTLD_LOCAL);  // stays open
  if (library == nullptr) {
    ADD_FAILURE() << ::dlerror();
    return nullptr;
  }
  return reinterpret_cast<flame_entry_fn>(::dlsym(library, FLAME_ENTRY_SYMBOL))(FLAME_ABI_MINOR);
}

// A runner of today that records what the plugin does.
struct Record {
  flame_call call{};
  std::vector<std::uint8_t> result;
  std::vector<std::string> attachments;
  std::string error;
  std::string log;
};
Record& record_of(flame_call* call) {
  return *reinterpret_cast<Record*>(call);
}

flame_runner_api recording_api() {
  flame_runner_api api{};
  api.struct_size = sizeof(api);
  api.abi_minor = FLAME_ABI_MINOR;
  api.result_alloc = [](flame_call* call, std::size_t size) {
    record_of(call).result.resize(size);
    return record_of(call).result.data();
  };
  api.result_attach = [](flame_call* call, flame_view bytes) -> flame_status {
    record_of(call).attachments.emplace_back(reinterpret_cast<const char*>(bytes.data), bytes.size);
    return FLAME_OK;
  };
  api.set_error = [](flame_call* call, const char* type, const char* message) {
    record_of(call).error = std::string(type) + ": " + message;
  };
  api.log = [](flame_call* call, std::int32_t, const char* message, std::size_t size) {
    record_of(call).log.assign(message, size);
  };
  return api;
}

TEST(Abi, LayoutOfVersionOneIsUnchanged) {
  const std::size_t today[FLAME_LAYOUT_COUNT] = FLAME_LAYOUT;
  for (const auto* frozen : {&flame_frozen_layout_1_0, &flame_frozen_layout_1_1, &flame_frozen_layout_1_2}) {
    for (std::size_t i = 0; i < FLAME_LAYOUT_COUNT; ++i) {
      EXPECT_EQ(today[i], (*frozen)[i]) << "entry " << i << " of tests/abi_compat/layout.h";
    }
  }
}

TEST(Abi, LayoutOfWhatLaterMinorsAddedIsUnchanged) {
  const std::size_t today[FLAME_ADDED_COUNT] = FLAME_ADDED_LAYOUT;
  for (std::size_t i = 0; i < FLAME_ADDED_COUNT; ++i) EXPECT_EQ(today[i], flame_added_layout[i]) << "entry " << i;
}

TEST(Abi, StatusValuesAreFrozen) {
  EXPECT_EQ(FLAME_OK, 0);
  EXPECT_EQ(FLAME_TASK_FAILED, 1);
  EXPECT_EQ(FLAME_INVALID_ARGUMENT, 2);
  EXPECT_EQ(FLAME_OUT_OF_MEMORY, 3);
  EXPECT_EQ(FLAME_TOO_LARGE, 4);
  EXPECT_EQ(FLAME_RUNNER_LOST, 5);
  EXPECT_EQ(FLAME_TASK_IDEMPOTENT, 1U);
  EXPECT_EQ(FLAME_TASK_METHOD, 2U);
  EXPECT_EQ(FLAME_TASK_CHILD, 4U);
  EXPECT_EQ(FLAME_PLUGIN_EXEC_SLOTS, 1U);
}

TEST(Abi, WhatAMinorAddedIsReadOnlyFromPluginsThatHaveIt) {
  constexpr std::uint32_t kSizes[] = {FLAME_PLUGIN_SIZE_V1_0, FLAME_PLUGIN_SIZE_V1_1, FLAME_PLUGIN_SIZE_V1_2};
  for (unsigned minor = 0; minor < kMinors; ++minor) {
    const flame_plugin* frozen = load_frozen(minor);
    ASSERT_NE(frozen, nullptr);
    EXPECT_EQ(frozen->struct_size, kSizes[minor]);
    EXPECT_EQ(flame::slot::idle_check_of(*frozen) != nullptr, minor >= 1);
    EXPECT_EQ(flame::slot::stop_slot_of(*frozen) != nullptr, minor >= 2);
    EXPECT_EQ(flame::slot::flags_of(*frozen), minor >= 2 ? FLAME_PLUGIN_EXEC_SLOTS : 0U);
  }
}

TEST(Abi, APluginInCFromTheFrozenHeaderIsReadable) {
  for (unsigned minor = 0; minor < kMinors; ++minor) {
    auto manifest = flame::manifest::read(kFrozen[minor]);
    ASSERT_TRUE(manifest) << manifest.error().message;
    EXPECT_EQ(manifest->name, "frozen");
    EXPECT_EQ(manifest->tasks.size(), 2U);
    EXPECT_EQ(manifest->abi_major, FLAME_ABI_MAJOR);
    EXPECT_EQ(manifest->abi_minor, minor);
    manifest->sanitizer = flame::detail::sanitizer_name();  // a plugin in C says none, whatever it was built with
    EXPECT_FALSE(flame::manifest::check_abi(*manifest)) << "a runner of today takes it";
    EXPECT_FALSE(flame::manifest::check_cpu(*manifest, {})) << "it does not say what it needs";
  }
}

TEST(Abi, APluginOfANewerMinorIsRefusedWithTheRemedy) {
  auto manifest = flame::manifest::read(kFrozen[FLAME_ABI_MINOR]).value();
  ++manifest.abi_minor;
  const auto refused = flame::manifest::check_abi(manifest);
  ASSERT_TRUE(refused);
  EXPECT_EQ(refused->code, flame::ErrorCode::incompatible);
}

class FrozenPlugin : public testing::TestWithParam<unsigned> {};
INSTANTIATE_TEST_SUITE_P(EachMinor, FrozenPlugin, testing::Range(0U, kMinors));

TEST_P(FrozenPlugin, Runs) {
  const flame_plugin* plugin = load_frozen(GetParam());
  ASSERT_NE(plugin, nullptr);
  ASSERT_EQ(plugin->task_count, 2U);
  const flame_runner_api api = recording_api();
  const std::uint8_t input[] = {1, 2, 3};
  const flame_view attachment = {reinterpret_cast<const std::uint8_t*>("att"), 3};
  Record record;
  record.call.struct_size = sizeof(flame_call);
  record.call.attempt = 1;
  record.call.api = &api;
  record.call.input = {input, sizeof(input)};
  record.call.attachments = &attachment;
  record.call.attachment_count = 1;
  EXPECT_EQ(plugin->tasks[0].invoke(&record.call), FLAME_OK);
  EXPECT_EQ(record.result, (std::vector<std::uint8_t>{2, 4, 6}));
  EXPECT_EQ(record.attachments, std::vector<std::string>{"att"});
  EXPECT_EQ(record.log, "doubled");
}

TEST_P(FrozenPlugin, ReportsAFailure) {
  const flame_plugin* plugin = load_frozen(GetParam());
  ASSERT_NE(plugin, nullptr);
  const flame_runner_api api = recording_api();
  Record record;
  record.call.struct_size = sizeof(flame_call);
  record.call.api = &api;
  EXPECT_EQ(plugin->tasks[1].invoke(&record.call), FLAME_TASK_FAILED);
  EXPECT_EQ(record.error, "frozen: as asked");
}

}  // namespace
