#include "bench/kafka/null_answers.h"

#include <fcntl.h>
#include <unistd.h>

#include <kj/debug.h>

#include "engine/base/crc32c.h"
#include "engine/record/record_walk.h"

namespace cambium::bench {

namespace {

// Where the fields of a record batch stand (KIP-98).
constexpr size_t kBatchLengthAt = 8;
constexpr size_t kBatchLengthCountsFrom = 12;
constexpr size_t kCrcAt = 17;
constexpr size_t kCrcCoversFrom = 21;
constexpr size_t kLastOffsetDeltaAt = 23;
constexpr size_t kBatchHeaderBytes = 61;

uint32_t uint32At(ByteView bytes, size_t at) {
  return static_cast<uint32_t>(FrameReader(bytes.slice(at, at + 4)).int32());
}

struct Range {
  KafkaApi api;
  int16_t least;
  int16_t most;
};
constexpr Range kRanges[] = {
    {KafkaApi::kProduce, 3, 9}, {KafkaApi::kFetch, 4, 4}, {KafkaApi::kMetadata, 1, 4}, {KafkaApi::kApiVersions, 0, 3}};

}  // namespace

NullAnswers::~NullAnswers() {
  for (auto& file : files_)
    close(file.fd);
}

void NullAnswers::answer(ByteView request, FrameWriter& out) {
  FrameReader in(request);
  auto api = static_cast<KafkaApi>(in.int16());
  auto version = in.int16();
  auto correlation = in.int32();
  in.string();  // client id
  auto before = out.bytes().size();
  out.begin();
  out.int32(correlation);
  bool wanted = true;
  if (api == KafkaApi::kProduce) {
    KJ_REQUIRE(version >= 3 && version <= 9, "this version of Produce is not spoken", version);
    wanted = produce(version, in, out);
  } else if (api == KafkaApi::kMetadata) {
    KJ_REQUIRE(version >= 1 && version <= 4, "this version of Metadata is not spoken", version);
    metadata(version, in, out);
  } else if (api == KafkaApi::kApiVersions) {
    apiVersions(version, out);
  } else {
    KJ_FAIL_REQUIRE("the null broker does not speak this API", static_cast<int16_t>(api));
  }
  if (wanted) {
    out.end();
  } else {
    out.truncate(before);
  }
}

void NullAnswers::apiVersions(int16_t version, FrameWriter& out) const {
  bool known = version <= 3;
  out.int16(known ? 0 : 35);  // UNSUPPORTED_VERSION comes in version 0, with the ranges
  bool flexible = version == 3;
  if (flexible) {
    out.varint(kj::size(kRanges) + 1);
  } else {
    out.int32(kj::size(kRanges));
  }
  for (auto& range : kRanges) {
    out.int16(static_cast<int16_t>(range.api));
    out.int16(range.least);
    out.int16(range.most);
    if (flexible) out.varint(0);
  }
  if (known && version >= 1) out.int32(0);  // throttle time
  if (flexible) out.varint(0);
}

void NullAnswers::metadata(int16_t version, FrameReader& in, FrameWriter& out) const {
  if (version >= 3) out.int32(0);  // throttle time
  out.int32(1);
  out.int32(1);  // the one broker
  out.string(config_.host);
  out.int32(config_.port);
  out.nullString();                      // rack
  if (version >= 2) out.string("null");  // cluster
  out.int32(1);                          // controller
  auto count = kj::max(in.int32(), 0);   // null, all topics, gets none
  out.int32(count);
  for (int32_t i = 0; i < count; ++i)
    metadataTopic(in.string(), out);
}

void NullAnswers::metadataTopic(kj::StringPtr name, FrameWriter& out) const {
  out.int16(0);
  out.string(name);
  out.int8(0);  // not internal
  out.int32(config_.partitions);
  for (int32_t partition = 0; partition < config_.partitions; ++partition) {
    out.int16(0);
    out.int32(partition);
    out.int32(1);  // leader
    for (int list = 0; list < 2; ++list) {
      out.int32(1);  // replicas, and those in sync
      out.int32(1);
    }
  }
}

bool NullAnswers::produce(int16_t version, FrameReader& in, FrameWriter& out) {
  bool flexible = version >= 9;
  auto readCount = [&] { return flexible ? static_cast<int32_t>(in.varint()) - 1 : in.int32(); };
  auto readString = [&] { return flexible ? in.compactString() : in.string(); };
  auto writeCount = [&](int32_t count) { flexible ? out.varint(static_cast<uint32_t>(count + 1)) : out.int32(count); };
  auto endStruct = [&] {
    if (flexible) in.skipTags();
  };
  auto endAnswer = [&] {
    if (flexible) out.varint(0);
  };
  if (flexible) in.skipTags();  // of the header
  endAnswer();                  // likewise
  readString();                 // transaction
  auto acks = in.int16();
  in.int32();  // timeout
  auto topics = readCount();
  writeCount(topics);
  for (int32_t topic = 0; topic < topics; ++topic) {
    auto name = readString();
    flexible ? out.compactString(name) : out.string(name);
    auto partitions = readCount();
    writeCount(partitions);
    for (int32_t i = 0; i < partitions; ++i) {
      auto partition = in.int32();
      auto records = in.take(static_cast<size_t>(kj::max(readCount(), 0)));
      endStruct();
      out.int32(partition);
      out.int16(0);
      out.int64(append(partition, records));
      out.int64(-1);                   // append time
      if (version >= 5) out.int64(0);  // log start
      if (version >= 8) {
        writeCount(0);  // errors of records
        flexible ? out.varint(0) : out.nullString();
      }
      endAnswer();
    }
    endStruct();
    endAnswer();
  }
  out.int32(0);  // throttle time
  endAnswer();
  return acks != 0;
}

int64_t NullAnswers::append(int32_t partition, ByteView records) {
  auto& file = fileOf(partition);
  auto base = file.records;
  for (auto rest = records; rest.size() > 0;) {
    KJ_REQUIRE(rest.size() >= kBatchHeaderBytes, "a record batch is cut off", rest.size());
    size_t size = kBatchLengthCountsFrom + uint32At(rest, kBatchLengthAt);
    KJ_REQUIRE(size >= kBatchHeaderBytes && size <= rest.size(), "a record batch has a wrong length", size);
    KJ_REQUIRE(crc32c(rest.slice(kCrcCoversFrom, size)) == uint32At(rest, kCrcAt), "a record batch has a wrong CRC");
    if (config_.walksRecords) {
      auto walk = walkRecords(KJ_ASSERT_NONNULL(BatchView::first(rest.slice(0, size))), {});
      KJ_REQUIRE(walk.sound, "a record batch holds records that cannot be read");
    }
    file.records += uint32At(rest, kLastOffsetDeltaAt) + 1;
    rest = rest.slice(size, rest.size());
  }
  auto written = pwrite(file.fd, records.begin(), records.size(), file.bytes);
  KJ_REQUIRE(written == static_cast<ssize_t>(records.size()), "cannot write the log", config_.folder);
  file.bytes += written;
  return base;
}

NullAnswers::File& NullAnswers::fileOf(int32_t partition) {
  for (auto& file : files_) {
    if (file.partition == partition) return file;
  }
  int fd = open(config_.folder.cStr(), O_TMPFILE | O_RDWR | O_CLOEXEC, 0600);
  KJ_REQUIRE(fd >= 0, "cannot make a file without a name here", config_.folder);
  return files_.add(File{partition, fd, 0, 0});
}

}  // namespace cambium::bench
