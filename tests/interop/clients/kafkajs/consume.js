const sessionTimeout = 6000
const heartbeatInterval = 1000
const maxWaitTimeInMs = 500 // of a fetch: heartbeats stand behind it
const messagesPerHeartbeat = 100

// A member of the group until count records came (0: until SIGTERM). kafkajs commits what was resolved after each batch, and before it
// joins again.
exports.consume = async function (kafka, topic, groupId, countText) {
  const count = Number(countText)
  const consumer = kafka.consumer({ groupId, sessionTimeout, heartbeatInterval, maxWaitTimeInMs })
  let printed = 0
  let assigned = []
  const revoke = () => {
    if (assigned.length > 0) console.error(`revoked ${assigned}`)
    assigned = []
  }
  const done = new Promise((resolve, reject) => {
    process.once('SIGTERM', resolve)
    consumer.on(consumer.events.GROUP_JOIN, ({ payload }) => {
      revoke()
      assigned = [...(payload.memberAssignment[topic] ?? [])].sort((a, b) => a - b)
      if (assigned.length > 0) console.error(`assigned ${assigned}`)
    })
    consumer.on(consumer.events.REBALANCING, revoke)
    consumer.on(consumer.events.CRASH, ({ payload }) => {
      if (!payload.restart) reject(payload.error)
    })

    const eachBatch = async ({ batch, resolveOffset, heartbeat, commitOffsetsIfNecessary, uncommittedOffsets, isRunning, isStale }) => {
      let sinceHeartbeat = 0
      for (const message of batch.messages) {
        if (!isRunning() || isStale() || (count > 0 && printed >= count)) break
        const fields = [batch.partition, message.offset, message.key, message.value, message.headers.line]
        process.stdout.write(fields.join('\t') + '\n')
        printed++
        resolveOffset(message.offset)
        if (++sinceHeartbeat === messagesPerHeartbeat) {
          sinceHeartbeat = 0
          await heartbeat()
        }
      }
      if (count > 0 && printed >= count) {
        await commitOffsetsIfNecessary(uncommittedOffsets())
        resolve()
      }
    }
    consumer.connect()
      .then(() => consumer.subscribe({ topic, fromBeginning: true }))
      .then(() => consumer.run({ eachBatch, eachBatchAutoResolve: false, autoCommitInterval: 500 }))
      .catch(reject)
  })
  await done
  await consumer.disconnect()
  revoke()
}
