#pragma once

#include <kj/debug.h>
#include <kj/memory.h>
#include <kj/refcount.h>
#include <kj/vector.h>

namespace cambium {

// An ordered set of shared values that is never changed: with() and without() make another one that has all but some
// log2(size) of its nodes in common with the first. An AVL tree. `T` is kj::AtomicRefcounted; `Order::keyOf(value)`
// gives what values are ordered and found by. Any thread may use one, and drop it.
template <class T, class Order>
class PersistentMap {
  struct Node;
  using Link = kj::Own<const Node>;  // null: nothing

 public:
  class Iterator;

  PersistentMap() = default;
  PersistentMap(PersistentMap&&) = default;
  PersistentMap& operator=(PersistentMap&&) = default;
  KJ_DISALLOW_COPY(PersistentMap);

  // Requires values in the order of their keys, each key once.
  static PersistentMap ofSorted(kj::ArrayPtr<const kj::Own<const T>> values) { return PersistentMap(build(values)); }

  size_t size() const { return sizeOf(root_); }
  template <class Key>
  kj::Maybe<const T&> find(const Key& key) const {
    for (auto* node = root_.get(); node != nullptr;) {
      auto&& own = Order::keyOf(*node->value);
      if (key < own) {
        node = node->left.get();
      } else if (own < key) {
        node = node->right.get();
      } else {
        return *node->value;
      }
    }
    return nullptr;
  }

  // With this value, in place of the one of the same key if there is one.
  PersistentMap with(kj::Own<const T> value) const { return PersistentMap(put(root_, kj::mv(value))); }
  // Without the value of this key; the same when there is none.
  template <class Key>
  PersistentMap without(const Key& key) const {
    if (find(key) == nullptr) return share();
    return PersistentMap(remove(root_, key));
  }
  PersistentMap share() const { return PersistentMap(shared(root_)); }

  // In the order of keys; valid while the map is there.
  Iterator begin() const { return Iterator(root_.get()); }
  Iterator end() const { return Iterator(nullptr); }

  // How many nodes this map does not have in common with `other`: what it cost to make it of that one.
  size_t nodesApartFrom(const PersistentMap& other) const { return apart(root_.get(), other); }

 private:
  struct Node final : public kj::AtomicRefcounted {
    Node(kj::Own<const T> value, Link left, Link right)
        : value(kj::mv(value)),
          left(kj::mv(left)),
          right(kj::mv(right)),
          size(1 + sizeOf(this->left) + sizeOf(this->right)),
          height(1 + kj::max(heightOf(this->left), heightOf(this->right))) {}
    const kj::Own<const T> value;
    const Link left, right;
    const size_t size;
    const int height;
  };

  explicit PersistentMap(Link root) : root_(kj::mv(root)) {}

  static size_t sizeOf(const Link& link) { return link.get() == nullptr ? 0 : link->size; }
  static int heightOf(const Link& link) { return link.get() == nullptr ? 0 : link->height; }
  static Link shared(const Link& link) { return link.get() == nullptr ? Link() : kj::atomicAddRef(*link); }
  static kj::Own<const T> valueOf(const Node& node) { return kj::atomicAddRef(*node.value); }
  static Link make(kj::Own<const T> value, Link left, Link right) {
    return kj::atomicRefcounted<const Node>(kj::mv(value), kj::mv(left), kj::mv(right));
  }

  static Link build(kj::ArrayPtr<const kj::Own<const T>> values) {
    if (values.size() == 0) return Link();
    size_t middle = values.size() / 2;
    return make(kj::atomicAddRef(*values[middle]), build(values.slice(0, middle)),
                build(values.slice(middle + 1, values.size())));
  }

