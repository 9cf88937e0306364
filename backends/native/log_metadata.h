#pragma once

#include "engine/base/uuid.h"
#include "engine/storage/file_system.h"

namespace cambium {

// The file "partition.metadata" of a log's folder, text as Apache Kafka writes it (PartitionMetadataFile):
//
//     version: 0
//     topic_id: <22 characters>
//
// The topic id in it. Null when the file is missing or says something else.
kj::Maybe<Uuid> readLogMetadata(FileSystem& fileSystem, kj::StringPtr folder);
// True when the file is missing or looks as one that power failure kept from being written: shorter than it must be, or
// with zeros.
bool isUnwrittenMetadata(FileSystem& fileSystem, kj::StringPtr folder);
// Not durable until the file and its folder are synced.
void writeLogMetadata(FileSystem& fileSystem, kj::StringPtr folder, const Uuid& incarnation);

}  // namespace cambium
