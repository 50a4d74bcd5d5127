// What ABI 1.0 promised still holds: layout, values, and that a plugin built from the frozen header works.
#include <dlfcn.h>
#include <gtest/gtest.h>

#include <memory>
#include <string>
#include <vector>

#include <flame_abi.h>

#include "plugin_sdk/manifest/manifest.hpp"
#include "runner/slot/plugin_table.hpp"
#include "tests/abi_compat/layout.h"

namespace {

const flame_plugin* load_frozen() {
  static void* const library = ::dlopen(FLAME_FROZEN_PLUGIN, RTLD_NOW | RTLD_LOCAL);
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
  for (std::size_t i = 0; i < FLAME_LAYOUT_COUNT; ++i) {
    EXPECT_EQ(today[i], flame_frozen_layout[i]) << "entry " << i << " of tests/abi_compat/layout.h";
  }
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
}

TEST(Abi, WhatOnePointOneAddedLiesBehindWhatOnePointZeroHas) {
  EXPECT_EQ(offsetof(flame_plugin, idle_check), FLAME_PLUGIN_SIZE_V1_0);
  EXPECT_EQ(sizeof(flame_plugin), FLAME_PLUGIN_SIZE_V1_1);
  const flame_plugin* frozen = load_frozen();
  ASSERT_NE(frozen, nullptr);
  EXPECT_EQ(frozen->struct_size, FLAME_PLUGIN_SIZE_V1_0) << "so nobody may read idle_check from it";
  EXPECT_EQ(flame::slot::idle_check_of(*frozen), nullptr);
}

TEST(Abi, APluginInCFromTheFrozenHeaderIsReadable) {
  const auto manifest = flame::manifest::read(FLAME_FROZEN_PLUGIN);
  ASSERT_TRUE(manifest) << manifest.error().message;
  EXPECT_EQ(manifest->name, "frozen");
  EXPECT_EQ(manifest->tasks.size(), 2U);
  EXPECT_EQ(manifest->abi_major, FLAME_ABI_MAJOR);
  EXPECT_LE(manifest->abi_minor, FLAME_ABI_MINOR);
}

TEST(Abi, APluginInCFromTheFrozenHeaderRuns) {
  const flame_plugin* plugin = load_frozen();
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

TEST(Abi, APluginInCFromTheFrozenHeaderFails) {
  const flame_plugin* plugin = load_frozen();
  ASSERT_NE(plugin, nullptr);
  const flame_runner_api api = recording_api();
  Record record;
  record.call.struct_size = sizeof(flame_call);
  record.call.api = &api;
  EXPECT_EQ(plugin->tasks[1].invoke(&record.call), FLAME_TASK_FAILED);
  EXPECT_EQ(record.error, "frozen: as asked");
}

}  // namespace
