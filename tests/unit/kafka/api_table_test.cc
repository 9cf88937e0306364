#include <fstream>
#include <gtest/gtest.h>
#include <sstream>

#include "server/kafka/api.h"
#include "server/kafka/api_page.h"

namespace cambium::kafka {
namespace {

TEST(ApiTableTest, IsInOrderOfKeys) {
  for (size_t i = 1; i < apis().size(); ++i)
    EXPECT_LT(apis()[i - 1].key, apis()[i].key);
}

// What librdkafka up to 2.10 looks for before it uses record batches, zstd, groups and idempotence.
TEST(ApiTableTest, OldVersionsThatClientsTestForAreAdvertised) {
  struct Floor {
    int16_t key;
    Version version;
  };
  const Floor floors[] = {{0, 3}, {0, 7}, {1, 4}, {1, 10}, {2, 1}, {3, 0}, {18, 0}, {22, 0}};
  for (auto& floor : floors) {
    auto& api = KJ_ASSERT_NONNULL(findApi(floor.key));
    EXPECT_LE(api.advertisedFirst, floor.version) << api.name;
    EXPECT_GE(api.served.last, floor.version) << api.name;
  }
}

// With CAMBIUM_WRITE_PAGES set, writes the page instead of comparing.
TEST(ApiTableTest, ThePageSaysWhatTheTableSays) {
  if (getenv("CAMBIUM_WRITE_PAGES") != nullptr) {
    std::ofstream(CAMBIUM_API_PAGE) << apiPage().cStr();
  }
  std::ifstream file(CAMBIUM_API_PAGE);
  std::stringstream page;
  page << file.rdbuf();
  EXPECT_EQ(page.str(), apiPage().cStr()) << "make it anew: CAMBIUM_WRITE_PAGES=1 kafka_api_test";
}

}  // namespace
}  // namespace cambium::kafka
