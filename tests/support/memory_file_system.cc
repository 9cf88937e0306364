#include "tests/support/memory_file_system.h"

#include <algorithm>
#include <cstring>
#include <random>

#include <kj/debug.h>
#include <kj/vector.h>

#include "tests/support/memory_node.h"

namespace cambium {

namespace {

std::string stringOf(kj::ArrayPtr<const char> text) {
  return std::string(text.begin(), text.size());
}

[[noreturn]] void fail(kj::Exception::Type type, kj::StringPtr doing, kj::StringPtr path, kj::StringPtr why) {
  kj::throwFatalException(
      kj::Exception(type, __FILE__, __LINE__, kj::str("cannot ", doing, " memory:", path, ": ", why)));
}

}  // namespace

struct MemoryFileSystem::State {
  std::shared_ptr<MemoryNode> root = std::make_shared<MemoryNode>(true);
  uint64_t incarnation = 0;  // counts crashes
  uint64_t boots = 1;        // counts those that lose something
  uint64_t mutations = 0;
  uint64_t failing = 0;  // the mutating call that fails; 0: none
  Fault fault = Fault::kIoError;
  bool off = false;
  bool full = false;
  std::string failedAt;
  std::map<std::string, uint64_t> mutationsIn;
  std::function<bool(kj::StringPtr)> liesAbout;
  std::set<std::string> locks;
  std::set<std::string> namesMade;

  // Null when there is no such thing.
  std::shared_ptr<MemoryNode> find(kj::StringPtr path) const {
    auto node = root;
    for (kj::ArrayPtr<const char> rest = path.asArray(); rest.size() > 0;) {
      auto part = rest;
      rest = nullptr;
      for (size_t i = 0; i < part.size(); ++i) {
        if (part[i] != '/') continue;
        rest = part.slice(i + 1, part.size());
        part = part.slice(0, i);
        break;
      }
      if (!node->isDirectory) return nullptr;
      auto found = node->entries.find(stringOf(part));
      if (found == node->entries.end()) return nullptr;
      node = found->second;
    }
    return node;
  }
  std::shared_ptr<MemoryNode> folderOf(kj::StringPtr path, kj::StringPtr doing) const {
    auto folder = find(parentPath(path));
    if (folder == nullptr || !folder->isDirectory) fail(kj::Exception::Type::FAILED, doing, path, "No such folder");
    return folder;
  }
  static std::string nameOf(kj::StringPtr path) {
    KJ_IF_MAYBE(slash, path.findLast('/')) {
      return path.slice(*slash + 1).cStr();
    }
    return path.cStr();
  }

  void checkPower(kj::StringPtr doing, kj::StringPtr path) const {
    if (off) fail(kj::Exception::Type::FAILED, doing, path, "the power is off");
  }
  // Counts a mutating call. `half` does half of it, where there is such a thing.
  template <class Half>
  void mutate(kj::StringPtr doing, kj::StringPtr path, bool takesSpace, Half&& half) {
    checkPower(doing, path);
    ++mutations;
    ++mutationsIn[folderAtTop(path)];
    if (full && takesSpace) fail(kj::Exception::Type::OVERLOADED, doing, path, "No space left on device");
    if (mutations != failing) return;
    failedAt = kj::str(doing, " ", path).cStr();
    if (fault == Fault::kNoSpace) fail(kj::Exception::Type::OVERLOADED, doing, path, "No space left on device");
    if (fault != Fault::kIoError) half();
    off = fault == Fault::kPowerOff;
    fail(kj::Exception::Type::FAILED, doing, path, off ? "the power went off" : "Input/output error");
  }
  void mutate(kj::StringPtr doing, kj::StringPtr path, bool takesSpace = false) {
    mutate(doing, path, takesSpace, [] {});
  }

