# The client API of Cambium, over Cap'n Proto RPC (two-party, one connection, the bootstrap capability is a Gate).
#
# Everything is a capability: who holds a Partition may use it, dropping it ends what hangs on it. Calls may be pipelined:
# gate.anonymous().broker.topic("words").topic.partition(0).partition.append(…) is one round trip.
#
# Failures that a program may decide on are values: each result has an `error`, which is null (or has the code `none`) on
# success; then the other fields hold. Exceptions are for the unexpected: a lost connection (DISCONNECTED), an overloaded
# broker (OVERLOADED: try again later), a bug (FAILED).
#
# Growing without breaking: fields and methods are only ever added at the end, enumerants too; a reader must bear an enumerant
# that it does not know. Times are milliseconds since 1970-01-01 UTC, durations are milliseconds, offsets start at 0.
# A message may have up to 64 MiB; batches of 16 KiB to 1 MiB are the sweet spot.

@0xd2a1c5f0b6e84a17;

using Cxx = import "/capnp/c++.capnp";
$Cxx.namespace("cambium::rpc");

enum ErrorCode {
  # The names of the Kafka protocol's error codes.
  none @0;
  unknownServerError @1;
  offsetOutOfRange @2;
  corruptMessage @3;
  unknownTopicOrPartition @4;
  notLeaderOrFollower @5;
  requestTimedOut @6;
  messageTooLarge @7;
  invalidTopicException @8;
  invalidRequiredAcks @9;
  invalidTimestamp @10;
  unsupportedVersion @11;
  topicAlreadyExists @12;
  invalidPartitions @13;
  invalidReplicationFactor @14;
  invalidConfig @15;
  invalidRequest @16;
  policyViolation @17;
  kafkaStorageError @18;
  groupIdNotFound @19;
  invalidGroupId @20;
  offsetMetadataTooLarge @21;
  unsupportedCompressionType @22;
  invalidRecord @23;
  throttlingQuotaExceeded @24;
  brokerNotAvailable @25;
  clusterAuthorizationFailed @26;
  unknownTopicId @27;
  inconsistentTopicId @28;
  unknownLeaderEpoch @29;
  fencedLeaderEpoch @30;
  fetchSessionIdNotFound @31;
  invalidFetchSessionEpoch @32;
  coordinatorLoadInProgress @33;
  coordinatorNotAvailable @34;
  notCoordinator @35;
  illegalGeneration @36;
  inconsistentGroupProtocol @37;
  unknownMemberId @38;
  invalidSessionTimeout @39;
  rebalanceInProgress @40;
  invalidCommitOffsetSize @41;
  groupMaxSizeReached @42;
  fencedInstanceId @43;
  memberIdRequired @44;
  nonEmptyGroup @45;
  groupSubscribedToTopic @46;
  outOfOrderSequenceNumber @47;
  duplicateSequenceNumber @48;
  invalidProducerEpoch @49;
  unknownProducerId @50;
  producerFenced @51;
  invalidTransactionTimeout @52;
  invalidTxnState @53;
  transactionalIdNotFound @54;
  invalidReplicaAssignment @55;
  replicaNotAvailable @56;
  notController @57;
  electionNotNeeded @58;
  preferredLeaderNotAvailable @59;
  noReassignmentInProgress @60;
  invalidUpdateVersion @61;
  featureUpdateFailed @62;
  unsupportedForMessageFormat @63;
  securityDisabled @64;
  topicDeletionDisabled @65;
  unstableOffsetCommit @66;
  resourceNotFound @67;
  duplicateResource @68;
  ineligibleReplica @69;
  groupAuthorizationFailed @70;
  topicAuthorizationFailed @71;
}

struct Error {
  code @0 :ErrorCode;
  message @1 :Text;
  # For people: what is wrong with which topic, partition, offset or config, and what to do.
  recordFaults @2 :List(RecordFault);
  # Of a refused append, when single records are to blame: which ones (1000 at most). Nothing of it was appended.
}

struct RecordFault {
  index @0 :Int32;  # of the record in its batch, from 0
  message @1 :Text;
}

enum Codec {
  none @0;
  gzip @1;
  snappy @2;
  lz4 @3;
  zstd @4;
}

