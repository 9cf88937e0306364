#pragma once

#include <kj/async-io.h>

namespace cambium {

// Is told how the writes of the inner stream go; must outlive the stream, and does nothing to it.
class StreamObserver {
 public:
  // A write begins; wrote() follows when it succeeds, before the next one begins.
  virtual void writing() = 0;
  virtual void wrote(size_t bytes) = 0;

 protected:
  ~StreamObserver() noexcept(false) = default;
};

// Does the large reads of a stream in its place: those of a known size, from readThroughBytes on. Must outlive the
// stream.
class LargeReads {
 public:
  // Fills `into`, of which the first `filled` bytes are there already, and says how much is then there; less than all
  // only at the end of the stream.
  virtual kj::Promise<size_t> read(kj::AsyncIoStream& inner, kj::ArrayPtr<kj::byte> into, size_t filled) = 0;

 protected:
  ~LargeReads() noexcept(false) = default;
};

struct BufferedStreamOptions {
  // Reads ask the inner stream for up to so much at once.
  size_t readAheadBytes = 64 << 10;
  // Reads at least this large take what the buffer holds and the rest straight from the inner stream; after one, little
  // is read ahead until small reads come again. At most readAheadBytes counts.
  size_t readThroughBytes = 32 << 10;
  // Writes from here on are not copied: they go out at once, together with what is buffered.
  size_t writeThroughBytes = 32 << 10;
  // A write that leaves more than this in the buffer waits until the inner stream has taken it. What waits for a peer
  // that does not read is at most twice this and one write.
  size_t writeHighWaterBytes = 256 << 10;
  kj::Maybe<StreamObserver&> observer{};
  kj::Maybe<LargeReads&> largeReads{};
};

// The stream under every connection: of the RPC, at both ends, and of the Kafka door. kj's two-party network reads each
// message as a header and a body and writes it by itself; through this stream many small messages share one read, and
// all that is written in one turn of the event loop shares one write.
//
// - A small write is copied and its promise resolves before the bytes are with the inner stream. When writing them
//   fails later, every later write and shutdown fails with that error, and whenWriteDisconnected() resolves.
// - As with every kj stream, a write ends (or is dropped) before the next one. Dropping a large write that has begun
//   breaks the stream for writing.
// - shutdownWrite() may return before the buffer is out; the inner stream is shut down after it.
// - A dropped read loses nothing that lies in the buffer.
// - On destruction, bytes that were never offered to the inner stream are offered once, without waiting: a socket takes
//   what it has room for. What a flush in progress has not got rid of is lost: wait for flushed() before.
//
// Socket options, names, the descriptor and abortRead() are the inner stream's. Belongs to the thread of `inner`.
class BufferedStream : public kj::AsyncIoStream {
 public:
  // Done when the inner stream has taken everything that was written before; fails when a write has failed. The stream
  // outlives it.
  virtual kj::Promise<void> flushed() = 0;
  // Offers what is buffered to the inner stream at once instead of at the end of the turn, unless that is writing or a
  // large write is next: for whoever goes on with something long.
  virtual void flushNow() = 0;
  // Something has come that can be read without waiting.
  virtual bool isReadable() const = 0;
  // Done when isReadable(), or when the stream has ended: for whoever takes memory to read a message, and has none to
  // spare while it waits for it to begin. While nothing is being read.
  virtual kj::Promise<void> whenReadable() = 0;
};

kj::Own<BufferedStream> newBufferedStream(kj::Own<kj::AsyncIoStream> inner, BufferedStreamOptions options = {});

}  // namespace cambium
