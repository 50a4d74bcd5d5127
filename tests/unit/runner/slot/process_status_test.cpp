// /proc/self/status, read and compared.
#include "runner/slot/process_status.hpp"

#include <gtest/gtest.h>

#include <string>

#include "runner/slot/memory_watch.hpp"

namespace flame::slot {
namespace process_status_test {

constexpr char kText[] =
    "Name:\tflame-slot\nUmask:\t0027\nState:\tS (sleeping)\nPid:\t42\nTracerPid:\t0\nUid:\t1000\t1000\t1000\t1000\n"
    "Gid:\t100\t100\t100\t100\nFDSize:\t256\nGroups:\t100 27 \nNSsid:\t42\nVmPeak:\t  9000 kB\nVmData:\t    1024 kB\n"
    "Threads:\t5\nSigQ:\t0/96365\nSigPnd:\t0000000000000200\nShdPnd:\t0000000000004000\nSigBlk:\t0000000000000201\n"
    "SigIgn:\t0000000000001000\nSigCgt:\t00000001800014e8\nCapEff:\t0000000000000000\nNoNewPrivs:\t0\nSeccomp:\t0\n"
    "Cpus_allowed:\t3\nMems_allowed:\t1\nvoluntary_ctxt_switches:\t7\n";

ProcessStatus changed(const std::string& from, const std::string& to) {
  std::string text = kText;
  const std::size_t at = text.find(from);
  EXPECT_NE(at, std::string::npos) << from;
  return parse_process_status(text.replace(at, from.size(), to));
}

TEST(ProcessStatusTest, ReadsWhatHygieneNeeds) {
  const ProcessStatus status = parse_process_status(kText);
  EXPECT_EQ(status.umask, 027U);
  EXPECT_EQ(status.threads, 5U);
  EXPECT_EQ(status.data_bytes, 1024U * 1024U);
  EXPECT_EQ(status.fd_table, 256U);
  EXPECT_EQ(status.pending, 0x4200U);
  EXPECT_EQ(status.blocked, 0x201U);
  EXPECT_EQ(status.ignored, 0x1000U);
  EXPECT_EQ(status.caught, 0x14e8U) << "without the C library's own signals";
}

TEST(ProcessStatusTest, WhoAndWhereOneIsShowsInTheHashes) {
  const ProcessStatus home = parse_process_status(kText);
  EXPECT_NE(changed("Uid:\t1000", "Uid:\t1001").identity, home.identity);
  EXPECT_NE(changed("100 27 ", "100 28 ").identity, home.identity);
  EXPECT_NE(changed("NoNewPrivs:\t0", "NoNewPrivs:\t1").identity, home.identity);
  EXPECT_NE(changed("Seccomp:\t0", "Seccomp:\t2").identity, home.identity);
  EXPECT_NE(changed("Cpus_allowed:\t3", "Cpus_allowed:\t1").placement, home.placement);
  const ProcessStatus other = changed("voluntary_ctxt_switches:\t7", "voluntary_ctxt_switches:\t9");
  EXPECT_EQ(other.identity, home.identity);
  EXPECT_EQ(other.placement, home.placement);
  EXPECT_EQ(changed("TracerPid:\t0", "TracerPid:\t77").identity, home.identity) << "a debugger is no change";
}

TEST(ProcessStatusTest, WhatIsNoStatusHasNoThreads) {
  EXPECT_EQ(parse_process_status("").threads, 0U);
  EXPECT_EQ(parse_process_status("secret of a file that took the number").threads, 0U);
  EXPECT_EQ(parse_process_status("Umask:\n\n:::\nThreads").threads, 0U);
}

TEST(MemoryWatchTest, HalfOfTheLimitIsTooMuchAndStacksOfKeptThreadsAreNot) {
  constexpr std::uint64_t kMiB = 1024 * 1024;
  ProcessStatus start;
  start.threads = 1;
  start.data_bytes = 50 * kMiB;
  const MemoryWatch watch(100 * kMiB, 8 * kMiB, start);
  ProcessStatus now = start;
  EXPECT_EQ(watch.kept(now, 0), 0U);
  now.data_bytes = 100 * kMiB;
  EXPECT_FALSE(watch.too_much(watch.kept(now, 0)));
  now.data_bytes += 1;
  EXPECT_TRUE(watch.too_much(watch.kept(now, 0)));
  EXPECT_FALSE(watch.too_much(watch.kept(now, kMiB))) << "a result that has not been sent yet";
  now.threads += 1;
  EXPECT_FALSE(watch.too_much(watch.kept(now, 0)));
  now.data_bytes = 0;
  EXPECT_EQ(watch.kept(now, 0), 0U);
  EXPECT_FALSE(MemoryWatch(0, 0, start).too_much(1000 * kMiB)) << "no limit";
}

}  // namespace process_status_test
}  // namespace flame::slot