enum Acks {
  all @0;     # answered when the records are as safe as the topic's `durability` promises (default: on the device)
  leader @1;  # answered when the leader has written them
  none @2;    # answered at once, even before they are checked; failures are not reported
}

interface Gate {
  # The bootstrap capability: what anybody who can connect holds.

  anonymous @0 (client :ClientInfo) -> (error :Error, broker :Broker);
  # Access without credentials. Refused (clusterAuthorizationFailed) where the broker does not allow it.
}

struct ClientInfo {
  name @0 :Text;      # shown in logs and listings, for example "billing-worker-3"
  software @1 :Text;  # library and version
}

interface Broker {
  info @0 () -> (info :BrokerInfo);

  topic @1 (name :Text) -> (error :Error, topic :Topic);
  # unknownTopicOrPartition when there is none; topics are made by Admin.createTopic.

  listTopics @2 () -> (topics :List(TopicSummary));
  # Sorted by name.

  groupOffsets @3 (group :Text) -> (error :Error, offsets :GroupOffsets);
  # What `group` gives, for programs that were built before it was there.

  listGroups @4 () -> (error :Error, groups :List(Text));
  # The names of `listGroupDetails`, for the same reason.

  admin @5 () -> (error :Error, admin :Admin);

  group @6 (name :Text) -> (error :Error, group :Group);
  # A consumer group; it need not exist: joining it or committing makes it. invalidGroupId when the name is empty.

  listGroupDetails @7 () -> (error :Error, groups :List(GroupSummary));
  # Groups that have members or committed offsets, sorted by name.
}

struct BrokerInfo {
  version @0 :Text;
  clusterId @1 :Text;
  brokerId @2 :Int32;
  cores @3 :UInt16;
  logEngine @4 :Text;    # engine of topics that do not choose one
  stateEngine @5 :Text;  # engine of offsets and metadata
  disk @6 :DiskStatus;
  partitions @7 :UInt32;
  partitionsOffline @8 :UInt32;
  offline @9 :List(OfflinePartition);
  # Those that are offline (the first 100 of each core): a log that cannot be opened, or that failed while it was written or read.
  unsyncedBytes @10 :UInt64;  # of all partitions, as in PartitionDescription
  unsyncedMs @11 :UInt64;     # the age of the oldest of them
  ownMemoryBytes @12 :UInt64;
  mappedFileBytes @13 :UInt64;
  # What the process holds of the machine's memory: its own, and pages of files that it reads, which the system takes back
  # when it needs them.
}

struct DiskStatus {
  # The device of the data directory, as of the last half second.
  free @0 :UInt64;
  total @1 :UInt64;
  reserve @2 :UInt64;  # what clients leave alone (--disk_reserve_bytes); 0: no reserve
  full @3 :Bool;
  # Nothing is appended and no topic is made (kafkaStorageError); everything else goes on, and so do these when there is room.
  readOnly @4 :Text;
  # Why nothing can be written at all, and what to do; empty when it can. Appends and changes of topics are refused
  # (kafkaStorageError), reads go on.
}

struct OfflinePartition {
  partition @0 :Text;  # "words-0"
  error @1 :Error;     # why, and what to do
}

struct TopicSummary {
  name @0 :Text;
  id @1 :Text;  # 22 characters, as Kafka writes topic ids
  partitions @2 :Int32;
  engine @3 :Text;
  internal @4 :Bool;  # the broker's own: it may be read, and nothing else
}

# --- Topics ------------------------------------------------------------------------------------------------------------------

interface Topic {
  # One topic. Stays bound to the topic it was opened on: after a deletion every call answers unknownTopicOrPartition, also when
  # a topic of the same name was made anew.

  describe @0 () -> (error :Error, topic :TopicDescription);

  partition @1 (index :Int32) -> (error :Error, partition :Partition);
}

struct TopicDescription {
  name @0 :Text;
  id @1 :Text;
  configs @2 :List(ConfigEntry);  # all of them, sorted by name
  partitions @3 :List(PartitionDescription);  # by index
}

