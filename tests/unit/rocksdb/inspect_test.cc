#include <fstream>
#include <map>

#include "tests/unit/rocksdb/rocks_fixture.h"

namespace cambium {
namespace {

class Inspect : public RocksTest {
 public:
  ~Inspect() noexcept override = default;

 protected:
  std::vector<std::string> problems(uint64_t* batches = nullptr) {
    std::vector<std::string> lines;
    auto count = inspectRocks(path_)->verify([&](kj::StringPtr line) { lines.push_back(line.cStr()); });
    if (batches != nullptr) *batches = count;
    return lines;
  }
  std::map<std::string, std::string> contents() {
    std::map<std::string, std::string> result;
    for (auto& name : files("")) {
      std::ifstream file(name, std::ios::binary);
      result[name] = std::string((std::istreambuf_iterator<char>(file)), {});
    }
    return result;
  }
};

TEST_F(Inspect, ShowsLogsBatchesAndTablesAndChangesNothing) {
  open();
  {
    auto one = log("one");
    auto two = log("two");
    add(*one, 5, 50);
    add(*two, 2, 50);
    one->dropBefore(Offset(13));
    TableChange changes[] = {{"offsets", "ab"_kj.asBytes(), "1"_kj.asBytes()},
                             {"offsets", "b"_kj.asBytes(), "2"_kj.asBytes()}};
    engine_->commit(changes);
    syncNow(*two);
  }
  kill();
  auto before = contents();
  {
    auto inspector = inspectRocks(path_);
    auto logs = inspector->logs();
    ASSERT_EQ(logs.size(), 2u);
    EXPECT_TRUE(logs[0].id == testLogId("one"));
    EXPECT_EQ(logs[0].start.value(), 13);
    EXPECT_EQ(logs[0].end.value(), 50);
    EXPECT_EQ(logs[1].end.value(), 20);

    std::vector<int64_t> offsets;
    inspector->batches("one", Offset(0), [&](const RocksBatchInfo& batch) {
      EXPECT_EQ(batch.problem, ""_kj);
      EXPECT_EQ(batch.bytes, batchAt(batch.baseOffset, 50).asPtr().asConst());
      EXPECT_EQ(batch.family, "bucket-0000000001"_kj);
      EXPECT_EQ(batch.key.size(), 12u);
      offsets.push_back(batch.baseOffset.value());
      return offsets.size() < 3;
    });
    EXPECT_EQ(offsets, (std::vector<int64_t>{10, 20, 30}));
    offsets.clear();
    inspector->batches("one", Offset(35), [&](const RocksBatchInfo& batch) {
      offsets.push_back(batch.baseOffset.value());
      return true;
    });
    EXPECT_EQ(offsets, (std::vector<int64_t>{30, 40}));
    EXPECT_NE(failureOf([&] { inspector->batches("three", Offset(0), [](const RocksBatchInfo&) { return true; }); }),
              "");

    auto tables = inspector->tables();
    ASSERT_EQ(tables.size(), 1u);
    EXPECT_EQ(tables[0], "offsets"_kj);
    int rows = 0;
    inspector->scan("offsets", "a"_kj.asBytes(),
                    [&](ByteView, ByteView value) { return rows += value[0] == '1', true; });
    EXPECT_EQ(rows, 1);
    uint64_t batches = 0;
    EXPECT_TRUE(problems(&batches).empty());
    EXPECT_EQ(batches, 6u);
  }
  EXPECT_TRUE(contents() == before);
  open();
  // Beside a running engine, too.
  EXPECT_EQ(inspectRocks(path_)->logs().size(), 2u);
}

TEST_F(Inspect, NamesTheBatchThatIsDamaged) {
  open();
  add(*log("words"), 20, 30000);
  close();
  EXPECT_TRUE(problems().empty());
  // In the middle of the largest file lies the payload of a batch.
  std::string largest;
  for (auto& name : files(".sst")) {
    if (largest.empty() || std::filesystem::file_size(name) > std::filesystem::file_size(largest)) largest = name;
  }
  std::fstream file(largest, std::ios::in | std::ios::out | std::ios::binary);
  file.seekp(static_cast<std::streamoff>(std::filesystem::file_size(largest) / 2));
  file.write("damage", 6);
  file.close();

  auto lines = problems();
  ASSERT_GE(lines.size(), 2u);
  bool isNamed = false;
  for (auto& line : lines)
    isNamed = isNamed || line.starts_with("words: batch at offset ");
  EXPECT_TRUE(isNamed) << lines.back();

  open();
  auto words = log("words");
  auto message = failureOf([&] { words->read(Offset(0), Offset(200), kNoLimit); });
  EXPECT_NE(message.find("bucket-0000000001"), std::string::npos) << message;
  // And stays broken.
  EXPECT_EQ(failureOf([&] { words->bounds(); }), message);
}

TEST_F(Inspect, RefusesWhatIsNoStore) {
  EXPECT_NE(failureOf([&] { inspectRocks(folder_.path()); }).find("no RocksDB store"), std::string::npos);
}

}  // namespace
}  // namespace cambium
