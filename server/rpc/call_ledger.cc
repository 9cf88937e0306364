#include "server/rpc/call_ledger.h"

#include <capnp/rpc.capnp.h>
#include <kj/debug.h>

namespace cambium {

namespace {

// No method takes more than two.
constexpr size_t kCapabilitiesPerMessageMax = 64;
// A table that was as large is given back when it is empty.
constexpr size_t kTableKept = 256;

size_t passedCapabilities(capnp::rpc::Message::Reader message) {
  if (message.isCall()) return message.getCall().getParams().getCapTable().size();
  if (message.isReturn() && message.getReturn().isResults())
    return message.getReturn().getResults().getCapTable().size();
  return 0;
}

kj::Exception overload(kj::StringPtr reason) {
  return kj::Exception(kj::Exception::Type::OVERLOADED, __FILE__, __LINE__, kj::str(reason));
}

}  // namespace

CallLedger::CallLedger(CallLedgers& all) : all_(all), position_(all.all_.insert(all.all_.end(), this)) {}

CallLedger::~CallLedger() noexcept(false) {
  count(-static_cast<int64_t>(unfinished()), -static_cast<int64_t>(capabilities_));
  all_.all_.erase(position_);
}

void CallLedger::count(int64_t calls, int64_t capabilities) {
  if (!condemned_) all_.held_ += static_cast<size_t>(calls + capabilities);
  all_.counts_.calls += static_cast<uint64_t>(calls);
  all_.counts_.capabilities += static_cast<uint64_t>(capabilities);
}

void CallLedger::received(capnp::MessageReader& reader) {
  auto message = reader.getRoot<capnp::rpc::Message>();
  ++requests_;
  auto passed = passedCapabilities(message);
  if (passed > kCapabilitiesPerMessageMax) {
    kj::throwFatalException(overload(
        kj::str("a message passes ", passed, " capabilities, at most ", kCapabilitiesPerMessageMax, " are taken")));
  }
  switch (message.which()) {
    case capnp::rpc::Message::CALL:
      begin(message.getCall().getQuestionId());
      break;
    case capnp::rpc::Message::BOOTSTRAP:
      begin(message.getBootstrap().getQuestionId());
      break;
    case capnp::rpc::Message::FINISH:
      end(message.getFinish().getQuestionId(), State::kFinished);
      break;
    case capnp::rpc::Message::RETURN:
    case capnp::rpc::Message::RELEASE:
    case capnp::rpc::Message::RESOLVE:
    case capnp::rpc::Message::ABORT:
    case capnp::rpc::Message::UNIMPLEMENTED:
      break;
    case capnp::rpc::Message::DISEMBARGO:
      if (!message.getDisembargo().getContext().isSenderLoopback()) break;
      [[fallthrough]];
    default:
      // The client's disembargo comes back to it, and so does what nobody here knows.
      ++echoes_;
      count(1, 0);
  }
  checkLimits();
}

void CallLedger::sent(kj::ArrayPtr<const kj::ArrayPtr<const capnp::word>> segments) {
  capnp::SegmentArrayMessageReader reader(segments);
  auto message = reader.getRoot<capnp::rpc::Message>();
  switch (message.which()) {
    case capnp::rpc::Message::RETURN:
      end(message.getReturn().getAnswerId(), State::kAnswered);
      break;
    case capnp::rpc::Message::DISEMBARGO:
      if (message.getDisembargo().getContext().isReceiverLoopback()) echoed();
      break;
    case capnp::rpc::Message::UNIMPLEMENTED:
      echoed();
      break;
    default:
      break;
  }
  sent_.wakeAll();
}

void CallLedger::echoed() {
  if (echoes_ == 0) return;
  --echoes_;
  count(-1, 0);
}

// An id that is in use is Cap'n Proto's to refuse.
void CallLedger::begin(uint32_t id) {
  bool isNew = true;
  calls_.upsert(id, State::kOpen, [&](State&, State&&) { isNew = false; });
  if (!isNew) return;
  callsMost_ = kj::max(callsMost_, calls_.size());
  count(1, 0);
}

// A call has two halves: it is over when it is answered and finished, in whichever order.
void CallLedger::end(uint32_t id, State half) {
  KJ_IF_MAYBE(state, calls_.find(id)) {
    if (*state == half) return;
    if (*state == State::kOpen) {
      *state = half;
      if (half == State::kAnswered) ++answered_;
      return;
    }
    if (*state == State::kAnswered) --answered_;
    calls_.erase(id);
    count(-1, 0);
    if (calls_.size() > 0 || callsMost_ <= kTableKept) return;
    calls_ = kj::HashMap<uint32_t, State>();
    callsMost_ = 0;
  }
}

void CallLedger::capabilityMade(bool standing) {
  ++capabilities_;
  if (standing) ++standing_;
  count(0, 1);
}

void CallLedger::capabilityGone(bool standing) {
  --capabilities_;
  if (standing) --standing_;
  count(0, -1);
}

void CallLedger::checkLimits() {
  auto& limits = all_.limits_;
  if (unfinished() > limits.callsMax) {
    auto reason = kj::str("this connection has ", unfinished(), " calls that it did not finish, at most ",
                          limits.callsMax, " are allowed (--rpc_calls_max)");
    condemn(kj::str(reason));
    kj::throwFatalException(overload(reason));
  }
  if (capabilities_ > limits.capabilitiesMax) {
    auto reason = kj::str("this connection keeps ", capabilities_, " capabilities, at most ", limits.capabilitiesMax,
                          " are allowed (--rpc_capabilities_max)");
    condemn(kj::str(reason));
    kj::throwFatalException(overload(reason));
  }
  if (all_.held_ <= limits.heldMax) return;
  CallLedger* heaviest = this;
  for (auto* one : all_.all_) {
    if (!one->condemned_ && one->held() > heaviest->held()) heaviest = one;
  }
  auto reason = kj::str("all connections together hold ", all_.held_, " calls and capabilities, at most ",
                        limits.heldMax, " are allowed (--rpc_held_max), and this one has the most, ", heaviest->held());
  heaviest->condemn(kj::str(reason));
  if (heaviest == this) kj::throwFatalException(overload(reason));
}

void CallLedger::condemn(kj::String reason) {
  if (condemned_) return;
  all_.held_ -= held();
  condemned_ = true;
  ++all_.counts_.connectionsClosed;
  whyCondemned_ = kj::mv(reason);
  condemnation_.fulfill();
}

kj::Promise<kj::String> CallLedger::whenCondemned() {
  if (condemned_) return kj::str(whyCondemned_);
  auto condemned = newLightPromise();
  condemnation_ = kj::mv(condemned.fulfiller);
  return condemned.promise.then([this] { return kj::str(whyCondemned_); });
}

}  // namespace cambium
