#pragma once

#include "server/kafka/request_context.h"
#include "server/kafka/wire/writer.h"

namespace cambium::kafka {

// A request that cannot be read, or whose failure cannot be answered: its connection is closed.
struct Malformed {
  kj::String reason;
};

// An answer as bytes, frame length and response header included; keeps alive what it refers to. Null: none is sent
// (Produce with acks=0).
using Reply = kj::Maybe<Encoded>;

// One API as the broker serves it: a row of the table that dispatch, ApiVersions and the docs are made from.
struct Api {
  int16_t key;
  const char* name;
  VersionRange served;
  // What ApiVersions says at the lower end. Below `served.first` where old clients look for a version that they need
  // not use (librdkafka's feature tests).
  Version advertisedFirst;
  Version flexibleSince;
  // Requests of this API may follow one another before the first one is answered. All others begin when everything
  // before them on their connection is done.
  bool pipelined;
  // Reads the request from `body`, serves it and encodes the answer. Both parameters live until the promise is done. A
  // body that is no such request gives a Malformed.
  kj::Promise<kj::OneOf<Reply, Malformed>> (*serve)(RequestContext& context, ByteView body);

  bool flexible(Version version) const { return version >= flexibleSince; }
};

// All of them, by key.
kj::ArrayPtr<const Api> apis();
kj::Maybe<const Api&> findApi(int16_t key);

}  // namespace cambium::kafka
