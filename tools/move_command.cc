#include "tools/command.h"
#include "tools/format.h"
#include "tools/progress.h"
#include "tools/session.h"
#include "tools/table.h"

namespace cambium::tools {
namespace {

using client::PartitionMove;

// Where a topic is on its way to another engine.
struct Arrival {
  size_t partitions = 0;
  size_t arrived = 0;
  size_t underWay = 0;   // and not failed
  uint64_t copied = 0;   // bytes, of the partitions that are being copied
  uint64_t total = 0;    // about what those have
  kj::String failure{};  // of the first that failed
  kj::String wanted{};   // the engine where the topic belongs

  bool done() const { return arrived == partitions; }
};

Arrival arrivalOf(const client::TopicDescription& topic) {
  Arrival arrival;
  for (auto& config : topic.configs) {
    if (config.name == "storage.engine") arrival.wanted = kj::str(config.value);
  }
  for (auto& partition : topic.partitions) {
    ++arrival.partitions;
    KJ_IF_MAYBE(move, partition.move) {
      if (move->phase == PartitionMove::Phase::kFailed) {
        if (arrival.failure.size() == 0) arrival.failure = kj::str(move->failure);
        continue;
      }
      ++arrival.underWay;
      arrival.copied += move->copied.value();
      arrival.total += move->total.value();
    } else if (partition.engine == arrival.wanted) {
      ++arrival.arrived;
    } else {
      ++arrival.underWay;
    }
  }
  return arrival;
}

kj::String progressOf(const Arrival& arrival) {
  return kj::str(arrival.arrived, " of ", arrival.partitions, " partitions in ", arrival.wanted, ", copied ",
                 humanBytes(static_cast<double>(arrival.copied)), " of about ",
                 humanBytes(static_cast<double>(arrival.total)), " under way");
}

int report(Session& session, const Arrival& arrival) {
  auto topic = session.argument(0);
  if (session.json()) {
    JsonWriter json;
    json.beginObject().key("name").value(topic).key("engine").value(arrival.wanted);
    json.key("result").value(arrival.done() ? "moved"_kj : "moving"_kj).key("partitions").value(arrival.partitions);
    json.key("arrived").value(arrival.arrived).endObject();
    return session.print(json);
  }
  auto counted = kj::str(arrival.partitions, arrival.partitions == 1 ? " partition" : " partitions");
  if (arrival.done()) {
    session.out().write(kj::str("topic ", topic, " is in ", arrival.wanted, ": ", counted, '\n'));
  } else {
    session.out().write(kj::str("moving topic ", topic, " to ", arrival.wanted, ": ", arrival.arrived, " of ", counted,
                                " there; `cambium topic describe ", topic, "` shows how far it is\n"));
  }
  return session.done();
}

kj::Promise<int> waitUntilThere(Session& session, Arrival arrival) {
  auto wanted = kj::str(arrival.wanted);
  Progress progress(session.out(), session.timer(), !session.json(), [&arrival] { return progressOf(arrival); });
  WaitNote note(session.out(), session.timer(), [&session, &arrival]() -> kj::Maybe<kj::String> {
    if (session.out().errorIsTerminal() && !session.json()) return nullptr;  // the status line says it
    return kj::str(progressOf(arrival), ", for as long as it takes");
  });
  while (!arrival.done() && arrival.underWay > 0 && arrival.wanted == wanted) {
    constexpr auto kEvery = 200 * kj::MILLISECONDS;
    co_await session.timer().afterDelay(kEvery);
    auto topic = co_await session.answer(session.admin().describeTopic(kj::str(session.argument(0))));
    if (!topic.ok()) co_return session.fail(topic.error());
    arrival = arrivalOf(topic.value());
  }
  if (arrival.wanted != wanted) {
    co_return session.fail(kj::str("somebody else has sent the topic to ", arrival.wanted, " meanwhile"));
  }
  if (arrival.done()) co_return report(session, arrival);
  co_return session.fail(kj::str(arrival.failure, "; ", arrival.arrived, " of ", arrival.partitions,
                                 " partitions have arrived; ask again to try again, or --cancel to bring them back"));
}

kj::Promise<int> move(Session& session) {
  auto options = moveOptions();
  if (!options.ok()) co_return session.wrongUsage(options.error().message);
  auto name = kj::str(session.argument(0));
  auto asked = options.value().cancel
                   ? co_await session.answer(session.admin().cancelMove(kj::str(name)))
                   : co_await session.answer(session.admin().moveTopic(kj::str(name), kj::str(options.value().engine)));
  if (!asked.ok()) co_return session.fail(asked.error());
  auto topic = co_await session.answer(session.admin().describeTopic(kj::mv(name)));
  if (!topic.ok()) co_return session.fail(topic.error());
  auto arrival = arrivalOf(topic.value());
  if (!options.value().wait) co_return report(session, arrival);
  co_return co_await waitUntilThere(session, kj::mv(arrival));
}

constexpr FlagUse kMoveFlags[] = {{"engine"_kj}, {"wait"_kj}, {"cancel"_kj}};

}  // namespace

kj::ArrayPtr<const Command> moveCommands() {
  static const Command commands[] = {
      {"topic move"_kj, "NAME"_kj, "Move a topic to another storage engine"_kj,
       "The broker copies one partition after another in the background and switches over when a copy is complete, "
       "while\n"
       "producers and consumers go on; offsets, timestamps and the states of producers stay as they are. A broker "
       "that\n"
       "stops goes on when it starts again. A move that failed is tried again when it is asked for again. With "
       "--cancel\n"
       "partitions that had moved go back. Give either --engine or --cancel.\n"_kj,
       1, 1, kMoveFlags, move, true},
  };
  return commands;
}

}  // namespace cambium::tools
