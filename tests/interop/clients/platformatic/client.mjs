// The interop client on @platformatic/kafka: client.mjs COMMAND BOOTSTRAP ARGS..., with the commands that every client of this folder's
// parent has. Responses are checked strictly (strict: true).
import { readFileSync } from 'node:fs'
import { Admin, ProduceAcks, Producer, stringSerializers } from '@platformatic/kafka'
import { runAdmin } from './admin.mjs'
import { consume } from './consume.mjs'

const linesPerSend = 500

async function create (options, topic, partitions) {
  const admin = new Admin(options)
  const [made] = await admin.createTopics({ topics: [topic], partitions: Number(partitions), replicas: 1 })
  await admin.close()
  if (made.partitions !== Number(partitions)) throw new Error(`${made.partitions} partitions were made`)
}

async function produce (options, topic, compression, file) {
  const lines = readFileSync(file, 'utf8').split('\n')
  if (lines.at(-1) === '') lines.pop()
  const messages = lines.map((line, index) => {
    const tab = line.indexOf('\t')
    if (tab < 0) throw new Error(`line ${index + 1} of ${file} has no tab`)
    return { topic, key: line.slice(0, tab), value: line.slice(tab + 1), headers: { line: String(index + 1) } }
  })
  const producer = new Producer({ ...options, serializers: stringSerializers, idempotent: true, acks: ProduceAcks.ALL, compression })
  for (let begin = 0; begin < messages.length; begin += linesPerSend) {
    await producer.send({ messages: messages.slice(begin, begin + linesPerSend) })
  }
  await producer.close()
  console.log(`acked ${messages.length}`)
}

const commands = { create: [create, 2], produce: [produce, 3], consume: [consume, 3], admin: [runAdmin, 1] }

async function main ([command, bootstrap, ...rest]) {
  const [run, count] = commands[command] ?? []
  if (!run || rest.length !== count) throw new Error(`usage: client ${Object.keys(commands).join('|')} BOOTSTRAP ARGS...`)
  await run({ clientId: 'interop-platformatic', bootstrapBrokers: [bootstrap], strict: true }, ...rest)
}

main(process.argv.slice(2)).catch(error => {
  console.error('failed:', error)
  process.exit(1)
})