struct ConfigEntry {
  name @0 :Text;
  value @1 :Text;
  isDefault @2 :Bool;
  documentation @3 :Text;
  type @4 :Text;  # boolean, string, int, long, double or list
  defaultValue @5 :Text;
  validValues @6 :Text;  # for people: "a whole number from 0 to 9"
  readOnly @7 :Bool;     # cannot be altered
  source @8 :Text;
  # Where the value comes from: "topic", "this broker", "every broker" (both set while the broker runs), "command line" or "default".
}

struct PartitionDescription {
  index @0 :Int32;
  error @1 :Error;  # set when this partition is offline: why, and what to do
  logStart @2 :Int64;
  highWatermark @3 :Int64;  # one past the last record that can be read
  end @4 :Int64;            # one past the last record written
  durable @5 :Int64;        # everything below survives a power loss
  bytes @6 :UInt64;         # on the device, indexes included
  extents @7 :UInt32;       # segments, or buckets touched
  leaderEpoch @8 :Int32;
  engine @9 :Text;          # where its log is
  core @10 :UInt16;         # the loop that owns it
  cleanedUpTo @11 :Int64 = -1;   # compacted topics: records below were compacted; -1: none since the broker's start
  compactionFailure @12 :Text;   # why the last compaction came to nothing, and when it is tried again; empty: it did not
  move @13 :PartitionMove;  # set while the log is on its way to another engine (see Admin.moveTopic)
  unsyncedBytes @14 :UInt64;
  # Appended and not yet made durable: what a power loss would take, as far as is known. With `durability=os` everything since
  # the partition was opened.
  unsyncedMs @15 :UInt64;   # since the oldest of them was appended
}

struct PartitionMove {
  # The log is served from where it is (PartitionDescription.engine) until it has arrived as a whole.

  to @0 :Text;  # the engine
  phase @1 :Phase;
  copiedUpTo @2 :Int64;  # what was copied ends at this offset
  copied @3 :UInt64;     # bytes, in this attempt
  total @4 :UInt64;      # bytes that the log holds, indexes included: about what there is to copy
  failure @5 :Text;      # why it was given up, with `failed`

  enum Phase {
    waiting @0;    # partitions of one loop go one after another
    copying @1;    # producers and consumers go on
    switching @2;  # the last of it is copied; appends wait for a moment
    cleaning @3;   # the log that is no longer needed, or never came to be, is removed
    failed @4;     # asking for the move again tries again, and so does the next start of the broker
  }
}

# --- Records -----------------------------------------------------------------------------------------------------------------

struct Header {
  key @0 :Data;  # UTF-8 by convention
  value @1 :Data;
  hasNullValue @2 :Bool;
}

struct NewRecord {
  key @0 :Data;
  hasKey @1 :Bool;        # false: the key is null
  value @2 :Data;
  hasNullValue @3 :Bool;  # a tombstone on compacted topics
  headers @4 :List(Header);
  timestamp @5 :Int64 = -1;  # -1: the broker's clock
}

struct StoredRecord {
  offset @0 :Int64;
  timestamp @1 :Int64;
  key @2 :Data;
  hasKey @3 :Bool;
  value @4 :Data;
  hasNullValue @5 :Bool;
  headers @6 :List(Header);
}

struct Appended {
  baseOffset @0 :Int64;   # of the first record
  nextOffset @1 :Int64;   # one past the last one
  logAppendTime @2 :Int64 = -1;  # set when the topic stamps the broker's time
  logStart @3 :Int64;
}

interface Partition {
  # One partition of one topic.

  append @0 (records :List(NewRecord), codec :Codec, acks :Acks) -> (error :Error, appended :Appended);
  # Appends records, all or none, as one batch that the broker builds (and compresses with `codec`).

  appendBatches @1 (batches :Data, acks :Acks) -> (error :Error, appended :Appended);
  # Appends ready record batches (Kafka's format, version 2), one after another: the quick way. Base offsets are the broker's.

  openAppender @2 (acks :Acks) -> (error :Error, appender :Appender);
  # A stream of batches, for bulk loads.

  read @3 (request :ReadRequest) -> (error :Error, chunk :BatchChunk);
  # Whole batches from an offset on; the first may begin before it. Waits as the request says. Cancelled when the caller drops
  # the call or the connection ends.

