#include "server/main/logging.h"

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
  google::LogMessage(file, line, toGlog(severity)).stream() << text.cStr();
}

void startLogging(const char* program, bool verbose) {
  FLAGS_logtostderr = true;
  FLAGS_minloglevel = verbose ? google::GLOG_INFO : google::GLOG_WARNING;
  google::InitGoogleLogging(program);
  kj::_::Debug::setLogLevel(verbose ? kj::LogSeverity::INFO : kj::LogSeverity::WARNING);
}

}  // namespace cambium
