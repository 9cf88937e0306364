#pragma once

#include "server/kafka/wire/shape.h"

// AlterUserScramCredentials (key 51). Source of the fields: AlterUserScramCredentialsRequest.json and
// AlterUserScramCredentialsResponse.json of kafka-clients 4.3.1.

namespace cambium::kafka {

struct AlterUserScramCredentialsRequest {
  static constexpr MessageFacts kFacts{51, "AlterUserScramCredentialsRequest", versions(0, 0), 0};

  struct Deletion {
    Text name;
    int8_t mechanism = 0;

    template <class Self, class Visitor>
    static void describe(Self& m, Visitor& v) {
      v("name", m.name);
      v("mechanism", m.mechanism);
    }
  };

  struct Upsertion {
    Text name;
    int8_t mechanism = 0;
    int32_t iterations = 0;
    Binary salt;
    Binary saltedPassword;

    template <class Self, class Visitor>
    static void describe(Self& m, Visitor& v) {
      v("name", m.name);
      v("mechanism", m.mechanism);
      v("iterations", m.iterations);
      v("salt", m.salt);
      v("saltedPassword", m.saltedPassword);
    }
  };

  kj::Vector<Deletion> deletions;
  kj::Vector<Upsertion> upsertions;

  template <class Self, class Visitor>
  static void describe(Self& m, Visitor& v) {
    v("deletions", m.deletions);
    v("upsertions", m.upsertions);
  }
};

struct AlterUserScramCredentialsResponse {
  static constexpr MessageFacts kFacts{51, "AlterUserScramCredentialsResponse", versions(0, 0), 0};

  struct Result {
    Text user;
    int16_t errorCode = 0;
    kj::Maybe<Text> errorMessage;

    template <class Self, class Visitor>
    static void describe(Self& m, Visitor& v) {
      v("user", m.user);
      v("errorCode", m.errorCode);
      v("errorMessage", m.errorMessage, nullable());
    }
  };

  int32_t throttleTimeMs = 0;
  kj::Vector<Result> results;

  template <class Self, class Visitor>
  static void describe(Self& m, Visitor& v) {
    v("throttleTimeMs", m.throttleTimeMs);
    v("results", m.results);
  }
};

}  // namespace cambium::kafka
