#include "tests/broker/kafka_fixture.h"

// What a broker without security and quotas answers to those who ask for them, as Apache Kafka 4.3.1 without an
// authorizer does.

namespace cambium::kafka {
namespace {

class KafkaSecurityTest : public KafkaTest {};
CAMBIUM_EVERY_KAFKA_DEPLOYMENT(KafkaSecurityTest);

TEST_P(KafkaSecurityTest, ThereAreNoAcls) {
  for (Version version : {1, 2, 3}) {
    DescribeAclsRequest describe;
    describe.resourceTypeFilter = 1;
    auto described = call(describe, version);
    EXPECT_EQ(described->errorCode, 54);
    EXPECT_TRUE(described->errorMessage != nullptr);
    EXPECT_EQ(described->resources.size(), 0u);

    CreateAclsRequest create;
    EXPECT_EQ(call(create, version)->results.size(), 0u);
    create.creations.add().principal = "User:alice";
    create.creations.add().principal = "User:bob";
    auto created = call(create, version);
    ASSERT_EQ(created->results.size(), 2u);
    for (auto& result : created->results)
      EXPECT_EQ(result.errorCode, 54);

    DeleteAclsRequest remove;
    remove.filters.add();
    auto removed = call(remove, version);
    ASSERT_EQ(removed->filterResults.size(), 1u);
    EXPECT_EQ(removed->filterResults[0].errorCode, 54);
    EXPECT_EQ(removed->filterResults[0].matchingAcls.size(), 0u);
  }
}

TEST_P(KafkaSecurityTest, ThereAreNoQuotas) {
  struct Component {
    const char* type;
    int8_t match;
    kj::Maybe<const char*> name;
  };
  auto described = [&](std::initializer_list<Component> components, Version version = 1) {
    DescribeClientQuotasRequest request;
    for (auto& one : components) {
      auto& component = request.components.add();
      component.entityType = one.type;
      component.matchType = one.match;
      KJ_IF_MAYBE(name, one.name) component.match = Text(*name);
    }
    auto answer = call(request, version);
    EXPECT_EQ(answer->entries == nullptr, answer->errorCode != 0);
    KJ_IF_MAYBE(entries, answer->entries) EXPECT_EQ(entries->size(), 0u);
    return answer->errorCode;
  };
  EXPECT_EQ(described({}), 0);
  EXPECT_EQ(described({}, 0), 0);
  EXPECT_EQ(described({{"user", 0, "alice"}, {"client-id", 2, nullptr}}), 0);
  EXPECT_EQ(described({{"galaxy", 0, "alice"}}), 35);
  EXPECT_EQ(described({{"", 0, "alice"}}), 42);
  EXPECT_EQ(described({{"user", 9, "alice"}}), 42);
  EXPECT_EQ(described({{"user", 0, nullptr}}), 42);
  EXPECT_EQ(described({{"user", 2, nullptr}, {"user", 2, nullptr}}), 42);
  EXPECT_EQ(described({{"user", 2, nullptr}, {"ip", 2, nullptr}}), 42);
}

TEST_P(KafkaSecurityTest, QuotasCanBeTakenAwayAndNotSet) {
  auto altered = [&](const char* type, const char* key, bool remove) {
    AlterClientQuotasRequest request;
    auto& entry = request.entries.add();
    auto& entity = entry.entity.add();
    entity.entityType = type;
    entity.entityName = Text("alice");
    auto& op = entry.ops.add();
    op.key = key;
    op.value = 1024.5;
    op.remove = remove;
    auto answer = call(request, 1);
    EXPECT_EQ(answer->entries[0].entity[0].entityType.str(), type);
    return answer->entries[0].errorCode;
  };
  EXPECT_EQ(altered("user", "producer_byte_rate", true), 0);
  EXPECT_EQ(altered("user", "producer_byte_rate", false), 35);
  EXPECT_EQ(altered("user", "nonsense", false), 42);
  EXPECT_EQ(altered("galaxy", "producer_byte_rate", true), 42);
  EXPECT_EQ(call(AlterClientQuotasRequest{}, 0)->entries.size(), 0u);
  AlterClientQuotasRequest nobodys;
  nobodys.entries.add();
  EXPECT_EQ(call(nobodys, 1)->entries[0].errorCode, 42);
}

TEST_P(KafkaSecurityTest, ThereAreNoCredentials) {
  DescribeUserScramCredentialsRequest all;
  auto nobody = call(all, 0);
  EXPECT_EQ(nobody->errorCode, 0);
  EXPECT_EQ(nobody->results.size(), 0u);
  DescribeUserScramCredentialsRequest some;
  auto& users = some.users.emplace();
  for (auto name : {"alice", "bob", "alice"})
    users.add().name = name;
  auto described = call(some, 0);
  ASSERT_EQ(described->results.size(), 2u);
  EXPECT_EQ(described->results[0].errorCode, 92) << "alice, named twice";
  EXPECT_EQ(described->results[1].errorCode, 91);
}

TEST_P(KafkaSecurityTest, CredentialsCannotBeStored) {
  AlterUserScramCredentialsRequest request;
  auto remove = [&](const char* user, int8_t mechanism) {
    auto& deletion = request.deletions.add();
    deletion.name = user;
    deletion.mechanism = mechanism;
  };
  remove("alice", 1);
  remove("bob", 9);
  remove("", 1);
  auto& upsertion = request.upsertions.add();
  upsertion.name = "carol";
  upsertion.mechanism = 2;
  upsertion.iterations = 4096;
  auto answer = call(request, 0);
  std::string codes;
  for (auto& result : answer->results)
    codes += kj::str(result.user, "=", result.errorCode, " ").cStr();
  EXPECT_EQ(codes, "=93 alice=91 bob=33 carol=35 ");
  EXPECT_EQ(call(AlterUserScramCredentialsRequest{}, 0)->results.size(), 0u);
}

}  // namespace
}  // namespace cambium::kafka
