#include <signal.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "tests/interop/clients/librdkafka/client.h"

static volatile sig_atomic_t stopping = 0;

static void onSignal(int number) {
  (void)number;
  stopping = 1;
}

int isAskedToStop(void) {
  return stopping;
}

void fail(const char* format, ...) {
  va_list arguments;
  va_start(arguments, format);
  fputs("failed: ", stderr);
  vfprintf(stderr, format, arguments);
  fputs("\n", stderr);
  va_end(arguments);
  exit(1);
}

void setConfig(rd_kafka_conf_t* config, const char* name, const char* value) {
  char error[kErrorBytes];
  if (rd_kafka_conf_set(config, name, value, error, sizeof error) != RD_KAFKA_CONF_OK) fail("%s", error);
}

rd_kafka_conf_t* newConfig(const char* bootstrap) {
  rd_kafka_conf_t* config = rd_kafka_conf_new();
  setConfig(config, "bootstrap.servers", bootstrap);
  setConfig(config, "client.id", "interop-librdkafka");
  return config;
}

rd_kafka_t* newHandle(rd_kafka_type_t type, rd_kafka_conf_t* config) {
  char error[kErrorBytes];
  rd_kafka_t* handle = rd_kafka_new(type, config, error, sizeof error);
  if (handle == NULL) fail("%s", error);
  return handle;
}

int main(int argc, char** argv) {
  signal(SIGTERM, onSignal);
  signal(SIGINT, onSignal);
  const char* command = argc > 2 ? argv[1] : "";
  if (strcmp(command, "create") == 0 && argc == 5) return create(argv[2], argv[3], atoi(argv[4]));
  if (strcmp(command, "produce") == 0 && argc == 6) return produce(argv[2], argv[3], argv[4], argv[5]);
  if (strcmp(command, "consume") == 0 && argc == 6) return consume(argv[2], argv[3], argv[4], atol(argv[5]));
  if (strcmp(command, "admin") == 0 && argc == 4) return admin(argv[2], argv[3]);
  if (strcmp(command, "committed") == 0 && argc == 6) return committed(argv[2], argv[3], argv[4], atoi(argv[5]));
  fail("usage: client create|produce|consume|admin|committed BOOTSTRAP ARGS...");
  return 2;
}
