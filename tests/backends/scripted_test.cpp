// The suite against a backend under virtual time that keeps every rule.
#include <gtest/gtest.h>

#include <string>

#include "tests/backends/rows.hpp"
#include "tests/backends/scripted_subject.hpp"

namespace flame::test {
namespace {

std::string name_of(const testing::TestParamInfo<Row>& row) {
  return std::string(row.param.test);
}

class ScriptedWithAllTraits : public testing::TestWithParam<Row> {};

TEST_P(ScriptedWithAllTraits, Row) {
  ScriptedSubject subject(all_traits());
  GetParam().run(subject);
}

INSTANTIATE_TEST_SUITE_P(Backends, ScriptedWithAllTraits, testing::ValuesIn(rows_for(all_traits())), name_of);

class ScriptedWithoutTraits : public testing::TestWithParam<Row> {};

TEST_P(ScriptedWithoutTraits, Row) {
  ScriptedSubject subject(BackendTraits{});
  GetParam().run(subject);
}

INSTANTIATE_TEST_SUITE_P(Backends, ScriptedWithoutTraits, testing::ValuesIn(rows_for({})), name_of);

TEST(ConformanceTable, EveryRowIsDueWithAllTraits) {
  EXPECT_EQ(rows_for(all_traits()).size(), rows().size());
}

TEST(ConformanceTable, AClaimThatIsNotMadeIsNotAskedFor) {
  const BackendTraits proves{.proves_death = true};
  for (const Row& row : rows_for(proves))
    EXPECT_NE(row.name, "out of memory of the whole machine") << "needs two claims";
  EXPECT_EQ(rows_for(proves).size(), rows_for({}).size() + 1);
}

}  // namespace
}  // namespace flame::test
