#include <cerrno>
#include <fcntl.h>
#include <gtest/gtest.h>
#include <sys/stat.h>
#include <unistd.h>

#include <kj/async-io.h>
#include <kj/io.h>

#include "tests/support/temporary_folder.h"
#include "tools/input_file.h"
#include "tools/output.h"

namespace cambium::tools {
namespace {

struct Pipe {
  kj::AutoCloseFd in;
  kj::AutoCloseFd out;

  Pipe() {
    int fds[2];
    KJ_SYSCALL(pipe2(fds, O_CLOEXEC));
    out = kj::AutoCloseFd(fds[0]);
    in = kj::AutoCloseFd(fds[1]);
  }
};

kj::String readAll(int fd) {
  return kj::FdInputStream(fd).readAllText();
}

void writeTo(int fd, kj::StringPtr text) {
  kj::FdOutputStream(fd).write(text.begin(), text.size());
}

class InputFileTest : public ::testing::Test {
 public:
  ~InputFileTest() noexcept override = default;

 protected:
  kj::String read(InputFile& file) {
    kj::byte buffer[16];
    size_t n = file.read(buffer).wait(io_.waitScope);
    return kj::str(kj::arrayPtr(buffer, n).asChars());
  }

  kj::AsyncIoContext io_ = kj::setupAsyncIo();
  TemporaryFolder folder_;
};

TEST_F(InputFileTest, ReadsARegularFile) {
  auto path = kj::str(folder_.path(), "/input");
  kj::AutoCloseFd fd(open(path.cStr(), O_WRONLY | O_CREAT | O_CLOEXEC, 0600));
  writeTo(fd, "0123456789abcdefXYZ");
  InputFile file(io_.unixEventPort, path);
  EXPECT_EQ(KJ_ASSERT_NONNULL(file.size()), 19u);
  EXPECT_EQ(read(file), "0123456789abcdef");
  EXPECT_EQ(read(file), "XYZ");
  EXPECT_EQ(read(file), "");
}

TEST_F(InputFileTest, WaitsForAPipeWithoutHoldingUpTheLoop) {
  auto path = kj::str(folder_.path(), "/fifo");
  KJ_SYSCALL(mkfifo(path.cStr(), 0600));
  // Opened for both, so that neither end waits for the other.
  kj::AutoCloseFd writer(open(path.cStr(), O_RDWR | O_CLOEXEC));
  InputFile file(io_.unixEventPort, path);
  kj::byte buffer[16];
  auto reading = file.read(buffer);
  EXPECT_FALSE(reading.poll(io_.waitScope));
  writeTo(writer, "late");
  EXPECT_EQ(reading.wait(io_.waitScope), 4u);
  // What came before it was asked for, and an event that nobody waited for.
  writeTo(writer, "early");
  io_.provider->getTimer().afterDelay(0 * kj::NANOSECONDS).wait(io_.waitScope);
  EXPECT_EQ(read(file), "early");
  auto atEnd = file.read(buffer);
  EXPECT_FALSE(atEnd.poll(io_.waitScope));
  writer = nullptr;
  EXPECT_EQ(atEnd.wait(io_.waitScope), 0u);
}

TEST_F(InputFileTest, NamesWhatCannotBeRead) {
  auto failure = [&](kj::StringPtr path) {
    KJ_IF_MAYBE(e, kj::runCatchingExceptions([&] { InputFile file(io_.unixEventPort, path); })) {
      return kj::str(e->getDescription());
    }
    return kj::str("none");
  };
  auto missing = kj::str(folder_.path(), "/missing");
  EXPECT_EQ(failure(missing), kj::str("cannot open ", missing, ": No such file or directory"));
  EXPECT_EQ(failure(folder_.path()), kj::str("cannot read ", folder_.path(), ": Is a directory"));
}

TEST(Output, KeepsOutputAndComplaintsInOrder) {
  Pipe both;
  Output output(both.in, both.in);
  output.write("first\n"_kj);
  output.complain("a\nb");
  output.write("last\n"_kj);
  output.flush();
  both.in = nullptr;
  EXPECT_EQ(readAll(both.out), "first\ncambium: a b\nlast\n");
}

TEST(Output, GathersUntilABlockIsThere) {
  Pipe pipe;
  KJ_SYSCALL(fcntl(pipe.out, F_SETFL, O_NONBLOCK));
  Output output(pipe.in, pipe.in);
  output.write("little"_kj);
  char byte;
  EXPECT_EQ(::read(pipe.out, &byte, 1), -1);
  EXPECT_EQ(errno, EAGAIN);
  output.flush();
  EXPECT_EQ(::read(pipe.out, &byte, 1), 1);
}

TEST(Output, NoticesThatItsReaderHasGone) {
  Pipe pipe;
  Pipe errors;
  Output output(pipe.in, errors.in);
  EXPECT_FALSE(output.closed());
  pipe.out = nullptr;
  EXPECT_TRUE(output.closed());

  Pipe another;
  Output writing(another.in, errors.in);
  another.out = nullptr;
  auto handler = signal(SIGPIPE, SIG_IGN);
  writing.write("dropped"_kj);
  writing.flush();
  signal(SIGPIPE, handler);
  EXPECT_TRUE(writing.closed());
}

TEST(Output, OtherWriteErrorsThrow) {
  kj::AutoCloseFd full(open("/dev/full", O_WRONLY | O_CLOEXEC));
  Output output(full, STDERR_FILENO);
  output.write("text"_kj);
  auto failure = kj::runCatchingExceptions([&] { output.flush(); });
  ASSERT_TRUE(failure != nullptr);
  EXPECT_TRUE(KJ_ASSERT_NONNULL(failure).getDescription().startsWith("cannot write standard output: No space left"));
  // What says so does not fail for the same reason.
  EXPECT_TRUE(kj::runCatchingExceptions([&] { output.flush(); }) == nullptr);
}

}  // namespace
}  // namespace cambium::tools
