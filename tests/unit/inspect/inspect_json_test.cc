#include <gtest/gtest.h>
#include <set>

#include <capnp/compat/json.h>
#include <capnp/message.h>

#include "tests/unit/inspect/stores.h"

namespace cambium::tools {
namespace {

// Objects have no key twice, at any depth.
void requireUniqueKeys(capnp::JsonValue::Reader value) {
  if (value.isArray()) {
    for (auto element : value.getArray())
      requireUniqueKeys(element);
  }
  if (!value.isObject()) return;
  std::set<std::string> names;
  for (auto field : value.getObject()) {
    KJ_REQUIRE(names.insert(field.getName().cStr()).second, "a key stands twice in an object", field.getName());
    requireUniqueKeys(field.getValue());
  }
}

// Throws unless `text` is one sound JSON document.
void requireJson(const std::string& text) {
  capnp::JsonCodec codec;
  capnp::MallocMessageBuilder message;
  auto value = message.initRoot<capnp::JsonValue>();
  codec.decodeRaw(kj::StringPtr(text.c_str(), text.size()), value);
  requireUniqueKeys(value);
}

class InspectionJson : public ::testing::Test {
 protected:
  ~InspectionJson() noexcept override = default;

  // The document, with the temporary folder's path left out.
  std::string document(InspectOptions options) {
    options.json = true;
    auto text = look(kj::mv(options)).out;
    std::string path = store_.path().cStr();
    for (size_t at; (at = text.find(path)) != std::string::npos;)
      text.replace(at, path.size(), "");
    return text;
  }

  NativeStore store_;
};

TEST_F(InspectionJson, OneBatchWithItsRecordsIsThisDocument) {
  {
    auto log = store_.open(0);
    log->append(recordBatch(Offset(0), 2, TimestampMs(1700000000000)));
    syncNow(*log);
  }
  store_.closeCleanly();
  auto text = document({.path = store_.path("native/words-0/00000000000000000000.log"), .records = true});
  std::string x(100, 'x');
  auto record = [&](int n) {
    return "{\"offset\":" + std::to_string(n) + ",\"timestamp\":170000000000" + std::to_string(n) + ",\"key\":\"key-" +
           std::to_string(n) + "\",\"value\":\"value-" + std::to_string(n) + "-" + x + "\"}";
  };
  EXPECT_EQ(
      text,
      R"({"path":"/native/words-0/00000000000000000000.log","kind":"segment","verified":false,"segments":[)"
      R"({"file":"00000000000000000000.log","baseOffset":0,"endOffset":2,"bytes":305,"maxTimestamp":1700000000001,)"
      R"("indexEntries":0,"timeIndexEntries":1,"active":true,"batches":[)"
      R"({"baseOffset":0,"lastOffset":1,"position":0,"bytes":305,"recordCount":2,"codec":"none",)"
      R"("baseTimestamp":1700000000000,"maxTimestamp":1700000000001,"timestampType":"create","leaderEpoch":0,)"
      R"("producerId":-1,"producerEpoch":-1,"baseSequence":-1,"transactional":false,"control":false,"crc":"ok",)"
      R"("records":[)" +
          record(0) + "," + record(1) + "]}]}],\"errors\":0,\"warnings\":0,\"notes\":0,\"ok\":true,\"findings\":[]}\n");
}

TEST_F(InspectionJson, EveryDocumentParsesAndIsStable) {
  store_.fill();
  store_.closeCleanly();
  auto all = document({.path = kj::str(store_.path()),
                       .verify = true,
                       .batches = true,
                       .records = true,
                       .deep = true,
                       .entries = true});
  requireJson(all);
  EXPECT_EQ(document({.path = kj::str(store_.path()),
                      .verify = true,
                      .batches = true,
                      .records = true,
                      .deep = true,
                      .entries = true}),
            all);
  flip(store_.path("native/words-0/00000000000000000000.log"), 100);
  flip(store_.path("native/words-0/00000000000000000000.index"), 17);
  for (auto path : {"", "native", "native/words-0", "native/tables", "native/recovery-checkpoint"}) {
    auto text = document({.path = store_.path(path), .verify = true});
    requireJson(text);
    EXPECT_NE(text.find("\"findings\":["), std::string::npos);
  }
  auto text = document({.path = store_.path("native/words-0"), .verify = true});
  EXPECT_NE(text.find(R"("errors":2,"warnings":0,"notes":0,"ok":false,"findings":[{"severity":"error",)"
                      R"("file":"/native/words-0/00000000000000000000.log","position":0,"offset":0,)"
                      R"("what":"the checksum of the batch does not match its contents","expected":"0x)"),
            std::string::npos)
      << text;
}

}  // namespace
}  // namespace cambium::tools
