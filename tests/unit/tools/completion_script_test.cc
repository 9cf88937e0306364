#include "tools/completion_script.h"

#include <cstdio>
#include <fstream>
#include <gtest/gtest.h>
#include <string>

#include "tests/support/temporary_folder.h"

namespace cambium::tools {
namespace {

// What a command prints, and its exit code.
struct Ran {
  std::string output;
  int status;
};

Ran runBash(const std::string& command) {
  Ran ran{};
  FILE* pipe = popen(command.c_str(), "r");
  KJ_REQUIRE(pipe != nullptr);
  char buffer[4096];
  while (size_t n = fread(buffer, 1, sizeof(buffer), pipe))
    ran.output.append(buffer, n);
  ran.status = pclose(pipe);
  return ran;
}

class CompletionTest : public ::testing::Test {
 public:
  ~CompletionTest() noexcept override = default;

 protected:
  CompletionTest() : path_(std::string(folder_.path().cStr()) + "/completion.bash") {
    std::ofstream(path_) << bashCompletion(allCommands()).cStr();
  }

  // What bash would offer for `line` with the cursor at its end, in one line.
  std::string offered(const std::string& line) {
    auto ran =
        runBash("bash -c 'cambium() { [[ \"$*\" == *--broker=h:1* ]] && echo far || echo near; }; source " + path_ +
                "; COMP_LINE=\"" + line + "\"; COMP_POINT=${#COMP_LINE}; _cambium; echo -n \"${COMPREPLY[*]}\"' 2>&1");
    EXPECT_EQ(ran.status, 0) << ran.output;
    return ran.output;
  }

  TemporaryFolder folder_;
  std::string path_;
};

TEST_F(CompletionTest, IsAScript) {
  auto ran = runBash("bash -n " + path_ + " 2>&1");
  EXPECT_EQ(ran.status, 0) << ran.output;
}

TEST_F(CompletionTest, OffersCommands) {
  EXPECT_EQ(offered("cambium to"), "topic");
  EXPECT_EQ(offered("cambium topic de"), "describe delete");
  EXPECT_EQ(offered("cambium --json perf "), "produce consume");
}

TEST_F(CompletionTest, OffersFlagsAndTheirValues) {
  EXPECT_EQ(offered("cambium topic create x --p"), "--partitions");
  EXPECT_EQ(offered("cambium produce words --ac"), "--acks");
  EXPECT_EQ(offered("cambium produce words --acks="), "all leader none");
  EXPECT_EQ(offered("cambium produce words --acks le"), "leader");
  EXPECT_EQ(offered("cambium consume words --from=b"), "beginning");
}

TEST_F(CompletionTest, OffersTopicsOfTheBroker) {
  EXPECT_EQ(offered("cambium consume "), "near");
  EXPECT_EQ(offered("cambium --broker=h:1 topic describe "), "far");
  EXPECT_EQ(offered("cambium --broker h:1 produce --acks none f"), "far");
  EXPECT_EQ(offered("cambium topic create n"), "");
}

}  // namespace
}  // namespace cambium::tools