  static std::string folderAtTop(kj::StringPtr path) {
    KJ_IF_MAYBE(slash, path.findFirst('/')) return stringOf(path.slice(0, *slash));
    return path.cStr();
  }
  // A sync that is only pretended.
  bool lies(kj::StringPtr path) const { return liesAbout && liesAbout(path); }

  template <class Settle>
  void restart(Settle&& settle) {
    walk(*root, settle);
    ++incarnation;
    off = false;
    failing = 0;
    locks.clear();
  }
  template <class Settle>
  static void walk(MemoryNode& node, Settle& settle) {
    settle(node);
    for (auto& [name, entry] : node.entries)
      walk(*entry, settle);
  }
};

class MemoryFileSystem::OpenFile final : public File {
 public:
  OpenFile(const MemoryFileSystem& owner, std::shared_ptr<MemoryNode> node, uint64_t incarnation, kj::String path,
           bool writable)
      : owner_(owner), node_(kj::mv(node)), incarnation_(incarnation), path_(kj::mv(path)), writable_(writable) {}

  void write(uint64_t position, ByteView data) override {
    auto state = lock("write to");
    if (!writable_) fail(kj::Exception::Type::FAILED, "write to", path_, "Bad file descriptor");
    bool grows = position + data.size() > node_->live.size();
    (*state)->mutate("write to", path_, grows, [&] { node_->write(position, data.slice(0, data.size() / 2)); });
    node_->write(position, data);
  }
  size_t read(uint64_t position, kj::ArrayPtr<kj::byte> buffer) override {
    auto state = lock("read");
    if (position >= node_->live.size()) return 0;
    size_t size = std::min<size_t>(buffer.size(), node_->live.size() - position);
    memcpy(buffer.begin(), node_->live.data() + position, size);
    return size;
  }
  uint64_t size() override {
    auto state = lock("ask for the size of");
    return node_->live.size();
  }
  void truncate(uint64_t size) override {
    auto state = lock("change the size of");
    if (!writable_) fail(kj::Exception::Type::FAILED, "change the size of", path_, "Bad file descriptor");
    (*state)->mutate("change the size of", path_, size > node_->live.size());
    node_->truncate(size);
  }
  void sync() override {
    auto state = lock("sync");
    (*state)->mutate("sync", path_);
    if (!(*state)->lies(path_)) node_->syncContents();
  }

 private:
  Guarded<std::unique_ptr<State>>::Access<std::unique_ptr<State>> lock(kj::StringPtr doing) {
    auto state = const_cast<MemoryFileSystem&>(owner_).state_.lock();
    if ((*state)->incarnation != incarnation_) {
      fail(kj::Exception::Type::FAILED, doing, path_, "the file was open when the power failed");
    }
    (*state)->checkPower(doing, path_);
    return state;
  }
  const MemoryFileSystem& owner_;
  std::shared_ptr<MemoryNode> node_;
  const uint64_t incarnation_;
  const kj::String path_;
  const bool writable_;
};

class MemoryFileSystem::HeldLock final : public Lock {
 public:
  HeldLock(MemoryFileSystem& owner, std::string path, uint64_t incarnation)
      : owner_(owner), path_(kj::mv(path)), incarnation_(incarnation) {}
  ~HeldLock() noexcept(false) override {
    auto state = owner_.state_.lock();
    if ((*state)->incarnation == incarnation_) (*state)->locks.erase(path_);
  }
  KJ_DISALLOW_COPY(HeldLock);

