#include <map>

#include "server/kafka/error_code.h"
#include "server/kafka/handlers/handlers.h"

// DescribeUserScramCredentials and AlterUserScramCredentials. This broker does not authenticate its clients, so it
// keeps no credentials: whoever is asked for is not there, and storing one is refused.

namespace cambium::kafka {

namespace {

// SCRAM-SHA-256 and SCRAM-SHA-512 (KIP-554).
bool isMechanism(int8_t mechanism) {
  return mechanism == 1 || mechanism == 2;
}

struct Refusal {
  int16_t code;
  kj::String message;
};

kj::Maybe<Refusal> refusalOf(std::string_view user, int8_t mechanism) {
  if (user.empty()) return Refusal{wire_code::kUnacceptableCredential, kj::str("a user needs a name")};
  if (isMechanism(mechanism)) return nullptr;
  return Refusal{wire_code::kUnsupportedSaslMechanism,
                 kj::str("SCRAM mechanism ", mechanism, " is not known; expected 1 or 2")};
}

}  // namespace

kj::Promise<DescribeUserScramCredentialsResponse> handle(RequestContext&,
                                                         DescribeUserScramCredentialsRequest& request) {
  DescribeUserScramCredentialsResponse response;
  KJ_IF_MAYBE(users, request.users) {
    std::map<std::string_view, size_t> times;
    for (auto& user : *users)
      ++times[user.name.view()];
    for (auto& [name, count] : times) {
      auto& answer = response.results.add();
      answer.user = name;
      auto error = count > 1 ? makeError(ErrorCode::kDuplicateResource, "the user is named twice in one request")
                             : makeError(ErrorCode::kResourceNotFound, "there are no credentials of this user");
      answer.errorCode = wireCode(error.code);
      answer.errorMessage = wireMessage(error);
    }
  }
  return kj::mv(response);
}

kj::Promise<AlterUserScramCredentialsResponse> handle(RequestContext&, AlterUserScramCredentialsRequest& request) {
  // What a user is answered: the first thing that is wrong with what was asked for it.
  std::map<std::string_view, Refusal> refusals;
  auto refuse = [&](std::string_view user, int8_t mechanism, ErrorCode otherwise, kj::StringPtr message) {
    auto refusal = refusalOf(user, mechanism).orDefault(Refusal{wireCode(otherwise), kj::str(message)});
    refusals.emplace(user, kj::mv(refusal));
  };
  for (auto& deletion : request.deletions) {
    refuse(deletion.name.view(), deletion.mechanism, ErrorCode::kResourceNotFound,
           "there are no credentials of this user");
  }
  for (auto& upsertion : request.upsertions) {
    refuse(upsertion.name.view(), upsertion.mechanism, ErrorCode::kUnsupportedVersion,
           "this broker does not authenticate its clients, so it keeps no credentials");
  }
  AlterUserScramCredentialsResponse response;
  for (auto& [user, refusal] : refusals) {
    auto& answer = response.results.add();
    answer.user = user;
    answer.errorCode = refusal.code;
    answer.errorMessage = Text(kj::mv(refusal.message));
  }
  return kj::mv(response);
}

}  // namespace cambium::kafka
