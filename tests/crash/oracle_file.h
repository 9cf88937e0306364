#pragma once

#include <map>
#include <set>
#include <string>

#include <kj/io.h>
#include <kj/string.h>

namespace cambium {

// A file of what producers sent and of what they were told, a line each, written before each send and after each
// acknowledgement, so that it outlives whatever ends:
//
//     s kafka-0 17
//     a kafka-0 17 1204           record 17 is at offset 1204
class OracleFile {
 public:
  explicit OracleFile(kj::StringPtr path);
  KJ_DISALLOW_COPY(OracleFile);

  void sending(kj::StringPtr producer, int64_t number);
  void acknowledged(kj::StringPtr producer, int64_t number, int64_t offset);

  struct Told {
    std::set<int64_t> sent;
    std::map<int64_t, int64_t> acknowledged;  // number → offset
  };
  // What the file says, by producer.
  std::map<std::string, Told> read() const;

 private:
  void append(kj::StringPtr line);

  kj::String path_;
  kj::AutoCloseFd file_;
};

}  // namespace cambium
