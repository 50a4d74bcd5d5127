// Two builds beside each other, played by scripts.
#include "tools/flame/bench/against.hpp"

#include <gtest/gtest.h>

#include <chrono>
#include <filesystem>
#include <fstream>
#include <string>

#include "tests/support/temp_dir.hpp"

namespace flame::bench {
namespace bench_against_test {

class CompareRow : public testing::Test {
 protected:
  // What a build from before --rounds-of says: one figure that is better low, one that is better high.
  std::string old_build(const std::string& name, const std::string& low, const std::string& high,
                        const std::string& first = "a") {
    return script(name,
                  "case \"$*\" in *--rounds-of*) exit 2;; esac\necho '{\"ok\":true,\"result\":{\"figures\":["
                  "{\"name\":\"" +
                      first + "\",\"better\":\"lower\",\"value\":" + low +
                      "},{\"name\":\"b\",\"better\":\"higher\",\"value\":7,\"figure\":" + high + "}]}}'\n");
  }
  // One that serves rounds of two figures; all that it is asked goes into the file NAME.log.
  std::string new_build(const std::string& name, const std::string& low, const std::string& high) {
    return script(name,
                  "echo '{\"rows\":[{\"name\":\"a\",\"better\":\"lower\"},{\"name\":\"b\",\"better\":\"higher\"}]}'\n"
                  "while read -r i; do echo " +
                      name + " >> " + (files_ / "log") + "; if [ $i = 0 ]; then echo " + low + "; else echo " + high +
                      "; fi; done\n");
  }
  std::string script(const std::string& name, const std::string& text) {
    auto path = files_.write(name, "#!/bin/sh\n" + text);
    std::filesystem::permissions(path, std::filesystem::perms::owner_all);
    return path;
  }

  test::TempDir files_;
};

TEST_F(CompareRow, AsksBuildsThatServeRoundsForRoundsInTurn) {
  const auto rows = compare_row(
      {.here = new_build("here", "1.1", "10"), .there = new_build("there", "1.0", "10"), .pairs = 4}, "process");
  ASSERT_EQ(rows.size(), 2U);
  EXPECT_EQ(rows[0].name, "a");
  EXPECT_EQ(rows[0].error, "");
  EXPECT_FALSE(rows[0].quick_runs);
  EXPECT_EQ(rows[0].pairs, 4U);
  EXPECT_DOUBLE_EQ(rows[0].verdict.median, 1.1);
  EXPECT_TRUE(rows[0].verdict.worse);
  EXPECT_FALSE(rows[1].verdict.worse);
  std::string order;
  std::ifstream log(files_ / "log");
  for (std::string line; log >> line;) order += line + " ";
  const std::string four = "here there there here here there there here ";
  EXPECT_EQ(order, four + four);
}

TEST_F(CompareRow, RunsAnOlderBuildAsAWhole) {
  const auto rows =
      compare_row({.here = old_build("here", "2.0", "11"), .there = old_build("there", "1.0", "10")}, "x");
  ASSERT_EQ(rows.size(), 2U);
  EXPECT_TRUE(rows[0].quick_runs);
  EXPECT_EQ(rows[0].pairs, 7U);
  EXPECT_EQ(rows[0].verdict.median, 2.0);
  EXPECT_TRUE(rows[0].verdict.worse);
  EXPECT_DOUBLE_EQ(rows[1].verdict.median, 10.0 / 11.0);  // a higher rate is a lower cost
  EXPECT_TRUE(rows[1].verdict.better);
}

TEST_F(CompareRow, RunsBothAsAWholeWhenOnlyOneServesRounds) {
  const auto here = script("here",
                           "case \"$*\" in *--rounds-of*) echo '{\"rows\":[]}'; cat > /dev/null; exit;; esac\n"
                           "echo '{\"result\":{\"figures\":[{\"name\":\"a\",\"value\":1}]}}'\n");
  const auto there = script("there",
                            "case \"$*\" in *--rounds-of*) exit 2;; esac\n"
                            "echo '{\"result\":{\"figures\":[{\"name\":\"a\",\"value\":1}]}}'\n");
  const auto rows = compare_row({.here = here, .there = there}, "x");
  ASSERT_EQ(rows.size(), 1U);
  EXPECT_TRUE(rows[0].quick_runs);
  EXPECT_FALSE(rows[0].verdict.worse);
}

TEST_F(CompareRow, ARowThatCannotBeMeasuredSaysWhy) {
  const auto good = old_build("good", "1", "1");
  const auto why = [&](const std::string& there) {
    return compare_row({.here = good, .there = there}, "x").at(0).error;
  };
  EXPECT_EQ(why(old_build("other", "1", "1", "c")), "the builds have not the same figures in this row");
  EXPECT_EQ(why(script("silent", "exit 2\n")), "the build does not know this row");
  EXPECT_EQ(why(script("broken", "echo '{\"result\":{\"figures\":[{\"name\":\"a\",\"error\":\"no disk\"}]}}'\n")),
            "no disk");
  EXPECT_NE(why("/no/such/flame").find("cannot start"), std::string::npos);
}

TEST_F(CompareRow, ARowThatOnlyOneOfTheBuildsHasIsAnError) {
  const auto other = script("other",
                            "echo '{\"rows\":[{\"name\":\"a\"},{\"name\":\"gone\"}]}'\n"
                            "while read -r i; do echo 1; done\n");
  const auto rows = compare_row({.here = new_build("here", "1", "1"), .there = other, .pairs = 5}, "x");
  ASSERT_EQ(rows.size(), 3U);
  EXPECT_EQ(rows[0].name, "gone");
  EXPECT_EQ(rows[0].error, "this build has no such row");
  EXPECT_EQ(rows[1].name, "a");
  EXPECT_EQ(rows[1].error, "");
  EXPECT_EQ(rows[2].name, "b");
  EXPECT_EQ(rows[2].error, "the other build has no such row");
}

TEST_F(CompareRow, ABuildThatEndsInTheMiddleIsAnErrorOfItsRow) {
  const auto dying = script("dying", "echo '{\"rows\":[{\"name\":\"a\",\"better\":\"lower\"}]}'; read -r i; echo 1\n");
  const auto rows = compare_row({.here = new_build("here", "1", "1"), .there = dying}, "x");
  ASSERT_EQ(rows.size(), 1U);
  EXPECT_EQ(rows[0].error, "the build has ended");
}

TEST_F(CompareRow, ABuildThatHangsAfterAFailedRoundIsEnded) {
  const auto hanging = script("hanging",
                              "echo '{\"rows\":[{\"name\":\"a\",\"better\":\"lower\"},{\"name\":\"b\"}]}'; read -r i; "
                              "echo none; exec sleep 600\n");
  const auto begin = std::chrono::steady_clock::now();
  const auto rows = compare_row({.here = new_build("here", "1", "1"), .there = hanging}, "x");
  ASSERT_FALSE(rows.empty());
  EXPECT_EQ(rows[0].error, "the build gave no figure");
  EXPECT_LT(std::chrono::steady_clock::now() - begin, std::chrono::seconds(60));
}

TEST_F(CompareRow, FindsTheCommandOfABuildOrAnInstall) {
  std::filesystem::create_directory(files_ / "bin");
  EXPECT_FALSE(find_flame(files_.path()));
  const auto path = script("bin/flame", "");
  EXPECT_EQ(find_flame(files_.path()).value(), path);
  EXPECT_EQ(find_flame(files_ / "bin").value(), path);
  EXPECT_EQ(find_flame(path).value(), path);
}

}  // namespace bench_against_test
}  // namespace flame::bench
