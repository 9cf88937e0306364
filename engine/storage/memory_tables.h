#pragma once

#include <map>

#include "engine/storage/storage_engine.h"

namespace cambium {

// The tables of the memory engine, whose methods of the same names say what they do. No locks: see MemoryStore.
class MemoryTables {
 public:
  kj::Maybe<kj::Array<kj::byte>> get(kj::StringPtr table, ByteView key) const;
  void scan(kj::StringPtr table, ByteView prefix, kj::FunctionParam<bool(ByteView key, ByteView value)>& visit) const;
  void commit(kj::ArrayPtr<const TableChange> changes);
  // Of all keys and values.
  Bytes sizeBytes() const;

 private:
  struct BytesLess {
    using is_transparent = void;
    bool operator()(ByteView a, ByteView b) const;
  };
  struct NameLess {
    using is_transparent = void;
    bool operator()(kj::StringPtr a, kj::StringPtr b) const { return a < b; }
  };
  using Rows = std::map<kj::Array<const kj::byte>, kj::Array<const kj::byte>, BytesLess>;

  const Rows* find(kj::StringPtr table) const;

  std::map<kj::String, Rows, NameLess> tables_;
};

}  // namespace cambium
