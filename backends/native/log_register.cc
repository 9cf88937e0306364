#include "backends/native/log_register.h"

namespace cambium {

namespace {

constexpr size_t kIncarnationBytes = 16;

ByteView bytesOf(const std::string& name) {
  return kj::arrayPtr(reinterpret_cast<const kj::byte*>(name.data()), name.size());
}

}  // namespace

LogRegister::LogRegister(NativeTables& tables, kj::Function<void(kj::StringPtr)> report)
    : tables_(tables), report_(kj::mv(report)) {
  *known_.lock() = read();
}

LogRegister::Known LogRegister::read() const {
  Known rows;
  tables_.scan(kNativeRegister, nullptr, [&](ByteView key, ByteView value) {
    if (value.size() != kIncarnationBytes) return true;
    rows[std::string(key.asChars().begin(), key.size())] = Uuid::fromBytes(value);
    return true;
  });
  return rows;
}

kj::Maybe<Uuid> LogRegister::find(kj::StringPtr name) const {
  auto known = known_.lock();
  auto found = known->find(name.cStr());
  if (found == known->end()) return nullptr;
  return found->second;
}

bool LogRegister::holds(const LogId& id) const {
  KJ_IF_MAYBE(incarnation, find(id.name)) return *incarnation == id.incarnation;
  return false;
}

bool LogRegister::commit(kj::ArrayPtr<const TableChange> changes) {
  KJ_IF_MAYBE(exception, kj::runCatchingExceptions([&] { tables_.commit(changes); })) {
    if (exception->getType() != kj::Exception::Type::OVERLOADED && !reported_.exchange(true)) {
      report_(kj::str("which logs there are could not be written down: ", exception->getDescription()));
    }
    return false;
  }
  return true;
}

bool LogRegister::add(const LogId& id) {
  if (holds(id)) return true;
  TableChange change{kNativeRegister, id.name.asBytes(), id.incarnation.bytes()};
  if (!commit(kj::arrayPtr(&change, 1))) return false;
  (*known_.lock())[id.name.cStr()] = id.incarnation;
  return true;
}

void LogRegister::remove(const LogId& id) {
  if (!holds(id)) return;
  known_.lock()->erase(id.name.cStr());
  TableChange change{kNativeRegister, id.name.asBytes(), nullptr};
  commit(kj::arrayPtr(&change, 1));
}

void LogRegister::settle(kj::ArrayPtr<const LogId> logs) {
  auto known = known_.lock();
  for (auto& log : logs)
    (*known)[log.name.cStr()] = log.incarnation;
  auto rows = read();
  kj::Vector<TableChange> changes;
  for (auto& [name, incarnation] : rows) {
    if (!known->contains(name)) changes.add(TableChange{kNativeRegister, bytesOf(name), nullptr});
  }
  for (auto& [name, incarnation] : *known) {
    auto row = rows.find(name);
    if (row != rows.end() && row->second == incarnation) continue;
    changes.add(TableChange{kNativeRegister, bytesOf(name), incarnation.bytes()});
  }
  // The next stop tries again, and each log's next sync.
  commit(changes);
}

}  // namespace cambium
