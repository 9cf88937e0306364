#include "server/main/logging.h"

#include <exception>
#include <glog/logging.h>

#include <kj/debug.h>

namespace cambium {

namespace {

google::LogSeverity toGlog(kj::LogSeverity severity) {
  switch (severity) {
    case kj::LogSeverity::INFO:
    case kj::LogSeverity::DBG:
      return google::GLOG_INFO;
    case kj::LogSeverity::WARNING:
      return google::GLOG_WARNING;
    case kj::LogSeverity::ERROR:
    case kj::LogSeverity::FATAL:  // glog would abort in the middle of an exception's way
      return google::GLOG_ERROR;
  }
  KJ_UNREACHABLE;
}

}  // namespace

void LogThread::logMessage(kj::LogSeverity severity, const char* file, int line, int, kj::String&& text) {
  if (!level_.lets(severity)) return;
  google::LogMessage(file, line, toGlog(severity)).stream() << text.cStr();
}

void LogThread::onRecoverableException(kj::Exception&& exception) {
  if (exception.getType() == kj::Exception::Type::DISCONNECTED && std::uncaught_exceptions() > 0) {
    KJ_LOG(INFO, "a peer has gone", exception.getDescription());
    return;
  }
  ExceptionCallback::onRecoverableException(kj::mv(exception));
}

void startLogging(const char* program) {
  FLAGS_logtostderr = true;
  FLAGS_minloglevel = google::GLOG_INFO;
  google::InitGoogleLogging(program);
  // The switch decides, which can change at any time.
  kj::_::Debug::setLogLevel(kj::LogSeverity::INFO);
}

}  // namespace cambium
