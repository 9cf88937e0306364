#include "client/outgoing_batch.h"

#include <cstring>

namespace cambium::client {
namespace {

kj::Maybe<kj::Array<kj::byte>> copyOf(const kj::Maybe<ByteView>& bytes) {
  KJ_IF_MAYBE(view, bytes) return kj::heapArray<kj::byte>(*view);
  return nullptr;
}

kj::Maybe<ByteView> viewOf(const kj::Maybe<kj::Array<kj::byte>>& bytes) {
  KJ_IF_MAYBE(array, bytes) return array->asPtr();
  return nullptr;
}

}  // namespace

WaitingRecord WaitingRecord::copy(const RecordToSend& record, kj::TimePoint deadline, OutgoingAck ack) {
  size_t size = 0;
  for (auto& header : record.headers) {
    size += header.key.size();
    KJ_IF_MAYBE(value, header.value) size += value->size();
  }
  auto bytes = kj::heapArray<kj::byte>(size);
  auto headers = kj::heapArrayBuilder<Header>(record.headers.size());
  kj::byte* at = bytes.begin();
  auto keep = [&](ByteView view) {
    if (view.size() > 0) memcpy(at, view.begin(), view.size());
    ByteView kept(at, view.size());
    at += view.size();
    return kept;
  };
  for (auto& header : record.headers) {
    Header kept{.key = keep(header.key), .value = nullptr};
    KJ_IF_MAYBE(value, header.value) kept.value = keep(*value);
    headers.add(kept);
  }
  return {.topic = kj::str(record.topic),
          .partition = record.partition,
          .key = copyOf(record.key),
          .value = copyOf(record.value),
          .headerBytes = kj::mv(bytes),
          .headers = headers.finish(),
          .deadline = deadline,
          .ack = kj::mv(ack)};
}

RecordToSend WaitingRecord::view() const {
  return {.topic = topic,
          .partition = partition,
          .key = viewOf(key),
          .value = viewOf(value),
          .headers = headers,
          .timestamp = ack.timestamp};
}

}  // namespace cambium::client
