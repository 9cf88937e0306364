import { Consumer, MessagesStreamFallbackModes, MessagesStreamModes, stringDeserializers } from '@platformatic/kafka'

const sessionTimeout = 6000
const heartbeatInterval = 1000
const maxWaitTime = 500

// A member of the group until count records came (0: until SIGTERM). Each record is committed once it is printed; the client joins
// commits that wait into one request, and makes the last when the stream closes.
export async function consume (options, topic, groupId, countText) {
  const count = Number(countText)
  const consumer = new Consumer({
    ...options, groupId, sessionTimeout, heartbeatInterval, maxWaitTime, rebalanceTimeout: 20_000, deserializers: stringDeserializers
  })
  let assigned = []
  const revoke = () => {
    if (assigned.length > 0) console.error(`revoked ${assigned}`)
    assigned = []
  }
  consumer.on('consumer:group:join', ({ assignments }) => {
    revoke()
    assigned = (assignments ?? []).filter(each => each.topic === topic).flatMap(each => each.partitions).sort((a, b) => a - b)
    if (assigned.length > 0) console.error(`assigned ${assigned}`)
  })
  consumer.on('consumer:group:rebalance', revoke)

  const stream = await consumer.consume({
    topics: [topic], mode: MessagesStreamModes.COMMITTED, fallbackMode: MessagesStreamFallbackModes.EARLIEST, autocommit: false
  })
  let printed = 0
  await new Promise((resolve, reject) => {
    process.once('SIGTERM', resolve)
    stream.on('error', reject)
    stream.on('data', message => {
      if (count > 0 && printed >= count) return
      const fields = [message.partition, message.offset, message.key, message.value, message.headers.get('line')]
      process.stdout.write(fields.join('\t') + '\n')
      printed++
      message.commit().catch(error => console.error('commit:', error.message))
      if (printed === count) resolve()
    })
  })
  await stream.close()
  await consumer.close()
  revoke()
}