  readRecords @4 (request :ReadRequest) -> (error :Error, chunk :RecordChunk);
  # The same, decompressed and taken apart, beginning exactly at the offset.

  subscribe @5 (from :Int64, sink :RecordSink, options :SubscribeOptions)
      -> (error :Error, subscription :Subscription);
  # Pushes everything from an offset on into `sink`, and goes on as records arrive.

  findOffset @6 (position :Position) -> (error :Error, found :FoundOffset);

  deleteRecords @7 (before :Int64) -> (error :Error, logStart :Int64);
  # Makes everything below `before` unreadable; -1: everything below the high watermark. Returns the new start of the log.

  describe @8 () -> (partition :PartitionDescription);
}

interface Appender {
  append @0 (batches :Data) -> stream;
  # As Partition.appendBatches. After a failure everything further is dropped; flush() tells.

  flush @1 () -> (error :Error, appended :Appended);
  # Waits until everything sent so far is acknowledged as `acks` asks, or reports the first failure. `appended` spans all records
  # of this appender so far.
}

struct ReadRequest {
  from @0 :Int64;
  bytesMax @1 :UInt32 = 1048576;  # at least one whole batch is returned, however large
  bytesMin @2 :UInt32 = 1;        # wait until so many bytes are there …
  waitMsMax @3 :UInt32 = 0;       # … but no longer than this; then answer with what there is
}

struct BatchChunk {
  batches @0 :Data;
  highWatermark @1 :Int64;
  logStart @2 :Int64;
  nextOffset @3 :Int64;  # where to read on
}

struct RecordChunk {
  records @0 :List(StoredRecord);
  highWatermark @1 :Int64;
  logStart @2 :Int64;
  nextOffset @3 :Int64;
}

struct Position {
  union {
    earliest @0 :Void;
    latest @1 :Void;          # the high watermark
    timestamp @2 :Int64;      # the first record that is at least so late
    maxTimestamp @3 :Void;    # the record with the largest timestamp
  }
}

struct FoundOffset {
  offset @0 :Int64;     # -1: no record is that late
  timestamp @1 :Int64;  # of the record found; -1 for earliest and latest
  leaderEpoch @2 :Int32;
}

# --- Push --------------------------------------------------------------------------------------------------------------------

struct SubscribeOptions {
  format @0 :Format;
  bytesPerPush @1 :UInt32 = 262144;  # about so much in each push; at least one batch
  endOffset @2 :Int64 = -1;          # stop before this offset; -1: never

  enum Format {
    records @0;
    batches @1;
  }
}

interface RecordSink {
  # Implemented by the client. The broker has a bounded number of bytes on the way; it pushes on as the client returns from
  # push, so return when the records are dealt with.

  push @0 (delivery :Delivery) -> stream;

  done @1 (error :Error) -> ();
  # Nothing more will come: the end offset was reached (no error), or why not (topic deleted, offset out of range, …).
}

struct Delivery {
  union {
    records @0 :List(StoredRecord);
    batches @1 :Data;
  }
  highWatermark @2 :Int64;
  nextOffset @3 :Int64;  # where to go on after this delivery

  # Set when a Membership delivers:
  topic @4 :Text;
  partition @5 :Int32;
  generation @6 :Int32;
  error @7 :Error;
  # This partition cannot be read (nothing was delivered): it pauses until the group assigns anew.
}

interface Subscription {
  # Holding it is being subscribed; dropping it ends the pushes.

  position @0 () -> (nextOffset :Int64, highWatermark :Int64);
  # What has been sent so far.
}

# --- Group offsets -----------------------------------------------------------------------------------------------------------

interface GroupOffsets {
  # Where a consumer group goes on reading, by topic and partition. Durable when a call returns.

  commit @0 (offsets :List(OffsetToCommit)) -> (error :Error);
  # All or none. Taken while the group has no members (unknownMemberId otherwise): members commit through their Membership.

  fetch @1 (partitions :List(TopicPartition)) -> (error :Error, offsets :List(CommittedOffset));
  # In the order asked for; `offset` is -1 where nothing is committed. An empty list asks for everything the group has, sorted.