  // A node over two trees whose heights differ by at most two.
  static Link balanced(kj::Own<const T> value, Link left, Link right) {
    int tilt = heightOf(left) - heightOf(right);
    if (tilt > 1) {
      if (heightOf(left->left) >= heightOf(left->right)) {
        return make(valueOf(*left), shared(left->left), make(kj::mv(value), shared(left->right), kj::mv(right)));
      }
      auto& middle = *left->right;
      return make(valueOf(middle), make(valueOf(*left), shared(left->left), shared(middle.left)),
                  make(kj::mv(value), shared(middle.right), kj::mv(right)));
    }
    if (tilt < -1) {
      if (heightOf(right->right) >= heightOf(right->left)) {
        return make(valueOf(*right), make(kj::mv(value), kj::mv(left), shared(right->left)), shared(right->right));
      }
      auto& middle = *right->left;
      return make(valueOf(middle), make(kj::mv(value), kj::mv(left), shared(middle.left)),
                  make(valueOf(*right), shared(middle.right), shared(right->right)));
    }
    return make(kj::mv(value), kj::mv(left), kj::mv(right));
  }

  static Link put(const Link& tree, kj::Own<const T> value) {
    if (tree.get() == nullptr) return make(kj::mv(value), Link(), Link());
    auto&& key = Order::keyOf(*value);
    auto&& own = Order::keyOf(*tree->value);
    if (key < own) return balanced(valueOf(*tree), put(tree->left, kj::mv(value)), shared(tree->right));
    if (own < key) return balanced(valueOf(*tree), shared(tree->left), put(tree->right, kj::mv(value)));
    return make(kj::mv(value), shared(tree->left), shared(tree->right));
  }

  // Requires that the key is there.
  template <class Key>
  static Link remove(const Link& tree, const Key& key) {
    auto&& own = Order::keyOf(*tree->value);
    if (key < own) return balanced(valueOf(*tree), remove(tree->left, key), shared(tree->right));
    if (own < key) return balanced(valueOf(*tree), shared(tree->left), remove(tree->right, key));
    if (tree->left.get() == nullptr) return shared(tree->right);
    if (tree->right.get() == nullptr) return shared(tree->left);
    auto* next = tree->right.get();
    while (next->left.get() != nullptr)
      next = next->left.get();
    return balanced(valueOf(*next), shared(tree->left), removeFirst(tree->right));
  }
  static Link removeFirst(const Link& tree) {
    if (tree->left.get() == nullptr) return shared(tree->right);
    return balanced(valueOf(*tree), removeFirst(tree->left), shared(tree->right));
  }

  static bool has(const Node* tree, const Node* wanted) {
    auto&& key = Order::keyOf(*wanted->value);
    while (tree != nullptr && tree != wanted) {
      auto&& own = Order::keyOf(*tree->value);
      if (key < own) {
        tree = tree->left.get();
      } else if (own < key) {
        tree = tree->right.get();
      } else {
        return false;
      }
    }
    return tree != nullptr;
  }
  static size_t apart(const Node* tree, const PersistentMap& other) {
    if (tree == nullptr || has(other.root_.get(), tree)) return 0;
    return 1 + apart(tree->left.get(), other) + apart(tree->right.get(), other);
  }

  Link root_;
};

template <class T, class Order>
class PersistentMap<T, Order>::Iterator {
 public:
  explicit Iterator(const Node* root) { descend(root); }

  const kj::Own<const T>& operator*() const { return path_.back()->value; }
  Iterator& operator++() {
    auto* node = path_.back();
    path_.removeLast();
    descend(node->right.get());
    return *this;
  }
  friend bool operator==(const Iterator& a, const Iterator& b) {
    if (a.path_.size() == 0 || b.path_.size() == 0) return a.path_.size() == b.path_.size();
    return a.path_.back() == b.path_.back();
  }

 private:
  void descend(const Node* node) {
    for (; node != nullptr; node = node->left.get())
      path_.add(node);
  }
  kj::Vector<const Node*> path_;  // the node itself at the end, before it those that come after it
};

}  // namespace cambium
