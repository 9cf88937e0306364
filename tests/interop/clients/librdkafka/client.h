#pragma once

// The interop client on librdkafka, in C99. What every command uses.

#include <librdkafka/rdkafka.h>

enum { kErrorBytes = 512, kCallTimeoutMs = 30000 };

// A configuration with the bootstrap servers set. Ends the program when a setting is refused.
rd_kafka_conf_t* newConfig(const char* bootstrap);
void setConfig(rd_kafka_conf_t* config, const char* name, const char* value);

// Takes the configuration over. Ends the program when no handle can be made.
rd_kafka_t* newHandle(rd_kafka_type_t type, rd_kafka_conf_t* config);

// Prints the message, formatted as by printf, and ends the program with exit code 1.
void fail(const char* format, ...);

// Set by SIGTERM.
int isAskedToStop(void);

// The commands: each returns the exit code. README.md of tests/interop has the contract.
int create(const char* bootstrap, const char* topic, int partitions);
int produce(const char* bootstrap, const char* topic, const char* codec, const char* path);
int consume(const char* bootstrap, const char* topic, const char* group, long count);
int admin(const char* bootstrap, const char* topic);
// Beyond the contract, for the harness: prints partition<TAB>offset for what the group has committed.
int committed(const char* bootstrap, const char* topic, const char* group, int partitions);