  delete @2 (partitions :List(TopicPartition)) -> (error :Error);
}

struct TopicPartition {
  topic @0 :Text;
  partition @1 :Int32;
}

struct OffsetToCommit {
  topic @0 :Text;
  partition @1 :Int32;
  offset @2 :Int64;  # of the next record to read
  leaderEpoch @3 :Int32 = -1;
  metadata @4 :Text;  # the client's own, up to 4096 bytes
}

struct CommittedOffset {
  topic @0 :Text;
  partition @1 :Int32;
  offset @2 :Int64 = -1;
  leaderEpoch @3 :Int32 = -1;
  metadata @4 :Text;
  commitTimestamp @5 :Int64 = -1;
}

# --- Administration ----------------------------------------------------------------------------------------------------------

interface Admin {
  createTopic @0 (name :Text, partitions :Int32, configs :List(Config), validateOnly :Bool)
      -> (error :Error, topic :TopicSummary);

  deleteTopic @1 (name :Text) -> (error :Error);
  # Readers that wait on it are answered with unknownTopicOrPartition.

  addPartitions @2 (name :Text, total :Int32) -> (error :Error);
  # `total` counts those that are there; it can only grow.

  alterTopic @3 (name :Text, changes :List(Config)) -> (error :Error);
  # Sets configs, or returns them to their defaults. All or none. Another storage.engine moves the topic.

  moveTopic @4 (name :Text, engine :Text) -> (error :Error);
  # Sets storage.engine, and answers when that is written down: the logs of the topic's partitions go to that engine one after
  # another, in the background, while producers and consumers go on; Topic.describe shows how far they are. Offsets, timestamps,
  # epochs, the states of producers and the log's start stay as they are. Asked for again, it lets partitions whose move failed try
  # again. A topic that is there already is left as it is.

  cancelMove @5 (name :Text) -> (error :Error);
  # Sets storage.engine back to where the topic came from: copies that are being made are given up, partitions that had arrived go
  # back in the same way. noReassignmentInProgress when there is nothing to cancel.

  describeBrokerConfig @6 (everyBroker :Bool) -> (error :Error, configs :List(ConfigEntry));
  # All configs of this broker, sorted by name; with `everyBroker` those alone that are set for all brokers at once.

  alterBrokerConfig @7 (everyBroker :Bool, changes :List(Config)) -> (error :Error);
  # Sets configs of this broker, or of all brokers, while it runs, or takes away what was set. All or none. What is set for one broker
  # counts more than what is set for all, and that more than the command line. Done when it is in force.
}

struct Config {
  name @0 :Text;
  value @1 :Text;
  reset @2 :Bool;  # back to the default; `value` is ignored
}

# --- Consumer groups ---------------------------------------------------------------------------------------------------------

interface Group extends(GroupOffsets) {
  # One consumer group: committed offsets (which clients of the Kafka protocol see as well), and members, among which the broker
  # divides the partitions of the topics they ask for. A group has members over this protocol or over Kafka's, not both at once:
  # who comes second is refused with inconsistentGroupProtocol.

  join @0 (topics :List(Text), options :JoinOptions) -> (error :Error, membership :Membership);
  # Becomes a member. Answered at once; the first assignment follows when the group has come together. Topics that are not there
  # (yet) have no partitions; when one is made or grows, the group divides anew.

  describe @1 () -> (error :Error, group :GroupDescription);
  # groupIdNotFound when there is none.

  reset @2 (partitions :List(TopicPartition), to :ResetTarget, validateOnly :Bool)
      -> (error :Error, changes :List(OffsetChange));
  # Moves committed offsets; an empty list means every partition for which the group has one. Targets are brought into the range
  # that can be read. nonEmptyGroup while there are members. `validateOnly`: says what would change and changes nothing.

  deleteGroup @3 () -> (error :Error);
  # With its committed offsets. nonEmptyGroup while there are members, groupIdNotFound when there is none.
}

struct JoinOptions {
  assignor @0 :Assignor;
  # All members of a group need one in common with all others: inconsistentGroupProtocol otherwise.

