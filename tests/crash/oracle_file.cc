#include "tests/crash/oracle_file.h"

#include <fcntl.h>
#include <fstream>

#include <kj/debug.h>

namespace cambium {

namespace {

kj::AutoCloseFd openForAppending(kj::StringPtr path) {
  int fd;
  KJ_SYSCALL(fd = open(path.cStr(), O_WRONLY | O_CREAT | O_APPEND | O_CLOEXEC, 0600), path);
  return kj::AutoCloseFd(fd);
}

}  // namespace

OracleFile::OracleFile(kj::StringPtr path) : path_(kj::str(path)), file_(openForAppending(path)) {}

void OracleFile::append(kj::StringPtr line) {
  kj::FdOutputStream(file_.get()).write(line.begin(), line.size());
}

void OracleFile::sending(kj::StringPtr producer, int64_t number) {
  append(kj::str("s ", producer, ' ', number, '\n'));
}

void OracleFile::acknowledged(kj::StringPtr producer, int64_t number, int64_t offset) {
  append(kj::str("a ", producer, ' ', number, ' ', offset, '\n'));
}

std::map<std::string, OracleFile::Told> OracleFile::read() const {
  std::map<std::string, Told> all;
  std::ifstream in(path_.cStr());
  std::string what, producer;
  int64_t number, offset;
  while (in >> what >> producer >> number) {
    auto& told = all[producer];
    if (what == "s") {
      told.sent.insert(number);
    } else {
      in >> offset;
      told.acknowledged[number] = offset;
    }
  }
  return all;
}

}  // namespace cambium
