#pragma once

#include <kj/array.h>
#include <kj/string.h>
#include <kj/vector.h>

#include "engine/base/quantity.h"

namespace cambium::bench {

// What is expected of two subjects of one workload. "native/file>=0.5": native does at least half as many operations a
// second as file in the same round. "rocksdb/native<=3": one of rocksdb takes at most three times as long.
// "cambium/kafka:cpu<=0.25": cambium takes at most a quarter of kafka's processor time per record.
struct Gate {
  enum class Kind { kSpeedAtLeast, kTimeAtMost, kCpuAtMost };
  kj::String subject;
  kj::String probe;
  Kind kind;
  double limit;

  kj::String describe() const;
};

// One line of a workload file: what is done, with how much, by whom. See README.md.
struct Workload {
  kj::String title;  // the line without subjects and gates
  kj::String name;
  Bytes batch = kibibytes(64);   // of one record batch, or of one small record
  Bytes total = mebibytes(256);  // written, or read, in one round
  Bytes take = kibibytes(64);    // asked for by one read
  uint64_t operations = 1000;    // where they are counted rather than bytes
  uint64_t window = 1;           // calls under way
  unsigned rounds = 5;
  kj::String codec = kj::str("none");  // of the batches of check
  bool freshMemory = false;            // of write-path: memory that nobody used lately
  // Of the Kafka workloads: what a producer asks for, and the topic it writes to.
  kj::String acks = kj::str("1");
  uint64_t partitions = 1;
  kj::String durability = kj::str("os");
  uint64_t rate = 20'000;  // records a second, in an open loop
  uint64_t lingerMs = 5;
  uint64_t clients = 1;  // that produce at the same time
  kj::Vector<kj::String> subjects;
  kj::Vector<Gate> gates;

  uint64_t batches() const { return kj::max(total.value() / batch.value(), uint64_t{1}); }
};

// The workloads of a text; `source` is for messages. Throws naming source and line.
kj::Vector<Workload> parseWorkloads(kj::StringPtr text, kj::StringPtr source);

}  // namespace cambium::bench
