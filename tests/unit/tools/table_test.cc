#include "tools/table.h"

#include <gtest/gtest.h>
#include <limits>

#include "tools/latency_percentiles.h"

namespace cambium::tools {
namespace {

TEST(Table, AlignsTextLeftAndNumbersRight) {
  Table table({"NAME"_kj, "COUNT"_kj, "SIZE"_kj, "NOTE"_kj});
  table.add(kj::arr(kj::str("grün"), kj::str("5"), kj::str("1.5 KiB"), kj::str("x")));
  table.add(kj::arr(kj::str("a"), kj::str("-12345678"), kj::str("3 B"), kj::str("")));
  EXPECT_EQ(table.render(),
            "NAME      COUNT     SIZE  NOTE\n"
            "grün          5  1.5 KiB  x\n"
            "a     -12345678      3 B\n");
}

TEST(Table, WithoutRowsIsItsHeading) {
  Table table({"A"_kj, "B"_kj});
  EXPECT_EQ(table.render(), "A  B\n");
}

TEST(Numbers, AreReadable) {
  EXPECT_EQ(humanBytes(0), "0 B");
  EXPECT_EQ(humanBytes(999), "999 B");
  EXPECT_EQ(humanBytes(1536), "1.5 KiB");
  EXPECT_EQ(humanBytes(102400), "100 KiB");
  EXPECT_EQ(humanBytes(1023.9 * 1024), "1.0 MiB");
  EXPECT_EQ(humanBytes(5e18), "4441 PiB");
  EXPECT_EQ(withSeparators(0), "0");
  EXPECT_EQ(withSeparators(999), "999");
  EXPECT_EQ(withSeparators(1234567), "1,234,567");
}

TEST(LatencyPercentiles, AreRightToOnePointSixPercent) {
  LatencyPercentiles latencies;
  for (int64_t us = 1; us <= 100'000; ++us)
    latencies.add(us * 1000);
  for (double percent : {1.0, 50.0, 95.0, 99.0, 99.9}) {
    double exact = percent * 1e6;
    double found = static_cast<double>(latencies.percentile(percent));
    EXPECT_GE(found, exact) << percent;
    EXPECT_LE(found, exact * 1.016) << percent;
  }
  EXPECT_EQ(latencies.percentile(100), 100'000'000u);
  EXPECT_EQ(latencies.max(), 100'000'000u);
  EXPECT_EQ(latencies.count(), 100'000u);
  EXPECT_DOUBLE_EQ(latencies.mean(), 50'000'500.0);
}

TEST(LatencyPercentiles, HoldEveryDuration) {
  LatencyPercentiles latencies;
  EXPECT_EQ(latencies.percentile(50), 0u);
  latencies.add(-5);
  EXPECT_EQ(latencies.percentile(50), 0u);
  latencies.add(std::numeric_limits<int64_t>::max());
  EXPECT_EQ(latencies.percentile(100), static_cast<uint64_t>(std::numeric_limits<int64_t>::max()));
  for (uint64_t ns : {uint64_t{1}, uint64_t{127}, uint64_t{128}, uint64_t{129}, uint64_t{1} << 40}) {
    LatencyPercentiles one;
    one.add(static_cast<int64_t>(ns));
    EXPECT_EQ(one.percentile(50), ns);
  }
}

}  // namespace
}  // namespace cambium::tools
