import assert from 'node:assert'
import {
  Admin, ConfigResourceTypes, FindCoordinatorKeyTypes, IncrementalAlterConfigOperationTypes, Producer, stringSerializers
} from '@platformatic/kafka'

const records = 10
const settleTimeoutMs = 10_000
const settleIntervalMs = 100

// Makes every admin call of the client that needs no access control on a topic and a group of its own, named after the topic of the
// command line. A call is made again for a while where its answer is not as expected yet: a broker may still be spreading what the last
// call changed.
class AdminRun {
  constructor (options, topic) {
    this.options = options
    this.admin = new Admin(options)
    this.topic = `${topic}-admin`
    this.groupId = `${topic}-admin-group`
    this.failed = 0
  }

  async step (call, body) {
    const deadline = Date.now() + settleTimeoutMs
    for (;;) {
      try {
        await body()
        console.log(`ok ${call}`)
        return
      } catch (error) {
        if (Date.now() < deadline && error.code === 'ERR_ASSERTION') {
          await new Promise(resolve => setTimeout(resolve, settleIntervalMs))
          continue
        }
        this.failed++
        const reasons = [error, ...(error.errors ?? [])].map(each => each.message)
        console.log(`failed ${call}: ${reasons.join('; ').replaceAll('\n', ' ')}`)
        return
      }
    }
  }

  async topics () {
    const { admin, topic } = this
    await this.step('metadata', async () => assert.equal((await admin.metadata({ topics: [] })).brokers.size, 1))
    await this.step('createTopics', async () => {
      const configs = [{ name: 'retention.ms', value: '3600000' }]
      const [made] = await admin.createTopics({ topics: [topic], partitions: 1, replicas: 1, configs })
      assert.deepEqual([made.name, made.partitions, made.replicas], [topic, 1, 1])
    })
    await this.step('createTopics again', () => assert.rejects(() => admin.createTopics({ topics: [topic], partitions: 1, replicas: 1 })))
    await this.step('createPartitions', () => admin.createPartitions({ topics: [{ name: topic, count: 3 }] }))
    await this.step('listTopics', async () => assert.ok((await admin.listTopics()).includes(topic)))
    await this.step('metadata of the topic', async () => {
      const metadata = await admin.metadata({ topics: [topic], forceUpdate: true })
      assert.equal(metadata.topics.get(topic).partitionsCount, 3)
    })
  }

  async records () {
    const { admin, topic } = this
    const producer = new Producer({ ...this.options, serializers: stringSerializers })
    const messages = Array.from({ length: records }, (_, i) => ({ topic, value: String(i), partition: 0 }))
    await this.step('produce', async () => assert.equal((await producer.send({ messages })).offsets[0].offset, 0n))
    await producer.close()
    const offsetAt = async timestamp => {
      const [listed] = await admin.listOffsets({ topics: [{ name: topic, partitions: [{ partitionIndex: 0, timestamp }] }] })
      return listed.partitions[0].offset
    }
    await this.step('listOffsets earliest', async () => assert.equal(await offsetAt(-2n), 0n))
    await this.step('listOffsets latest', async () => assert.equal(await offsetAt(-1n), BigInt(records)))
    await this.step('listOffsets by time', async () => assert.equal(await offsetAt(BigInt(Date.now() - 60_000)), 0n))
    await this.step('deleteRecords', async () => {
      const [deleted] = await admin.deleteRecords({ topics: [{ name: topic, partitions: [{ partition: 0, offset: 4n }] }] })
      assert.equal(deleted.partitions[0].lowWatermark, 4n)
    })
    await this.step('describeLogDirs', async () => {
      const [broker] = await admin.describeLogDirs({ topics: [{ name: topic, partitions: [0] }] })
      const found = broker.results.flatMap(each => each.topics).find(each => each.name === topic)
      assert.ok(found.partitions[0].partitionSize > 0n)
    })
  }

  async configs () {
    const { admin, topic } = this
    const resource = { resourceType: ConfigResourceTypes.TOPIC, resourceName: topic }
    const retention = async () => {
      const [described] = await admin.describeConfigs({ resources: [resource], includeSynonyms: true, includeDocumentation: true })
      return described.configs.find(each => each.name === 'retention.ms').value
    }
    await this.step('describeConfigs topic', async () => assert.equal(await retention(), '3600000'))
    await this.step('describeConfigs broker', async () => {
      const [broker] = (await admin.metadata({ topics: [] })).brokers.keys()
      const resources = [{ resourceType: ConfigResourceTypes.BROKER, resourceName: String(broker) }]
      assert.ok((await admin.describeConfigs({ resources }))[0].configs.length > 0)
    })
    await this.step('alterConfigs', async () => {
      await admin.alterConfigs({ resources: [{ ...resource, configs: [{ name: 'retention.ms', value: '7200000' }] }] })
    })
    await this.step('describeConfigs altered', async () => assert.equal(await retention(), '7200000'))
    await this.step('incrementalAlterConfigs', async () => {
      const configOperation = IncrementalAlterConfigOperationTypes.SET
      const configs = [{ name: 'retention.ms', value: '14400000', configOperation }]
      await admin.incrementalAlterConfigs({ resources: [{ ...resource, configs }] })
    })
    await this.step('describeConfigs altered again', async () => assert.equal(await retention(), '14400000'))
  }

  async groups () {
    const { admin, topic, groupId } = this
    const committed = async () => {
      const [group] = await admin.listConsumerGroupOffsets({ groups: [groupId] })
      const offsets = group.topics.find(each => each.name === topic)?.partitions ?? []
      return offsets.map(each => [each.partitionIndex, each.committedOffset]).sort((a, b) => a[0] - b[0])
    }
    await this.step('findCoordinator', async () => {
      const [found] = await admin.findCoordinator({ keyType: FindCoordinatorKeyTypes.GROUP, keys: [groupId] })
      assert.ok(found.port > 0)
    })
    await this.step('alterConsumerGroupOffsets', async () => {
      const partitionOffsets = [{ partition: 0, offset: 7n }, { partition: 1, offset: 0n }]
      await admin.alterConsumerGroupOffsets({ groupId, topics: [{ name: topic, partitionOffsets }] })
    })
    await this.step('listConsumerGroupOffsets', async () => assert.deepEqual(await committed(), [[0, 7n], [1, 0n]]))
    await this.step('listGroups', async () => assert.ok((await admin.listGroups()).has(groupId)))
    await this.step('describeGroups', async () => {
      const group = (await admin.describeGroups({ groups: [groupId] })).get(groupId)
      assert.equal(group.state.toUpperCase(), 'EMPTY')
    })
    await this.step('deleteConsumerGroupOffsets', async () => {
      await admin.deleteConsumerGroupOffsets({ groupId, topics: [{ name: topic, partitionIndexes: [1] }] })
      assert.deepEqual((await committed()).filter(each => each[1] >= 0n), [[0, 7n]])
    })
    await this.step('deleteGroups', () => admin.deleteGroups({ groups: [groupId] }))
  }
}

export async function runAdmin (options, topic) {
  const run = new AdminRun(options, topic)
  await run.topics()
  await run.records()
  await run.configs()
  await run.groups()
  await run.step('deleteTopics', () => run.admin.deleteTopics({ topics: [run.topic] }))
  await run.admin.close()
  if (run.failed > 0) throw new Error(`${run.failed} calls failed`)
}
