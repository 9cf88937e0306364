#include <cstdio>
#include <fstream>
#include <gtest/gtest.h>

#include "server/http/metrics_page.h"
#include "tests/support/temporary_folder.h"
#include "tests/unit/http/sample_snapshot.h"

namespace cambium {
namespace {

struct Verdict {
  int status;
  std::string text;
};

// What Prometheus' own checker says of a page.
Verdict promtool(const std::string& page) {
  TemporaryFolder folder;
  auto file = folder.path("page"_kj);
  std::ofstream(file.cStr()) << page;
  auto command = kj::str(CAMBIUM_PROMTOOL " check metrics < '", file, "' 2>&1");
  FILE* pipe = popen(command.cStr(), "r");
  KJ_REQUIRE(pipe != nullptr, "cannot start promtool");
  std::string text;
  char piece[256];
  while (size_t size = fread(piece, 1, sizeof(piece), pipe))
    text.append(piece, size);
  return {pclose(pipe), text};
}

TEST(PromtoolTest, HasNothingToSayOfThePages) {
  auto full = promtool(metricsPage(sampleSnapshot()));
  EXPECT_EQ(full.status, 0) << full.text;
  EXPECT_EQ(full.text, "");
  auto empty = promtool(metricsPage(MetricsSnapshot()));
  EXPECT_EQ(empty.status, 0) << empty.text;
  EXPECT_EQ(empty.text, "");
}

TEST(PromtoolTest, WouldFindFaults) {
  EXPECT_NE(promtool("cambium_things 1\n").status, 0);
  EXPECT_NE(promtool("# HELP cambium_things Things.\n# TYPE cambium_things counter\ncambium_things 1\n").status, 0);
  EXPECT_NE(promtool("cambium things\n").status, 0);
}

}  // namespace
}  // namespace cambium
