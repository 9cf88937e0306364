#include "tests/support/memory_file_system.h"

#include <algorithm>
#include <cstring>
#include <random>

#include <kj/debug.h>
#include <kj/vector.h>

namespace cambium {

namespace {

constexpr size_t kSectorBytes = 512;

std::string stringOf(kj::ArrayPtr<const char> text) {
  return std::string(text.begin(), text.size());
}

[[noreturn]] void fail(kj::Exception::Type type, kj::StringPtr doing, kj::StringPtr path, kj::StringPtr why) {
  kj::throwFatalException(
      kj::Exception(type, __FILE__, __LINE__, kj::str("cannot ", doing, " memory:", path, ": ", why)));
}

}  // namespace

struct MemoryFileSystem::Node {
  explicit Node(bool isDirectory) : isDirectory(isDirectory) {}

  using Entries = std::map<std::string, std::shared_ptr<Node>>;
  const bool isDirectory;
  std::string live;
  std::string durable;
  size_t dirtyFrom = SIZE_MAX;  // first byte where live and durable may differ
  size_t dirtyTo = 0;
  Entries entries;
  Entries durableEntries;

  void touch(size_t from, size_t to) {
    dirtyFrom = std::min(dirtyFrom, from);
    dirtyTo = std::max(dirtyTo, to);
  }
  void clean() {
    dirtyFrom = SIZE_MAX;
    dirtyTo = 0;
  }
};

struct MemoryFileSystem::State {
  std::shared_ptr<Node> root = std::make_shared<Node>(true);
  uint64_t incarnation = 0;  // counts crashes
  uint64_t mutations = 0;
  uint64_t failing = 0;  // the mutating call that fails; 0: none
  Fault fault = Fault::kIoError;
  bool off = false;
  bool full = false;
  std::set<std::string> locks;

  // Null when there is no such thing.
  std::shared_ptr<Node> find(kj::StringPtr path) const {
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
  std::shared_ptr<Node> folderOf(kj::StringPtr path, kj::StringPtr doing) const {
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
    if (full && takesSpace) fail(kj::Exception::Type::OVERLOADED, doing, path, "No space left on device");
    if (mutations != failing) return;
    if (fault == Fault::kNoSpace) fail(kj::Exception::Type::OVERLOADED, doing, path, "No space left on device");
    if (fault != Fault::kIoError) half();
    off = fault == Fault::kPowerOff;
    fail(kj::Exception::Type::FAILED, doing, path, off ? "the power went off" : "Input/output error");
  }
  void mutate(kj::StringPtr doing, kj::StringPtr path, bool takesSpace = false) {
    mutate(doing, path, takesSpace, [] {});
  }

  template <class Settle>
  void restart(Settle&& settle) {
    walk(*root, settle);
    ++incarnation;
    off = false;
    failing = 0;
    locks.clear();
  }
  template <class Settle>
  static void walk(Node& node, Settle& settle) {
    settle(node);
    for (auto& [name, entry] : node.entries)
      walk(*entry, settle);
  }
};

class MemoryFileSystem::OpenFile final : public File {
 public:
  OpenFile(const MemoryFileSystem& owner, std::shared_ptr<Node> node, uint64_t incarnation, kj::String path,
           bool writable)
      : owner_(owner), node_(kj::mv(node)), incarnation_(incarnation), path_(kj::mv(path)), writable_(writable) {}