  sessionTimeoutMs @1 :Int32 = 10000;
  # How long a member counts as there after the broker itself was killed. A connection that ends ends its memberships at once.

  rebalanceTimeoutMs @2 :Int32 = 10000;
  # How long AssignmentListener.revoked may take.

  listener @3 :AssignmentListener;  # null: none; see Membership.assignment
  sink @4 :RecordSink;              # null: nothing is pushed; see Membership.poll
  format @5 :SubscribeOptions.Format;
  bytesPerPush @6 :UInt32 = 262144;

  startAtEnd @7 :Bool;
  # Where a partition begins for which the group has committed nothing, or something that can no longer be read: at the end, or
  # (false) at the beginning.

  clientName @8 :Text;  # shown by describe; a member's id begins with it

  enum Assignor {
    sticky @0;      # as even as can be, and as few partitions as possible change hands
    range @1;       # of each topic a run of neighbouring partitions to each member
    roundRobin @2;  # partition by partition to one member after the other
  }
}

interface Membership {
  # Holding it is being a member: dropping it, or losing the connection, leaves the group at once. Heartbeats are the broker's
  # own business.
  #
  # A group lives in generations. When a member comes or goes, the group stops (nothing is delivered, listeners hear `revoked`),
  # divides anew, and goes on with the next generation. A partition that stays with its member goes on where its deliveries
  # stood, one that comes anew at the committed offset.

  assignment @0 (knownGeneration :Int32 = -1, waitMsMax :UInt32) -> (error :Error, assignment :GroupAssignment);
  # What this member has; waits, but not longer than this, while it is what the caller knows or the group is dividing.
  # An error: the member is out of the group for good.

  poll @1 (bytesMax :UInt32 = 1048576, waitMsMax :UInt32) -> (error :Error, deliveries :List(Delivery));
  # The next records of the assigned partitions, as JoinOptions.format says; waits for the first one. invalidRequest for a member
  # with a sink. One poll at a time.

  commit @2 (generation :Int32, offsets :List(OffsetToCommit)) -> (error :Error);
  # illegalGeneration when the group has gone on: what is still this member's can be committed with the new generation.
  # rebalanceInProgress while it divides. An error about a partition is the first one; the other offsets are committed.
}

struct GroupAssignment {
  generation @0 :Int32 = -1;  # -1: none yet
  partitions @1 :List(StartOffset);  # sorted

  struct StartOffset {
    topic @0 :Text;
    partition @1 :Int32;
    offset @2 :Int64;  # where deliveries begin in this generation
  }
}

interface AssignmentListener {
  # Implemented by the client.

  revoked @0 (generation :Int32, partitions :List(TopicPartition)) -> ();
  # The group divides anew: everything that the member had. Deliveries have stopped; commit what is dealt with, then return: the
  # group waits for it, up to JoinOptions.rebalanceTimeoutMs.

  assigned @1 (assignment :GroupAssignment) -> stream;
  # What the member has now. Deliveries follow.

  ended @2 (error :Error) -> ();
  # The member is out of the group: why.
}

struct GroupSummary {
  name @0 :Text;
  state @1 :Text;         # Empty, PreparingRebalance, CompletingRebalance, Stable, Dead
  protocolType @2 :Text;  # "cambium", "consumer" (Kafka's clients), …; empty: only offsets
}

struct GroupDescription {
  name @0 :Text;
  state @1 :Text;
  protocolType @2 :Text;
  assignor @3 :Text;
  members @4 :List(GroupMember);
}

struct GroupMember {
  id @0 :Text;
  instance @1 :Text;
  clientName @2 :Text;
  host @3 :Text;
  partitions @4 :List(TopicPartition);  # sorted; empty while the group divides
}

struct ResetTarget {
  union {
    earliest @0 :Void;
    latest @1 :Void;
    offset @2 :Int64;
    timestamp @3 :Int64;  # the first record that is at least so late; the end when there is none
    shift @4 :Int64;      # from the committed offset, forward or (negative) back
  }
}

struct OffsetChange {
  topic @0 :Text;
  partition @1 :Int32;
  before @2 :Int64 = -1;  # -1: nothing was committed
  after @3 :Int64;
}
