#include <fstream>
#include <random>

#include "backends/rocksdb/durable_ends.h"
#include "tests/unit/rocksdb/rocks_fixture.h"

namespace cambium {
namespace {

namespace fs = std::filesystem;

// Damage to the files of a store between two runs: everything that was durable is there, or opening or reading says
// what is wrong.
class Damage : public RocksTest {
 public:
  ~Damage() noexcept override = default;

 protected:
  // A store with files of every kind, and a copy of it from before its last batches. `isClean`: it was closed.
  void make(bool isClean) {
    options_.memtableBytes = kibibytes(64);
    open();
    {
      auto words = log("words");
      add(*words, 100);
      syncNow(*words);
      fs::copy(path_.cStr(), older_.cStr(), fs::copy_options::recursive);
      add(*words, 20);
      syncNow(*words);
      durable_ = words->bounds().durable;
    }
    TableChange change{"t", "k"_kj.asBytes(), "v"_kj.asBytes()};
    engine_->commit(kj::arrayPtr(&change, 1));
    if (isClean) {
      close();
    } else {
      kill();
    }
  }

  // What opening and reading a damaged copy says; "" when nothing is missing.
  std::string told(const fs::path& name, const std::function<void(const fs::path&)>& damage) {
    auto copy = folder_.path("copy");
    fs::remove_all(copy.cStr());
    fs::copy(path_.cStr(), copy.cStr(), fs::copy_options::recursive);
    damage(fs::path(copy.cStr()) / name);
    return failureOf([&] {
      auto engine = openRocksEngine(copy, options_);
      auto words = engine->open(testLogId("words"), {});
      EXPECT_EQ(words->bounds().end.value(), durable_.value()) << name;
      expectWhole(*words);
      EXPECT_TRUE(engine->get("t", "k"_kj.asBytes()) != nullptr) << name;
      add(*words, 1);
    });
  }

  static void flip(const fs::path& file, uint64_t position) {
    std::fstream stream(file, std::ios::in | std::ios::out | std::ios::binary);
    stream.seekg(static_cast<std::streamoff>(position));
    char c = static_cast<char>(stream.get() ^ 0x40);
    stream.seekp(static_cast<std::streamoff>(position));
    stream.put(c);
  }

  void tellEveryDamage() {
    std::mt19937 random(1);
    size_t count = 0;
    for (auto& entry : fs::directory_iterator(path_.cStr())) {
      auto name = entry.path().filename();
      auto size = entry.file_size();
      auto old = fs::path(older_.cStr()) / name;
      told(name, [](const fs::path& file) { fs::remove(file); });
      told(name, [](const fs::path& file) { fs::resize_file(file, 0); });
      told(name, [&](const fs::path& file) { fs::resize_file(file, size / 2); });
      told(name, [](const fs::path& file) {
        fs::remove(file);
        fs::create_directory(file);
      });
      told(name, [&](const fs::path& file) {
        std::ofstream stream(file, std::ios::binary | std::ios::trunc);
        for (uint64_t i = 0; i < size; ++i)
          stream.put(static_cast<char>(random()));
      });
      if (fs::exists(old)) {
        told(name, [&](const fs::path& file) { fs::copy_file(old, file, fs::copy_options::overwrite_existing); });
      }
      if (size > 0) told(name, [&](const fs::path& file) { flip(file, size / 2); });
      ++count;
    }
    EXPECT_GE(count, 7u);
  }

