#include <map>
#include <string>

#include "tools/command.h"
#include "tools/session.h"
#include "tools/table.h"
#include "tools/timestamp.h"

namespace cambium::tools {
namespace {

using PartitionKey = std::pair<std::string, int32_t>;

// What there is to say of one partition that a group reads.
struct Row {
  kj::Maybe<Offset> committed;
  TimestampMs committedAt = kNoTimestamp;
  kj::String metadata;
  kj::Maybe<Offset> end;  // null: it cannot be asked for
  kj::StringPtr member, client, host;

  kj::Maybe<uint64_t> lag() const {
    KJ_IF_MAYBE(last, end) {
      KJ_IF_MAYBE(next, committed) return static_cast<uint64_t>(kj::max(last->value() - next->value(), int64_t{0}));
    }
    return nullptr;
  }
};
using Rows = std::map<PartitionKey, Row>;

template <class T>
kj::String orDash(const kj::Maybe<T>& value) {
  KJ_IF_MAYBE(v, value) return kj::str(*v);
  return kj::str("-");
}

template <class T>
void valueOrNull(JsonWriter& json, const kj::Maybe<T>& value) {
  KJ_IF_MAYBE(v, value) {
    json.value(*v);
  } else {
    json.null();
  }
}

// --- list
// ----------------------------------------------------------------------------------------------------

kj::Promise<int> list(Session& session) {
  auto groups = co_await session.admin().listGroups();
  if (!groups.ok()) co_return session.fail(groups.error());
  if (session.json()) {
    JsonWriter json;
    json.beginArray();
    for (auto& group : groups.value()) {
      json.beginObject().key("group").value(group.name).key("state").value(group.state);
      json.key("protocolType").value(group.protocolType).endObject();
    }
    json.endArray();
    co_return session.print(json);
  }
  Table table({"GROUP"_kj, "STATE"_kj, "TYPE"_kj});
  for (auto& group : groups.value()) {
    table.add(kj::arr(kj::str(group.name), kj::str(group.state),
                      kj::str(group.protocolType.size() > 0 ? group.protocolType : kj::StringPtr("-"))));
  }
  session.out().write(table.render());
  co_return session.done();
}

// --- describe
// ----------------------------------------------------------------------------------------------------

// What the group has committed and what its members have.
kj::Promise<Result<Rows>> rowsOf(Session& session, const client::GroupDescription& group) {
  auto fetched = co_await session.admin().fetchOffsets(kj::str(group.name));
  if (!fetched.ok()) co_return kj::mv(fetched.error());
  Rows rows;
  for (auto& offset : fetched.value()) {
    auto& row = rows[{offset.topic.cStr(), offset.partition.value()}];
    row.committed = offset.offset;
    row.committedAt = offset.committedAt;
    row.metadata = kj::mv(offset.metadata);
  }
  for (auto& member : group.members) {
    for (auto& partition : member.partitions) {
      auto& row = rows[{partition.topic.cStr(), partition.partition.value()}];
      row.member = member.id;
      row.client = member.clientName;
      row.host = member.host;
    }
  }
  for (auto& [key, row] : rows) {
    auto end =
        co_await session.admin().findOffset(kj::str(key.first.c_str()), PartitionIndex(key.second), client::Latest{});
    if (end.ok()) row.end = end.value().offset;
  }
  co_return kj::mv(rows);
}

JsonWriter toJson(const client::GroupDescription& group, const Rows& rows) {
  JsonWriter json;
  json.beginObject().key("group").value(group.name).key("state").value(group.state);
  json.key("protocolType").value(group.protocolType).key("assignor").value(group.assignor);
  json.key("members").beginArray();
  for (auto& member : group.members) {
    json.beginObject().key("member").value(member.id).key("instance").value(member.instance);
    json.key("client").value(member.clientName).key("host").value(member.host);
    json.key("partitions").value(static_cast<uint64_t>(member.partitions.size())).endObject();
  }
  json.endArray().key("partitions").beginArray();
  for (auto& [key, row] : rows) {
    json.beginObject().key("topic").value(kj::StringPtr(key.first.c_str())).key("partition").value(key.second);
    json.key("committed");
    valueOrNull(json, row.committed);
    json.key("end");
    valueOrNull(json, row.end);
    json.key("lag");
    valueOrNull(json, row.lag());
    json.key("committedAt").value(row.committedAt).key("metadata").value(row.metadata);
    json.key("member").value(row.member).endObject();
  }
  json.endArray().endObject();
  return json;
}

kj::Promise<int> describe(Session& session) {
  auto found = co_await session.admin().describeGroup(kj::str(session.argument(0)));
  if (!found.ok()) co_return session.fail(found.error());
  auto& group = found.value();
  auto rows = co_await rowsOf(session, group);
  if (!rows.ok()) co_return session.fail(rows.error());
  if (session.json()) co_return session.print(toJson(group, rows.value()));

  auto count = group.members.size();
  session.out().write(kj::str("group ", group.name, ": ", group.state, ", ", count, count == 1 ? " member" : " members",
                              group.assignor.size() > 0 ? kj::str(", assignor ", group.assignor) : kj::str(), "\n\n"));
  Table table({"TOPIC"_kj, "PARTITION"_kj, "COMMITTED"_kj, "END"_kj, "LAG"_kj, "COMMITTED AT"_kj, "MEMBER"_kj,
               "CLIENT"_kj, "HOST"_kj});
  auto shown = [](kj::StringPtr text) { return text.size() > 0 ? kj::str(text) : kj::str("-"); };
  for (auto& [key, row] : rows.value()) {
    table.add(kj::arr(kj::str(key.first.c_str()), kj::str(key.second), orDash(row.committed), orDash(row.end),
                      orDash(row.lag()), formatTimestamp(row.committedAt), shown(row.member), shown(row.client),
                      shown(row.host)));
  }
  session.out().write(table.render());
  for (auto& member : group.members) {
    if (member.partitions.size() > 0) continue;
    session.out().write(kj::str("without partitions: ", member.id, " (", member.clientName, ", ", member.host, ")\n"));
  }
  co_return session.done();
}

// --- reset-offsets
// ----------------------------------------------------------------------------------------------------

// The partitions that the arguments and --partition name; none: all that the group has committed.
kj::Promise<Result<kj::Array<client::TopicPartition>>> partitionsToReset(Session& session,
                                                                         kj::Maybe<PartitionIndex> only) {
  kj::Vector<client::TopicPartition> partitions;
  if (session.arguments().size() < 2) co_return partitions.releaseAsArray();
  auto topic = session.argument(1);
  KJ_IF_MAYBE(index, only) {
    partitions.add(client::TopicPartition{kj::str(topic), *index});
    co_return partitions.releaseAsArray();
  }
  auto described = co_await session.admin().describeTopic(kj::str(topic));
  if (!described.ok()) co_return kj::mv(described.error());
  for (auto& partition : described.value().partitions)
    partitions.add(client::TopicPartition{kj::str(topic), partition.index});
  co_return partitions.releaseAsArray();
}

kj::Promise<int> resetOffsets(Session& session) {
  auto options = resetOptions();
  if (!options.ok()) co_return session.wrongUsage(options.error().message);
  if (options.value().partition != nullptr && session.arguments().size() < 2)
    co_return session.wrongUsage("--partition needs a TOPIC");
  auto partitions = co_await partitionsToReset(session, options.value().partition);
  if (!partitions.ok()) co_return session.fail(partitions.error());
  bool dryRun = options.value().dryRun;
  auto changes = co_await session.admin().resetOffsets(kj::str(session.argument(0)), kj::mv(partitions.value()),
                                                       options.value().to, dryRun);
  if (!changes.ok()) co_return session.fail(changes.error());
  if (changes.value().size() == 0) {
    co_return session.fail(
        kj::str("group ", session.argument(0), " has committed nothing; name a TOPIC to begin with"));
  }
  auto before = [](const client::OffsetChange& change) -> kj::Maybe<Offset> {
    if (change.before == kNoOffset) return nullptr;
    return change.before;
  };
  if (session.json()) {
    JsonWriter json;
    json.beginArray();
    for (auto& change : changes.value()) {
      json.beginObject().key("topic").value(change.topic).key("partition").value(change.partition).key("before");
      valueOrNull(json, before(change));
      json.key("after").value(change.after).endObject();
    }
    json.endArray();
    co_return session.print(json);
  }
  Table table({"TOPIC"_kj, "PARTITION"_kj, "BEFORE"_kj, "AFTER"_kj});
  for (auto& change : changes.value())
    table.add(kj::arr(kj::str(change.topic), kj::str(change.partition), orDash(before(change)), kj::str(change.after)));
  session.out().write(table.render());
  if (dryRun) session.out().write("nothing was changed (--dry_run)\n"_kj);
  co_return session.done();
}

// --- delete, delete-offsets
// ----------------------------------------------------------------------------------------------------

kj::Promise<int> remove(Session& session) {
  auto group = session.argument(0);
  auto deleted = co_await session.admin().deleteGroup(kj::str(group));
  if (!deleted.ok()) co_return session.fail(deleted.error());
  if (session.json()) {
    JsonWriter json;
    json.beginObject().key("group").value(group).endObject();
    co_return session.print(json);
  }
  session.out().write(kj::str("deleted group ", group, '\n'));
  co_return session.done();
}

kj::Promise<int> removeOffsets(Session& session) {
  auto group = session.argument(0);
  kj::Maybe<PartitionIndex> only;
  if (session.arguments().size() == 3) {
    auto partition = parsePartition(session.argument(2));
    if (!partition.ok()) co_return session.wrongUsage(partition.error().message);
    only = partition.value();
  }
  auto fetched = co_await session.admin().fetchOffsets(kj::str(group));
  if (!fetched.ok()) co_return session.fail(fetched.error());
  kj::Vector<client::TopicPartition> partitions;
  for (auto& offset : fetched.value()) {
    bool isMeant = offset.topic == session.argument(1);
    KJ_IF_MAYBE(index, only) isMeant = isMeant && offset.partition == *index;
    if (isMeant) partitions.add(client::TopicPartition{kj::mv(offset.topic), offset.partition});
  }
  auto count = partitions.size();
  if (count == 0) {
    co_return session.fail(
        kj::str("group ", group, " has committed nothing there; see: cambium group describe ", group));
  }
  auto deleted = co_await session.admin().deleteOffsets(kj::str(group), partitions.releaseAsArray());
  if (!deleted.ok()) co_return session.fail(deleted.error());
  if (session.json()) {
    JsonWriter json;
    json.beginObject().key("group").value(group).key("deleted").value(uint64_t{count}).endObject();
    co_return session.print(json);
  }
  session.out().write(kj::str("deleted ", count, count == 1 ? " offset" : " offsets", " of group ", group, '\n'));
  co_return session.done();
}

constexpr FlagUse kResetFlags[] = {
    {"to"_kj,
     "earliest|latest|OFFSET|@TIME|+N|-N: where to; @TIME: the first record that is so late; +N, -N: so many "
     "records on or back"_kj,
     true},
    {"partition"_kj},
    {"dry_run"_kj},
};

}  // namespace

kj::ArrayPtr<const Command> groupCommands() {
  static const Command commands[] = {
      {"group list"_kj, ""_kj, "List the consumer groups"_kj,
       "Groups that have members or committed offsets, and what protocol their members speak: cambium, or consumer\n"
       "(clients of the Kafka protocol).\n"_kj,
       0, 0, nullptr, list},
      {"group describe"_kj, "GROUP"_kj, "Show a group's members, offsets and lag"_kj,
       "END is one past the last record that can be read, LAG what lies between it and the committed offset.\n"_kj, 1,
       1, nullptr, describe},
      {"group reset-offsets"_kj, "GROUP [TOPIC]"_kj, "Move where a group goes on reading"_kj,
       "Of all partitions of TOPIC, or, without one, of all for which the group has committed something. Targets are "
       "brought\n"
       "into the range that can be read. The group must have no members; it need not exist.\n"
       "\n"
       "  cambium group reset-offsets billing words --to=@2026-11-20T12:00:00Z --dry_run\n"_kj,
       1, 2, kResetFlags, resetOffsets},
      {"group delete-offsets"_kj, "GROUP TOPIC [PARTITION]"_kj, "Forget what a group has committed for a topic"_kj,
       ""_kj, 2, 3, nullptr, removeOffsets},
      {"group delete"_kj, "GROUP"_kj, "Delete a group that has no members, with its offsets"_kj, ""_kj, 1, 1, nullptr,
       remove},
  };
  return commands;
}

}  // namespace cambium::tools
