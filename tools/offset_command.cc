#include "tools/command.h"
#include "tools/session.h"
#include "tools/table.h"
#include "tools/timestamp.h"

namespace cambium::tools {
namespace {

kj::Promise<int> commit(Session& session) {
  auto partition = parsePartition(session.argument(2));
  if (!partition.ok()) co_return session.wrongUsage(partition.error().message);
  auto offset = parseOffset(session.argument(3));
  if (!offset.ok()) co_return session.wrongUsage(offset.error().message);

  auto group = session.argument(0);
  auto topic = session.argument(1);
  kj::Vector<client::GroupOffset> offsets;
  offsets.add(client::GroupOffset{.topic = kj::str(topic),
                                  .partition = partition.value(),
                                  .offset = offset.value(),
                                  .metadata = offsetOptions().metadata});
  auto committed = co_await session.admin().commitOffsets(kj::str(group), offsets.releaseAsArray());
  if (!committed.ok()) co_return session.fail(committed.error());
  if (session.json()) {
    JsonWriter json;
    json.beginObject().key("group").value(group).key("topic").value(topic);
    json.key("partition").value(partition.value()).key("offset").value(offset.value()).endObject();
    co_return session.print(json);
  }
  session.out().write(kj::str("committed offset ", offset.value(), " of ", topic, " partition ", partition.value(),
                              " for group ", group, '\n'));
  co_return session.done();
}

// What the group has committed, of one topic (the second argument) or of all.
kj::Promise<Result<kj::Array<client::GroupOffset>>> committedOffsets(Session& session) {
  auto fetched = co_await session.admin().fetchOffsets(kj::str(session.argument(0)));
  if (!fetched.ok() || session.arguments().size() < 2) co_return kj::mv(fetched);
  kj::Vector<client::GroupOffset> ofTopic;
  for (auto& offset : fetched.value()) {
    if (offset.topic == session.argument(1)) ofTopic.add(kj::mv(offset));
  }
  co_return ofTopic.releaseAsArray();
}

kj::Promise<int> fetch(Session& session) {
  auto offsets = co_await committedOffsets(session);
  if (!offsets.ok()) co_return session.fail(offsets.error());
  if (session.json()) {
    JsonWriter json;
    json.beginArray();
    for (auto& o : offsets.value()) {
      json.beginObject().key("topic").value(o.topic).key("partition").value(o.partition);
      json.key("offset").value(o.offset).key("leaderEpoch").value(o.leaderEpoch);
      json.key("metadata").value(o.metadata).key("committedAt").value(o.committedAt).endObject();
    }
    json.endArray();
    co_return session.print(json);
  }
  Table table({"TOPIC"_kj, "PARTITION"_kj, "OFFSET"_kj, "COMMITTED"_kj, "METADATA"_kj});
  for (auto& o : offsets.value()) {
    table.add(kj::arr(kj::str(o.topic), kj::str(o.partition), kj::str(o.offset), formatTimestamp(o.committedAt),
                      kj::str(o.metadata)));
  }
  session.out().write(table.render());
  co_return session.done();
}

kj::Promise<int> list(Session& session) {
  auto groups = co_await session.admin().listGroups();
  if (!groups.ok()) co_return session.fail(groups.error());
  if (session.json()) {
    JsonWriter json;
    json.beginArray();
    for (auto& group : groups.value())
      json.value(group);
    json.endArray();
    co_return session.print(json);
  }
  for (auto& group : groups.value())
    session.out().write(kj::str(group, '\n'));
  co_return session.done();
}

kj::Promise<int> remove(Session& session) {
  kj::Maybe<PartitionIndex> only;
  if (session.arguments().size() == 3) {
    auto partition = parsePartition(session.argument(2));
    if (!partition.ok()) co_return session.wrongUsage(partition.error().message);
    only = partition.value();
  }
  auto offsets = co_await committedOffsets(session);
  if (!offsets.ok()) co_return session.fail(offsets.error());
  kj::Vector<client::TopicPartition> partitions;
  for (auto& offset : offsets.value()) {
    KJ_IF_MAYBE(wanted, only) {
      if (offset.partition != *wanted) continue;
    }
    partitions.add(client::TopicPartition{kj::mv(offset.topic), offset.partition});
  }
  size_t count = partitions.size();
  if (count == 0) {
    co_return session.fail(kj::str("group ", session.argument(0),
                                   " has committed nothing there; see: cambium offset "
                                   "fetch ",
                                   session.argument(0)));
  }
  auto deleted = co_await session.admin().deleteOffsets(kj::str(session.argument(0)), partitions.releaseAsArray());
  if (!deleted.ok()) co_return session.fail(deleted.error());
  if (session.json()) {
    JsonWriter json;
    json.beginObject().key("group").value(session.argument(0)).key("deleted").value(uint64_t{count}).endObject();
    co_return session.print(json);
  }
  session.out().write(
      kj::str("deleted ", count, count == 1 ? " offset" : " offsets", " of group ", session.argument(0), '\n'));
  co_return session.done();
}

constexpr FlagUse kCommitFlags[] = {{"metadata"_kj}};

}  // namespace

kj::ArrayPtr<const Command> offsetCommands() {
  static const Command commands[] = {
      {"offset commit"_kj, "GROUP TOPIC PARTITION OFFSET"_kj, "Set where a group goes on reading"_kj,
       "OFFSET is that of the next record to read. The group need not exist.\n"_kj, 4, 4, kCommitFlags, commit},
      {"offset fetch"_kj, "GROUP [TOPIC]"_kj, "Show what a group has committed"_kj, ""_kj, 1, 2, nullptr, fetch},
      {"offset list"_kj, ""_kj, "List the groups that have committed offsets"_kj, ""_kj, 0, 0, nullptr, list},
      {"offset delete"_kj, "GROUP [TOPIC [PARTITION]]"_kj, "Forget what a group has committed"_kj, ""_kj, 1, 3, nullptr,
       remove},
  };
  return commands;
}

}  // namespace cambium::tools
