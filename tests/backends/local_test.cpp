// The suite against backends/local with real flame-runner processes.
#include <gtest/gtest.h>

#include <string>
#include <vector>

#include "backends/local/local_backend.hpp"
#include "tests/backends/local_subject.hpp"
#include "tests/backends/rows.hpp"
#include "tests/support/leftovers.hpp"

namespace flame::test {
namespace {

std::vector<Row> rows_of_local() {
  const backends::LocalBackend local({});
  return rows_for(local.traits());
}

class Local : public LeftoversTest, public testing::WithParamInterface<Row> {};

TEST_P(Local, Row) {
  LocalSubject subject;
  GetParam().run(subject);
}

INSTANTIATE_TEST_SUITE_P(Backends, Local, testing::ValuesIn(rows_of_local()),
                         [](const auto& row) { return std::string(row.param.test); });

}  // namespace
}  // namespace flame::test
