#pragma once

#include <kj/array.h>
#include <kj/vector.h>

#include "client/admin.h"
#include "client/consumer.h"
#include "client/producer.h"

// What stands in flags and arguments, taken apart. Pure functions; errors are kInvalidRequest with a message for
// people.

namespace cambium::tools {

// "a=1,b=2" as config changes. A part without '=' belongs to the value before it, so that
// "cleanup.policy=compact,delete" is one config.
Result<kj::Array<client::ConfigChange>> parseConfigs(kj::StringPtr text);

// "a,b" as config changes that return them to their defaults.
Result<kj::Array<client::ConfigChange>> parseResets(kj::StringPtr text);

struct HeaderText {
  kj::String key;
  kj::Maybe<kj::String> value;  // null for a part without '='
};
// "k=v,k2=v2" as headers.
Result<kj::Array<HeaderText>> parseHeaders(kj::StringPtr text);

// "beginning", "end", an offset, or "@" and a timestamp (see parseTimestamp).
Result<client::StartAt> parseStart(kj::StringPtr text);

// "earliest", "latest", an offset, "@" and a timestamp, or "+N" and "-N" for a shift.
Result<client::ResetTarget> parseResetTarget(kj::StringPtr text);

Result<client::Acks> parseAcks(kj::StringPtr text);
Result<Codec> parseCompression(kj::StringPtr text);
Result<client::PartitionerKind> parsePartitioner(kj::StringPtr text);

// A partition number or an offset among the arguments; `what` names it in the error.
Result<PartitionIndex> parsePartition(kj::StringPtr text);
Result<Offset> parseOffset(kj::StringPtr text);

// Decodes \n \t \r \0 \\ and \xHH. Null when a backslash stands before anything else.
kj::Maybe<kj::String> unescape(kj::StringPtr text);

}  // namespace cambium::tools
