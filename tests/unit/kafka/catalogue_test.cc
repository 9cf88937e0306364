#include "server/kafka/wire/catalogue.h"

#include <fstream>
#include <gtest/gtest.h>
#include <iostream>
#include <sstream>

#include "server/kafka/wire/all_messages.h"

namespace cambium::kafka {
namespace {

kj::String wholeCatalogue() {
  kj::Vector<kj::String> all;
#define CAMBIUM_X(Name)                \
  all.add(catalogue<Name##Request>()); \
  all.add(catalogue<Name##Response>());
  CAMBIUM_KAFKA_MESSAGES(CAMBIUM_X)
#undef CAMBIUM_X
  return kj::strArray(all, "");
}

// The text beside this file was made from Kafka's public schemas (tests/interop/schema_catalogue.py), not from ours.
TEST(CatalogueTest, FieldsAreThoseOfThePublicSchemas) {
  std::ifstream file(CAMBIUM_CATALOGUE_GOLDEN);
  std::stringstream golden;
  golden << file.rdbuf();
  auto ours = wholeCatalogue();
  std::stringstream lines(ours.cStr());
  std::string mine, theirs;
  for (int line = 1; std::getline(lines, mine); ++line) {
    ASSERT_TRUE(std::getline(golden, theirs)) << "the golden text ends before line " << line << ": " << mine;
    ASSERT_EQ(mine, theirs) << "line " << line;
  }
  EXPECT_FALSE(std::getline(golden, theirs)) << "missing: " << theirs;
}

}  // namespace
}  // namespace cambium::kafka