  kj::String older_ = folder_.path("older");
  Offset durable_{0};
};

TEST_F(Damage, OfAnyFileAfterAKillIsTold) {
  make(false);
  tellEveryDamage();
}

TEST_F(Damage, OfAnyFileAfterACleanEndIsTold) {
  make(true);
  tellEveryDamage();
}

TEST_F(Damage, OfAWriteAheadLogSaysWhichFileAndWhatToDo) {
  make(false);
  std::string newest = files(".log").back();
  auto name = fs::path(newest).filename();
  auto size = fs::file_size(newest);
  ASSERT_GT(size, 0u);
  auto expectTold = [&](const char* what, const std::string& message) {
    EXPECT_NE(message.find(what), std::string::npos) << message;
    EXPECT_NE(message.find(name.string()), std::string::npos) << message;
    EXPECT_NE(message.find("remove "), std::string::npos) << message;
  };
  expectTold("is missing", told(name, [](const fs::path& file) { fs::remove(file); }));
  expectTold("holds 0 bytes", told(name, [](const fs::path& file) { fs::resize_file(file, 0); }));
  expectTold("were durable", told(name, [&](const fs::path& file) { fs::resize_file(file, size - 1); }));
  expectTold("is damaged at position", told(name, [&](const fs::path& file) { flip(file, size / 2); }));
  // The library takes a length that reaches behind the end of a file for a record that was not written to its end.
  for (uint64_t position = 0; position < 8; ++position)
    expectTold("is damaged at position 0", told(name, [&](const fs::path& file) { flip(file, position); }));
}

TEST_F(Damage, OfTheManifestSaysWhichFileAndWhatToDo) {
  make(false);
  fs::path name;
  for (auto& entry : fs::directory_iterator(path_.cStr())) {
    if (entry.path().filename().string().starts_with("MANIFEST-")) name = entry.path().filename();
  }
  auto size = fs::file_size(fs::path(path_.cStr()) / name);
  for (uint64_t cut : {size / 4, size / 2, size - 1}) {
    auto message = told(name, [&](const fs::path& file) { fs::resize_file(file, cut); });
    EXPECT_NE(message.find(name.string()), std::string::npos) << message;
    EXPECT_NE(message.find("were durable"), std::string::npos) << message;
  }
}

TEST_F(Damage, IsAcceptedByAnOperatorWhoRemovesTheNoteOfWhatWasDurable) {
  make(false);
  fs::remove(files(".log").back());
  EXPECT_NE(failureOf([&] { open(); }), "");
  fs::remove(fs::path(path_.cStr()) / "DURABLE");
  open();
  auto words = log("words");
  EXPECT_LT(words->bounds().end, durable_);
  expectWhole(*words);
}

// A power loss may bring back any older version of the note, or tear it.
TEST_F(Damage, OfTheNoteItselfLosesNothing) {
  make(false);
  auto note = fs::path(path_.cStr()) / "DURABLE";
  auto size = fs::file_size(note);
  for (uint64_t slot = 0; slot < 2; ++slot) {
    EXPECT_EQ(told("DURABLE", [&](const fs::path& file) { flip(file, slot * rocks::kDurableSlotBytes + 9); }), "");
  }
  EXPECT_EQ(told("DURABLE", [&](const fs::path& file) { fs::resize_file(file, size / 2); }), "");
  std::ofstream(note, std::ios::trunc).put('x');
  kj::Vector<kj::String> lines;
  engine_ = openRocksEngine(path_, options_, {.report = [&](kj::StringPtr line) { lines.add(kj::str(line)); }});
  EXPECT_EQ(log("words")->bounds().end, durable_);
  ASSERT_EQ(lines.size(), 1u);
  EXPECT_TRUE(kj::str(lines[0]).startsWith(note.c_str())) << lines[0].cStr();
}

TEST(DurableEnds, SurviveTheirFile) {
  rocks::NumberedEnds first{1, {5, 100, {{3, 7}, {9, 1000}}}};
  rocks::NumberedEnds second{2, {6, 200, {{9, 2000}}}};
  auto file = kj::heapArray<kj::byte>(rocks::kDurableSlots * rocks::kDurableSlotBytes);
  memset(file.begin(), 0, file.size());
  EXPECT_TRUE(rocks::decodeSlots(file) == nullptr);
  auto put = [&](const rocks::NumberedEnds& ends, size_t slot) {
    auto bytes = rocks::encodeSlot(ends);
    memcpy(file.begin() + slot * rocks::kDurableSlotBytes, bytes.begin(), bytes.size());
  };
  put(first, 1);
  EXPECT_EQ(KJ_ASSERT_NONNULL(rocks::decodeSlots(file)).ends, first.ends);
  put(second, 0);
  EXPECT_EQ(KJ_ASSERT_NONNULL(rocks::decodeSlots(file)).ends, second.ends);
  file[10] ^= 1;
  EXPECT_EQ(KJ_ASSERT_NONNULL(rocks::decodeSlots(file)).ends, first.ends);
  EXPECT_TRUE(rocks::decodeSlots(file.slice(0, rocks::kDurableSlotBytes)) == nullptr);
}

TEST(DurableEnds, OfManyFilesKeepTheNewest) {
  rocks::NumberedEnds many{1, {1, 1, {}}};
  for (uint64_t i = 1; i <= 1000; ++i)
    many.ends.walBytes[i] = i;
  auto bytes = rocks::encodeSlot(many);
  EXPECT_LE(bytes.size(), rocks::kDurableSlotBytes);
  auto found = KJ_ASSERT_NONNULL(rocks::decodeSlots(bytes));
  EXPECT_GT(found.ends.walBytes.size(), 200u);
  EXPECT_TRUE(found.ends.walBytes.contains(1000));
  EXPECT_FALSE(found.ends.walBytes.contains(1));
}

}  // namespace
}  // namespace cambium