  void write(uint64_t position, ByteView data) override {
    auto state = lock("write to");
    if (!writable_) fail(kj::Exception::Type::FAILED, "write to", path_, "Bad file descriptor");
    bool grows = position + data.size() > node_->live.size();
    (*state)->mutate("write to", path_, grows, [&] { put(position, data.slice(0, data.size() / 2)); });
    put(position, data);
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
    node_->touch(std::min<size_t>(size, node_->live.size()), std::max<size_t>(size, node_->live.size()));
    node_->live.resize(size);
  }
  void sync() override {
    auto state = lock("sync");
    (*state)->mutate("sync", path_);
    node_->durable.resize(node_->live.size());
    size_t to = std::min(node_->dirtyTo, node_->live.size());
    if (node_->dirtyFrom < to) {
      std::copy(node_->live.begin() + static_cast<ptrdiff_t>(node_->dirtyFrom),
                node_->live.begin() + static_cast<ptrdiff_t>(to),
                node_->durable.begin() + static_cast<ptrdiff_t>(node_->dirtyFrom));
    }
    node_->clean();
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
  void put(uint64_t position, ByteView data) {
    if (data.size() == 0) return;
    size_t end = position + data.size();
    node_->touch(std::min<size_t>(position, node_->live.size()), end);
    if (end > node_->live.size()) node_->live.resize(end);
    memcpy(node_->live.data() + position, data.begin(), data.size());
  }

  const MemoryFileSystem& owner_;
  std::shared_ptr<Node> node_;
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
  auto state = state_.lock();
  (*state)->restart([](Node& node) {
    node.entries = node.durableEntries;
    node.live = node.durable;
    node.clean();
  });
}

void MemoryFileSystem::crashPartly(uint64_t seed) {
  auto state = state_.lock();
  std::mt19937_64 random(seed);
  (*state)->restart([&random](Node& node) {
    if (random() % 2 == 0) node.entries = node.durableEntries;
    node.durableEntries = node.entries;
    if (node.dirtyFrom == SIZE_MAX) return;
    size_t least = std::min(node.durable.size(), node.live.size());
    size_t most = std::max(node.durable.size(), node.live.size());
    size_t choice = random() % 3;
    size_t size = choice == 0   ? node.durable.size()
                  : choice == 1 ? node.live.size()
                                : least + random() % (most - least + 1);
    std::string result(size, '\0');
    for (size_t from = 0; from < size; from = (from / kSectorBytes + 1) * kSectorBytes) {
      bool written = random() % 2 == 0;
      auto& source = written ? node.live : node.durable;
      size_t to = std::min({size, (from / kSectorBytes + 1) * kSectorBytes, source.size()});
      for (size_t i = from; i < to; ++i)
        result[i] = source[i];
    }
    node.live = node.durable = result;
    node.clean();
  });
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

void MemoryFileSystem::flipBit(kj::StringPtr path, uint64_t bit) {
  auto state = state_.lock();
  auto node = (*state)->find(path);
  KJ_REQUIRE(node != nullptr && !node->isDirectory, path);
  KJ_REQUIRE(bit / 8 < node->live.size(), path, bit);
  auto flip = [bit](std::string& bytes) {
    if (bit / 8 < bytes.size()) bytes[bit / 8] = static_cast<char>(bytes[bit / 8] ^ (1 << (bit % 8)));
  };
  flip(node->live);
  flip(node->durable);
}

kj::Own<File> MemoryFileSystem::open(kj::StringPtr path, Mode mode) {
  auto state = state_.lock();
  (*state)->checkPower("open", path);
  auto node = (*state)->find(path);
  if (node == nullptr && mode == Mode::kCreate) {
    auto folder = (*state)->folderOf(path, "open");
    (*state)->mutate("open", path, true);
    node = std::make_shared<Node>(false);
    folder->entries[State::nameOf(path)] = node;
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
  folder->entries[State::nameOf(path)] = std::make_shared<Node>(true);
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
  source->entries.erase(State::nameOf(from));
  folder->entries[State::nameOf(to)] = node;
}

void MemoryFileSystem::removeFile(kj::StringPtr path) {
  auto state = state_.lock();
  (*state)->checkPower("remove", path);
  auto node = (*state)->find(path);
  if (node == nullptr) return;
  if (node->isDirectory) fail(kj::Exception::Type::FAILED, "remove", path, "Is a directory");
  (*state)->mutate("remove", path);
  (*state)->folderOf(path, "remove")->entries.erase(State::nameOf(path));
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
  (*state)->folderOf(path, "remove")->entries.erase(State::nameOf(path));
}

void MemoryFileSystem::syncDirectory(kj::StringPtr path) {
  auto state = state_.lock();
  (*state)->checkPower("sync the folder", path);
  auto node = (*state)->find(path);
  if (node == nullptr || !node->isDirectory) {
    fail(kj::Exception::Type::FAILED, "sync the folder", path, "No such file or directory");
  }
  (*state)->mutate("sync the folder", path);
  node->durableEntries = node->entries;
}

void MemoryFileSystem::syncAll() {
  auto state = state_.lock();
  (*state)->mutate("sync everything", "");
  auto settle = [](Node& node) {
    node.durableEntries = node.entries;
    node.durable = node.live;
    node.clean();
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

kj::String MemoryFileSystem::describe(kj::StringPtr path) {
  return kj::str("memory:", path);
}

}  // namespace cambium
