// The environment of zygotes: secrets of tasks win, and stand there once.
#include "runner/plugins/task_environment.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

namespace flame::runner {
namespace {

using testing::ElementsAre;

TEST(TaskEnvironment, HasTheSecretsBesideTheRest) {
  EXPECT_THAT(with_secrets({"TZ=UTC"}, {{.key = "DATABASE_URL", .value = "a=b"}}),
              ElementsAre("TZ=UTC", "DATABASE_URL=a=b"));
}

TEST(TaskEnvironment, ASecretWinsOverAVariableOfItsName) {
  EXPECT_THAT(with_secrets({"A=1", "AB=2", "A=3"}, {{.key = "A", .value = "hush"}}), ElementsAre("AB=2", "A=hush"));
}

TEST(TaskEnvironment, IsTheSameWithoutSecrets) {
  EXPECT_THAT(with_secrets({"A=1"}, {}), ElementsAre("A=1"));
}

}  // namespace
}  // namespace flame::runner