 private:
  MemoryFileSystem& owner_;
  std::string path_;
  uint64_t incarnation_;
};

MemoryFileSystem::MemoryFileSystem() : state_(std::make_unique<State>()) {}
MemoryFileSystem::~MemoryFileSystem() noexcept(false) = default;

void MemoryFileSystem::crash() {
  crash({});
}

void MemoryFileSystem::crashPartly(uint64_t seed) {
  crash({.kind = Loss::Kind::kReordered, .seed = seed});
}

void MemoryFileSystem::crash(Loss loss) {
  auto state = state_.lock();
  std::mt19937_64 random(loss.seed);
  if (loss.kind != Loss::Kind::kNothing) ++(*state)->boots;
  (*state)->restart([&](MemoryNode& node) {
    switch (loss.kind) {
      case Loss::Kind::kUnsynced:
        return node.loseUnsynced();
      case Loss::Kind::kNothing:
        return;
      case Loss::Kind::kWrittenBack:
        node.syncEntries();
        return node.syncContents();
      case Loss::Kind::kTorn:
        return node.tear(loss.sectorBytes, random);
      case Loss::Kind::kReordered:
        return node.reorder(loss.sectorBytes, random);
    }
  });
}

void MemoryFileSystem::lieAboutSyncs(std::function<bool(kj::StringPtr)> which) {
  (*state_.lock())->liesAbout = std::move(which);
}

void MemoryFileSystem::powerOff() {
  (*state_.lock())->off = true;
}

bool MemoryFileSystem::isOff() const {
  return (*state_.lock())->off;
}

void MemoryFileSystem::failAt(uint64_t n, Fault fault) {
  auto state = state_.lock();
  (*state)->failing = n == 0 ? 0 : (*state)->mutations + n;
  (*state)->fault = fault;
}

void MemoryFileSystem::setFull(bool full) {
  (*state_.lock())->full = full;
}

uint64_t MemoryFileSystem::mutations() const {
  return (*state_.lock())->mutations;
}

std::map<std::string, uint64_t> MemoryFileSystem::mutationsByFolder() const {
  return (*state_.lock())->mutationsIn;
}

std::string MemoryFileSystem::failedAt() const {
  return (*state_.lock())->failedAt;
}

std::set<std::string> MemoryFileSystem::namesMade() const {
  return (*state_.lock())->namesMade;
}

void MemoryFileSystem::flipBit(kj::StringPtr path, uint64_t bit) {
  auto state = state_.lock();
  auto node = (*state)->find(path);
  KJ_REQUIRE(node != nullptr && !node->isDirectory, path);
  KJ_REQUIRE(bit / 8 < node->live.size(), path, bit);
  node->flip(bit);
}

kj::Own<File> MemoryFileSystem::open(kj::StringPtr path, Mode mode) {
  auto state = state_.lock();
  (*state)->checkPower("open", path);
  auto node = (*state)->find(path);
  if (node == nullptr && mode == Mode::kCreate) {
    auto folder = (*state)->folderOf(path, "open");
    (*state)->mutate("open", path, true);
    node = std::make_shared<MemoryNode>(false);
    folder->setEntry(State::nameOf(path), node);
    (*state)->namesMade.insert(path.cStr());
  }
  if (node == nullptr) fail(kj::Exception::Type::FAILED, "open", path, "No such file or directory");
  if (node->isDirectory) fail(kj::Exception::Type::FAILED, "open", path, "Is a directory");
  return kj::heap<OpenFile>(*this, node, (*state)->incarnation, kj::str(path), mode != Mode::kRead);
}

bool MemoryFileSystem::exists(kj::StringPtr path) {
  auto state = state_.lock();
  (*state)->checkPower("look for", path);
  return (*state)->find(path) != nullptr;
}

kj::Array<FileSystem::Entry> MemoryFileSystem::list(kj::StringPtr path) {
  auto state = state_.lock();
  (*state)->checkPower("list", path);
  auto node = (*state)->find(path);
  if (node == nullptr) return nullptr;
  if (!node->isDirectory) fail(kj::Exception::Type::FAILED, "list", path, "Not a directory");
  kj::Vector<Entry> entries;
  for (auto& [name, entry] : node->entries) {
    entries.add(Entry{kj::str(name.c_str()), entry->isDirectory, entry->live.size()});
  }
  return entries.releaseAsArray();
}

void MemoryFileSystem::createDirectory(kj::StringPtr path) {
  if (path.size() == 0 || exists(path)) return;
  createDirectory(parentPath(path));
  auto state = state_.lock();
  auto folder = (*state)->folderOf(path, "make the folder");
  (*state)->mutate("make the folder", path, true);
  folder->setEntry(State::nameOf(path), std::make_shared<MemoryNode>(true));
  (*state)->namesMade.insert(path.cStr());
}

void MemoryFileSystem::rename(kj::StringPtr from, kj::StringPtr to) {
  auto state = state_.lock();
  (*state)->checkPower("rename", from);
  auto node = (*state)->find(from);
  if (node == nullptr) fail(kj::Exception::Type::FAILED, "rename", from, "No such file or directory");
  auto target = (*state)->find(to);
  if (target != nullptr && target->isDirectory && !target->entries.empty()) {
    fail(kj::Exception::Type::FAILED, "rename", from, "Directory not empty");
  }
  auto source = (*state)->folderOf(from, "rename");
  auto folder = (*state)->folderOf(to, "rename");
  (*state)->mutate("rename", from);
  (*state)->namesMade.insert(to.cStr());
  if (source == folder) return folder->renameEntry(State::nameOf(from), State::nameOf(to));
  folder->setEntry(State::nameOf(to), node);
  source->setEntry(State::nameOf(from), nullptr);
}

void MemoryFileSystem::removeFile(kj::StringPtr path) {
  auto state = state_.lock();
  (*state)->checkPower("remove", path);
  auto node = (*state)->find(path);
  if (node == nullptr) return;
  if (node->isDirectory) fail(kj::Exception::Type::FAILED, "remove", path, "Is a directory");
  (*state)->mutate("remove", path);
  (*state)->folderOf(path, "remove")->setEntry(State::nameOf(path), nullptr);
}

void MemoryFileSystem::removeTree(kj::StringPtr path) {
  for (auto& entry : list(path)) {
    auto inner = kj::str(path, "/", entry.name);
    if (entry.isDirectory) {
      removeTree(inner);
    } else {
      removeFile(inner);
    }
  }
  auto state = state_.lock();
  if ((*state)->find(path) == nullptr) return;
  (*state)->mutate("remove", path);
  (*state)->folderOf(path, "remove")->setEntry(State::nameOf(path), nullptr);
}

void MemoryFileSystem::syncDirectory(kj::StringPtr path) {
  auto state = state_.lock();
  (*state)->checkPower("sync the folder", path);
  auto node = (*state)->find(path);
  if (node == nullptr || !node->isDirectory) {
    fail(kj::Exception::Type::FAILED, "sync the folder", path, "No such file or directory");
  }
  (*state)->mutate("sync the folder", path);
  if (!(*state)->lies(path)) node->syncEntries();
}

void MemoryFileSystem::syncAll() {
  auto state = state_.lock();
  (*state)->mutate("sync everything", "");
  auto settle = [](MemoryNode& node) {
    node.syncEntries();
    node.syncContents();
  };
  State::walk(*(*state)->root, settle);
}

kj::Maybe<kj::Own<FileSystem::Lock>> MemoryFileSystem::tryLock(kj::StringPtr path) {
  open(path, Mode::kCreate);
  auto state = state_.lock();
  if (!(*state)->locks.insert(path.cStr()).second) return nullptr;
  return kj::Own<Lock>(kj::heap<HeldLock>(*this, path.cStr(), (*state)->incarnation));
}

FileSystem::Space MemoryFileSystem::space() {
  auto state = state_.lock();
  return {(*state)->full ? Bytes(0) : mebibytes(1024), mebibytes(1024)};
}

Uuid MemoryFileSystem::bootId() {
  kj::byte bytes[16] = {};
  uint64_t boots = (*state_.lock())->boots;
  memcpy(bytes, &boots, sizeof(boots));
  return Uuid::fromBytes(bytes);
}

kj::String MemoryFileSystem::describe(kj::StringPtr path) {
  return kj::str("memory:", path);
}

}  // namespace cambium
