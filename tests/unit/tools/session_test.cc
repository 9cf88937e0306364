#include "tools/session.h"

#include <fcntl.h>
#include <gtest/gtest.h>
#include <string>

namespace cambium::tools {
namespace {

// A broker that takes connections and says nothing.
TEST(SessionTest, AWaitThatTakesTooLongIsGivenUp) {
  auto io = kj::setupAsyncIo();
  auto silent = io.provider->getNetwork().parseAddress("127.0.0.1").wait(io.waitScope)->listen();
  kj::AutoCloseFd nowhere(open("/dev/null", O_WRONLY | O_CLOEXEC));
  Output output(nowhere.get(), nowhere.get());
  auto address = kj::str("127.0.0.1:", silent->getPort());
  Session session(io, CommonOptions{kj::str(address), false, 20 * kj::MILLISECONDS}, nullptr, output);
  KJ_IF_MAYBE(thrown, kj::runCatchingExceptions([&] { session.answer(session.admin().info()).wait(io.waitScope); })) {
    std::string said = thrown->getDescription().cStr();
    EXPECT_NE(said.find("gave up after"), std::string::npos) << said;
    EXPECT_NE(said.find(kj::str("waiting for the broker at ", address, " to answer (--timeout)").cStr()),
              std::string::npos)
        << said;
  } else {
    ADD_FAILURE() << "nobody answers";
  }
  EXPECT_EQ(session.waitFor(kj::str("what is there"), kj::Promise<int>(7)).wait(io.waitScope), 7);
}

TEST(SessionTest, WithoutALimitItIsSaidSo) {
  auto io = kj::setupAsyncIo();
  kj::AutoCloseFd nowhere(open("/dev/null", O_WRONLY | O_CLOEXEC));
  Output output(nowhere.get(), nowhere.get());
  Session forEver(io, CommonOptions{kj::str("127.0.0.1:1"), false, nullptr}, nullptr, output);
  EXPECT_EQ(forEver.untilTimeout(), "; for as long as it takes (--timeout=0)");
  Session limited(io, CommonOptions{kj::str("127.0.0.1:1"), false, 90 * kj::SECONDS}, nullptr, output);
  EXPECT_EQ(limited.untilTimeout(), "; gives up after 90 s (--timeout)");
}

}  // namespace
}  // namespace cambium::tools
