#include <gtest/gtest.h>

#include "tests/unit/inspect/stores.h"

namespace cambium::tools {
namespace {

bool has(const Outcome& outcome, kj::StringPtr part) {
  return outcome.out.find(part.cStr()) != std::string::npos;
}

class NativeInspection : public ::testing::Test {
 protected:
  ~NativeInspection() noexcept override = default;
  NativeStore store_;
};

TEST_F(NativeInspection, CleanStoreIsOk) {
  store_.fill();
  store_.closeCleanly();
  auto before = fingerprint(store_.path());
  auto outcome = verify(store_.path());
  EXPECT_EQ(outcome.code, 0) << outcome.out;
  EXPECT_EQ(outcome.out.rfind("ok: 0 errors, 0 warnings, 0 notes; checked 200 batches, 2000 records", 0), 0u)
      << outcome.out;
  EXPECT_EQ(fingerprint(store_.path()), before);
  auto listed = look({.path = kj::str(store_.path())});
  EXPECT_TRUE(has(listed, "words-1")) << listed.out;
}

}  // namespace
}  // namespace cambium::tools
