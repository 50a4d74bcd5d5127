// The hello plugin, as its author would test it.
#include <gtest/gtest.h>

#include <flame/plugin.hpp>
#include <flame/testing.hpp>

#include "plugins/hello/hello.hpp"

TEST(Hello, GreetsByName) {
  EXPECT_EQ(flame::testing::call<hello::greet>("world").value(), "Hello, world!");
}

TEST(Hello, RefusesToGreetNobody) {
  const auto greeting = flame::testing::call<hello::greet>("");
  ASSERT_TRUE(greeting.has_error());
  EXPECT_EQ(greeting.error().code, flame::ErrorCode::task_failed);
  EXPECT_EQ(greeting.error().type, "std::invalid_argument");
}
