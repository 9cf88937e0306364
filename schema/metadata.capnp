# What the broker keeps about itself, as values of the metadata store. Keys are text:
#
#     topics/<name>            TopicRecord: a topic that exists
#     deletions/<topic id>     TopicRecord: a topic that was deleted and whose logs are not yet all gone
#     configs/brokers/<number> ConfigsRecord: what was set on a broker while it runs; without a number: on all brokers
#     configs/groups/<name>    ConfigsRecord: of a group
#     configs/client-metrics/<name>  ConfigsRecord: of a subscription of client metrics
#     producer-ids/next        ProducerIdsRecord: which producer ids are still to be handed out
#
# and, in the tables of engine/group/group_tables.h, OffsetRecord (key: group, topic and partition) and PositionRecord.
# Values are single-segment messages without packing. Fields are only ever added at the end.

@0xe7c4b1d90a3f6285;

using Cxx = import "/capnp/c++.capnp";
$Cxx.namespace("cambium::persisted");

struct TopicRecord {
  name @0 :Text;
  id @1 :Data;  # 16 bytes
  partitions @2 :List(PartitionRecord);  # by index
  configs @3 :List(ConfigRecord);  # only what differs from the defaults, sorted by name
  createdAt @4 :Int64;  # milliseconds since 1970-01-01 UTC
  engine @5 :Text;  # where the logs belong (storage.engine): a partition whose log is elsewhere is moved there
  moveAttempt @6 :UInt32;  # grows whenever somebody asks for a move, so that one that failed is tried again
}

struct PartitionRecord {
  leaderEpoch @0 :Int32;
  engine @1 :Text;  # that holds the log in charge; empty: the topic's
  otherEngine @2 :Text;
  # That may hold another log of this partition, which is nobody's but a move's: the copy while it is made, or what was left behind by a
  # switch or a cancelled move, and is to be dropped. Written before such a log is made, emptied after it is gone.
}

struct ConfigRecord {
  name @0 :Text;
  value @1 :Text;
}

struct ConfigsRecord {
  configs @0 :List(ConfigRecord);  # sorted by name, never empty
}

struct OffsetRecord {
  offset @0 :Int64;
  leaderEpoch @1 :Int32;
  metadata @2 :Text;
  committedAt @3 :Int64;
}

struct PositionRecord {
  topic @0 :Data;  # id of __consumer_offsets, 16 bytes
  upTo @1 :Int64;  # the tables hold what the partition says below this offset
}

struct ProducerIdsRecord {
  next @0 :Int64;  # every id below it was handed out, or belongs to a block that a broker has taken for itself
}
