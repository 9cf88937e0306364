const assert = require('node:assert')
const { ConfigResourceTypes } = require('kafkajs')

const records = 10
const settleTimeoutMs = 10_000
const settleIntervalMs = 100

// Makes every admin call that kafkajs has on a topic and a group of its own, named after the topic of the command line. A call is made
// again for a while where its answer is not as expected yet: a broker may still be spreading what the last call changed.
class AdminRun {
  constructor (kafka, topic) {
    this.kafka = kafka
    this.admin = kafka.admin()
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
        if (Date.now() < deadline && (error.retriable || error.code === 'ERR_ASSERTION')) {
          await new Promise(resolve => setTimeout(resolve, settleIntervalMs))
          continue
        }
        this.failed++
        console.log(`failed ${call}: ${error.message.replaceAll('\n', ' ')}`)
        return
      }
    }
  }

  async topics () {
    const { admin, topic } = this
    await this.step('describeCluster', async () => {
      const cluster = await admin.describeCluster()
      assert.equal(cluster.brokers.length, 1)
      assert.ok(cluster.clusterId)
      this.broker = cluster.brokers[0].nodeId
    })
    const wanted = [{ topic, numPartitions: 1, replicationFactor: 1, configEntries: [{ name: 'retention.ms', value: '3600000' }] }]
    await this.step('createTopics validate only', async () => {
      await admin.createTopics({ topics: wanted, validateOnly: true, waitForLeaders: false })
      assert.ok(!(await admin.listTopics()).includes(topic))
    })
    await this.step('createTopics', async () => assert.ok(await admin.createTopics({ topics: wanted })))
    await this.step('createTopics again', async () => assert.equal(await admin.createTopics({ topics: wanted }), false))
    await this.step('createPartitions', () => admin.createPartitions({ topicPartitions: [{ topic, count: 3 }] }))
    await this.step('listTopics', async () => assert.ok((await admin.listTopics()).includes(topic)))
    await this.step('fetchTopicMetadata', async () => {
      const { topics } = await admin.fetchTopicMetadata({ topics: [topic] })
      assert.equal(topics[0].partitions.length, 3)
    })
  }

  async records () {
    const { admin, topic } = this
    const producer = this.kafka.producer()
    await producer.connect()
    const messages = Array.from({ length: records }, (_, i) => ({ value: String(i), partition: 0 }))
    await this.step('produce', async () => assert.equal((await producer.send({ topic, messages }))[0].baseOffset, '0'))
    await producer.disconnect()
    const ofFirst = offsets => offsets.find(each => each.partition === 0)
    await this.step('fetchTopicOffsets', async () => {
      const { low, high } = ofFirst(await admin.fetchTopicOffsets(topic))
      assert.deepEqual([low, high], ['0', String(records)])
    })
    await this.step('fetchTopicOffsetsByTimestamp', async () => {
      assert.equal(ofFirst(await admin.fetchTopicOffsetsByTimestamp(topic, Date.now() - 60_000)).offset, '0')
    })
    await this.step('deleteTopicRecords', async () => {
      await admin.deleteTopicRecords({ topic, partitions: [{ partition: 0, offset: '4' }] })
      assert.equal(ofFirst(await admin.fetchTopicOffsets(topic)).low, '4')
    })
  }

  async configs () {
    const { admin, topic } = this
    const type = ConfigResourceTypes.TOPIC
    const retention = async () => {
      const described = await admin.describeConfigs({ includeSynonyms: true, resources: [{ type, name: topic }] })
      return described.resources[0].configEntries.find(each => each.configName === 'retention.ms').configValue
    }
    await this.step('describeConfigs topic', async () => assert.equal(await retention(), '3600000'))
    await this.step('describeConfigs broker', async () => {
      const resources = [{ type: ConfigResourceTypes.BROKER, name: String(this.broker) }]
      assert.ok((await admin.describeConfigs({ includeSynonyms: false, resources })).resources[0].configEntries.length > 0)
    })
    await this.step('alterConfigs', async () => {
      const resources = [{ type, name: topic, configEntries: [{ name: 'retention.ms', value: '7200000' }] }]
      await admin.alterConfigs({ validateOnly: false, resources })
    })
    await this.step('describeConfigs altered', async () => assert.equal(await retention(), '7200000'))
  }

  async groups () {
    const { admin, topic, groupId } = this
    const committed = async () => {
      const [{ partitions }] = await admin.fetchOffsets({ groupId, topics: [topic] })
      return partitions.find(each => each.partition === 0)
    }
    await this.step('setOffsets', () => admin.setOffsets({ groupId, topic, partitions: [{ partition: 0, offset: '7' }] }))
    await this.step('fetchOffsets', async () => assert.equal((await committed()).offset, '7'))
    await this.step('resetOffsets', async () => {
      await admin.resetOffsets({ groupId, topic, earliest: true })
      const [{ partitions }] = await admin.fetchOffsets({ groupId, topics: [topic], resolveOffsets: true })
      assert.equal(partitions.find(each => each.partition === 0).offset, '4')
    })
    await this.step('listGroups', async () => {
      assert.ok((await admin.listGroups()).groups.some(each => each.groupId === groupId))
    })
    await this.step('describeGroups', async () => {
      const { groups } = await admin.describeGroups([groupId])
      assert.deepEqual([groups[0].errorCode, groups[0].state], [0, 'Empty'])
    })
    await this.step('deleteGroups', async () => assert.equal((await admin.deleteGroups([groupId]))[0].errorCode, 0))
  }

  async replicas () {
    const { admin, topic } = this
    await this.step('alterPartitionReassignments', () => admin.alterPartitionReassignments({
      topics: [{ topic, partitionAssignment: [{ partition: 0, replicas: [this.broker] }] }]
    }))
    await this.step('listPartitionReassignments', async () => {
      assert.deepEqual((await admin.listPartitionReassignments({ topics: [{ topic, partitions: [0] }] })).topics, [])
    })
  }
}

exports.runAdmin = async function (kafka, topic) {
  const run = new AdminRun(kafka, topic)
  await run.admin.connect()
  await run.topics()
  await run.records()
  await run.configs()
  await run.groups()
  await run.replicas()
  await run.step('deleteTopics', () => run.admin.deleteTopics({ topics: [run.topic] }))
  await run.admin.disconnect()
  if (run.failed > 0) throw new Error(`${run.failed} calls failed`)
}
