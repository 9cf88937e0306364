#pragma once

#include "server/kafka/wire/shape.h"

// DescribeUserScramCredentials (key 50). Source of the fields: DescribeUserScramCredentialsRequest.json and
// DescribeUserScramCredentialsResponse.json of kafka-clients 4.3.1.

namespace cambium::kafka {

struct DescribeUserScramCredentialsRequest {
  static constexpr MessageFacts kFacts{50, "DescribeUserScramCredentialsRequest", versions(0, 0), 0};

  struct User {
    Text name;

    template <class Self, class Visitor>
    static void describe(Self& m, Visitor& v) {
      v("name", m.name);
    }
  };

  kj::Maybe<kj::Vector<User>> users;

  template <class Self, class Visitor>
  static void describe(Self& m, Visitor& v) {
    v("users", m.users, nullable());
  }
};

struct DescribeUserScramCredentialsResponse {
  static constexpr MessageFacts kFacts{50, "DescribeUserScramCredentialsResponse", versions(0, 0), 0};

  struct Result {
    struct CredentialInfo {
      int8_t mechanism = 0;
      int32_t iterations = 0;

      template <class Self, class Visitor>
      static void describe(Self& m, Visitor& v) {
        v("mechanism", m.mechanism);
        v("iterations", m.iterations);
      }
    };

    Text user;
    int16_t errorCode = 0;
    kj::Maybe<Text> errorMessage;
    kj::Vector<CredentialInfo> credentialInfos;

    template <class Self, class Visitor>
    static void describe(Self& m, Visitor& v) {
      v("user", m.user);
      v("errorCode", m.errorCode);
      v("errorMessage", m.errorMessage, nullable());
      v("credentialInfos", m.credentialInfos);
    }
  };

  int32_t throttleTimeMs = 0;
  int16_t errorCode = 0;
  kj::Maybe<Text> errorMessage;
  kj::Vector<Result> results;

  template <class Self, class Visitor>
  static void describe(Self& m, Visitor& v) {
    v("throttleTimeMs", m.throttleTimeMs);
    v("errorCode", m.errorCode);
    v("errorMessage", m.errorMessage, nullable());
    v("results", m.results);
  }
};

}  // namespace cambium::kafka
