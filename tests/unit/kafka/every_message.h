#pragma once

#include "server/kafka/wire/messages/alter_configs.h"
