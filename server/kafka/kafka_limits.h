#pragma once

#include "engine/base/quantity.h"

namespace cambium::kafka {

// What Kafka clients may ask of one event loop.
struct KafkaLimits {
  Bytes frameBytesMax = mebibytes(100);     // of one request
  Bytes requestBytesMax = mebibytes(512);   // of all requests that are being received or served; half is for large ones
  Bytes largeFrameBytes = mebibytes(1);     // a request beyond this is a large one
  Bytes unsentBytesMax = mebibytes(16);     // of answers that one client has not taken: it is read no further
  Bytes fetchBytesMax = mebibytes(55);      // of records in one answer
  Bytes partitionBytesMax = mebibytes(8);   // of records of one partition in it: they are read in one go
  unsigned requestsPerConnectionMax = 256;  // being served at the same time
  unsigned connectionsMax = 20'000;         // more wait to be accepted
  int64_t idleMsMax = 10 * 60 * 1000;       // a connection without a request is closed
  int64_t frameStepMsMax = 30 * 1000;       // for each further part of a frame that has begun
  // A large request that comes more slowly than this, for so long, loses its place when others wait for room.
  Bytes slowBytesPerSecond = kibibytes(128);
  int64_t slowMsMax = 2 * 1000;
  int64_t untakenMsMax = 10 * 60 * 1000;  // a client that takes no answer for so long is cut off
  int64_t answerWaitMsMax = 30 * 1000;    // a request whose answer finds no room for so long closes its connection
  int64_t pressedUntakenMsMax =
      5 * 1000;                        // as untakenMsMax, for any part, while others wait for room for their answers
  int64_t afterEndMsMax = 5 * 1000;    // for what is under way when a client has ended its side
  int64_t fetchWaitMsMax = 60 * 1000;  // of a fetch, whatever it asks for
  unsigned fetchSessionsMax = 1000;    // incremental fetch sessions (KIP-227)
  int sendBufferBytes = 1 << 20;       // SO_SNDBUF: what a slow client can hold in the system
};

}  // namespace cambium::kafka
