// The interop client on kafkajs: client.js COMMAND BOOTSTRAP ARGS..., with the commands that every client of this folder's parent has.
const { readFileSync } = require('node:fs')
const { Kafka, logLevel } = require('kafkajs')
const { codecs } = require('./codecs.js')
const { runAdmin } = require('./admin.js')
const { consume } = require('./consume.js')

const linesPerSend = 500

process.env.KAFKAJS_NO_PARTITIONER_WARNING = '1'

function connectTo (bootstrap) {
  return new Kafka({ clientId: 'interop-kafkajs', brokers: [bootstrap], logLevel: logLevel.ERROR })
}

async function create (kafka, topic, partitions) {
  const admin = kafka.admin()
  await admin.connect()
  const made = await admin.createTopics({ topics: [{ topic, numPartitions: Number(partitions), replicationFactor: 1 }] })
  await admin.disconnect()
  if (!made) throw new Error('the topic exists')
}

async function produce (kafka, topic, codec, file) {
  if (!(codec in codecs)) throw new Error(`no codec ${codec}`)
  const lines = readFileSync(file, 'utf8').split('\n')
  if (lines.at(-1) === '') lines.pop()
  const messages = lines.map((line, index) => {
    const tab = line.indexOf('\t')
    if (tab < 0) throw new Error(`line ${index + 1} of ${file} has no tab`)
    return { key: line.slice(0, tab), value: line.slice(tab + 1), headers: { line: String(index + 1) } }
  })
  const producer = kafka.producer({ idempotent: true, maxInFlightRequests: 1 })
  await producer.connect()
  for (let begin = 0; begin < messages.length; begin += linesPerSend) {
    await producer.send({ topic, acks: -1, compression: codecs[codec], messages: messages.slice(begin, begin + linesPerSend) })
  }
  await producer.disconnect()
  console.log(`acked ${messages.length}`)
}

const commands = { create: [create, 2], produce: [produce, 3], consume: [consume, 3], admin: [runAdmin, 1] }

async function main ([command, bootstrap, ...rest]) {
  const [run, count] = commands[command] ?? []
  if (!run || rest.length !== count) throw new Error(`usage: client ${Object.keys(commands).join('|')} BOOTSTRAP ARGS...`)
  await run(connectTo(bootstrap), ...rest)
}

main(process.argv.slice(2)).catch(error => {
  console.error('failed:', error)
  process.exit(1)
})
