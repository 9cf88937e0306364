#pragma once

#include "bench/kafka/frames.h"

namespace cambium::bench {

struct NullBrokerConfig {
  kj::String host;
  uint16_t port;
  int32_t partitions;  // of every topic that is asked for
  kj::String folder;   // where files without a name are made
  bool walksRecords;   // looks at every record of uncompressed batches, as a broker does
};

// The null broker's side of one connection: what a broker cannot leave out (receive, check the CRC, write, answer), and
// nothing else, unless it is to walk over the records as well. No topics, no offsets index, no state: whatever topic is
// named has `partitions` partitions, each a file without a name that is gone when the connection ends.
//
// Speaks ApiVersions 0-3, Metadata 1-4 and Produce 3-9. Also claims Fetch 4, without which librdkafka would send the
// record format of 2015; whoever fetches loses the connection.
class NullAnswers {
 public:
  explicit NullAnswers(const NullBrokerConfig& config) : config_(config) {}
  ~NullAnswers();
  KJ_DISALLOW_COPY(NullAnswers);

  // Does what one request (without its length) asks for, and appends the answer, if it wants one. Throws on anything
  // that it does not speak, on a bad CRC, and when the file cannot be written.
  void answer(ByteView request, FrameWriter& out);

 private:
  struct File {
    int32_t partition;
    int fd;
    int64_t bytes;
    int64_t records;
  };

  void apiVersions(int16_t version, FrameWriter& out) const;
  void metadata(int16_t version, FrameReader& in, FrameWriter& out) const;
  void metadataTopic(kj::StringPtr name, FrameWriter& out) const;
  // Returns whether an answer is wanted.
  bool produce(int16_t version, FrameReader& in, FrameWriter& out);
  // The base offset.
  int64_t append(int32_t partition, ByteView records);
  File& fileOf(int32_t partition);

  const NullBrokerConfig& config_;
  kj::Vector<File> files_;
};

}  // namespace cambium::bench
