use std::future::Future;
use std::time::{Duration, Instant, SystemTime};

use krafka::admin::{AdminClient, ConfigOp, ConfigResource, ElectionType, NewTopic, OffsetSpec};
use krafka::consumer::TopicPartition;
use krafka::{Kafka, Record};

use crate::Outcome;

const RECORDS: i64 = 10;
const SETTLE_TIMEOUT: Duration = Duration::from_secs(10);
const SETTLE_INTERVAL: Duration = Duration::from_millis(100);

/// Admin calls on a topic and a group of its own, named after the topic of the command line.
struct Run {
    admin: AdminClient,
    topic: String,
    group: String,
    broker: i32,
    failed: usize,
}

fn check(holds: bool, what: impl std::fmt::Debug) -> Outcome<()> {
    if holds { Ok(()) } else { Err(format!("{what:?}").into()) }
}

/// The one answer of a call about one thing.
fn only<K, V>(answers: impl IntoIterator<Item = (K, krafka::Result<V>)>) -> Outcome<V> {
    let (_, answer) = answers.into_iter().next().ok_or("no answer")?;
    Ok(answer?)
}

impl Run {
    /// Makes a call until its answer is as expected, for a while: a broker may still be spreading what the last call changed.
    async fn step<F: Future<Output = Outcome<()>>>(failed: &mut usize, call: &str, body: impl Fn() -> F) {
        let begun = Instant::now();
        loop {
            match body().await {
                Ok(()) => return println!("ok {call}"),
                Err(_) if begun.elapsed() < SETTLE_TIMEOUT => tokio::time::sleep(SETTLE_INTERVAL).await,
                Err(error) => {
                    *failed += 1;
                    return println!("failed {call}: {error}");
                }
            }
        }
    }

    fn partition(&self, number: i32) -> TopicPartition {
        TopicPartition::new(self.topic.as_str(), number)
    }

    async fn topics(&mut self) {
        let Run { admin, topic, failed, broker, .. } = self;
        let wanted = || Outcome::Ok(NewTopic::new(topic.as_str(), 1, 1)?.with_config("retention.ms", "3600000"));
        match admin.describe_cluster(Default::default()).await {
            Ok(cluster) if cluster.brokers.len() == 1 => {
                *broker = cluster.brokers[0].id;
                println!("ok describeCluster");
            }
            other => {
                *failed += 1;
                println!("failed describeCluster: {other:?}");
            }
        }
        Run::step(failed, "describeMetadataQuorum", || async {
            let quorum = admin.describe_metadata_quorum(Default::default()).await?;
            check(quorum.voters.len() == 1, &quorum.voters)
        }).await;
        Run::step(failed, "describeFeatures", || async {
            admin.describe_features(Default::default()).await?;
            Ok(())
        }).await;
        Run::step(failed, "createTopics", || async { only(admin.create_topics([wanted()?], Default::default()).await?) }).await;
        Run::step(failed, "createPartitions", || async {
            only(admin.create_partitions([(&*topic, 3)], Default::default()).await?)
        }).await;
        Run::step(failed, "listTopics", || async {
            check(admin.list_topics(Default::default()).await?.contains(topic), "the topic is not listed")
        }).await;
        Run::step(failed, "describeTopics", || async {
            let described = only(admin.describe_topics([&*topic], Default::default()).await?)?;
            check(described.partitions.len() == 3, described.partitions)
        }).await;
    }

    async fn records(&mut self, kafka: &Kafka) {
        let first = self.partition(0);
        let Run { admin, topic, failed, broker, .. } = self;
        Run::step(failed, "produce", || async {
            let producer = kafka.producer().build().await?;
            for number in 0..RECORDS {
                producer.send(Record::new(topic.as_str(), number.to_string()).partition(0)).await?;
            }
            Ok(producer.close().await?)
        }).await;
        let minute_ago = SystemTime::now().duration_since(SystemTime::UNIX_EPOCH).expect("a clock").as_millis() as i64 - 60_000;
        for (call, spec, wanted) in [
            ("listOffsets earliest", OffsetSpec::Earliest, 0),
            ("listOffsets latest", OffsetSpec::Latest, RECORDS),
            ("listOffsets by time", OffsetSpec::Timestamp(minute_ago), 0),
        ] {
            Run::step(failed, call, || async {
                let got = only(admin.list_offsets([(first.clone(), spec.clone())], Default::default()).await?)?;
                check(got.offset == wanted, got)
            }).await;
        }
        Run::step(failed, "describeProducers", || async {
            let got = only(admin.describe_producers([first.clone()], Default::default()).await?)?;
            check(got.len() == 1, got)
        }).await;
        Run::step(failed, "deleteRecords", || async {
            let low = only(admin.delete_records([(first.clone(), 4)], Default::default()).await?)?;
            check(low == 4, low)
        }).await;
        Run::step(failed, "describeLogDirs", || async {
            let folders = only(admin.describe_log_dirs([*broker], Default::default()).await?)?;
            let folder = only(folders)?;
            check(folder.replicas.get(&first).is_some_and(|replica| replica.size > 0), "no size of the partition")
        }).await;
        Run::step(failed, "electLeaders", || async {
            let elected = admin.elect_leaders(ElectionType::Preferred, Some(vec![first.clone()]), Default::default()).await?;
            match only(elected) {
                Err(error) if !format!("{error:?}").contains("ElectionNotNeeded") => Err(error),
                _ => Ok(()),
            }
        }).await;
        Run::step(failed, "alterPartitionReassignments", || async {
            only(admin.alter_partition_reassignments([(first.clone(), Some(vec![*broker]))], Default::default()).await?)
        }).await;
        Run::step(failed, "listPartitionReassignments", || async {
            let listed = admin.list_partition_reassignments(Default::default()).await?;
            check(!listed.contains_key(&first), listed)
        }).await;
        Run::step(failed, "listTransactions", || async {
            admin.list_transactions(Default::default()).await?;
            Ok(())
        }).await;
    }

    async fn configs(&mut self) {
        let Run { admin, topic, failed, broker, .. } = self;
        let retention = async || -> Outcome<Option<String>> {
            let configs = only(admin.describe_configs([ConfigResource::topic(topic.as_str())], Default::default()).await?)?;
            Ok(configs.into_iter().find(|each| each.name == "retention.ms").and_then(|each| each.value))
        };
        Run::step(failed, "describeConfigs topic", || async {
            let got = retention().await?;
            check(got.as_deref() == Some("3600000"), got)
        }).await;
        Run::step(failed, "describeConfigs broker", || async {
            let got = only(admin.describe_configs([ConfigResource::broker(*broker)], Default::default()).await?)?;
            check(!got.is_empty(), "no configs")
        }).await;
        Run::step(failed, "incrementalAlterConfigs", || async {
            let change = (ConfigResource::topic(topic.as_str()), vec![ConfigOp::set("retention.ms", "7200000")]);
            only(admin.incremental_alter_configs([change], Default::default()).await?)?;
            let got = retention().await?;
            check(got.as_deref() == Some("7200000"), got)
        }).await;
        Run::step(failed, "listConfigResources", || async {
            let listed = admin.list_config_resources([], Default::default()).await?;
            check(listed.iter().any(|each| each.name == *topic), listed.len())
        }).await;
    }

    async fn groups(&mut self) {
        let first = self.partition(0);
        let Run { admin, group, failed, .. } = self;
        Run::step(failed, "alterConsumerGroupOffsets", || async {
            only(admin.alter_consumer_group_offsets(&*group, [(first.clone(), 7)], Default::default()).await?)
        }).await;
        Run::step(failed, "listConsumerGroupOffsets", || async {
            let got = only(admin.list_consumer_group_offsets(&*group, Default::default()).await?)?;
            check(got.offset == Some(7), got)
        }).await;
        Run::step(failed, "listConsumerGroups", || async {
            let listed = only(admin.list_consumer_groups(Default::default()).await?)?;
            check(listed.iter().any(|each| each.group_id == *group), listed.len())
        }).await;
        Run::step(failed, "describeConsumerGroups", || async {
            let got = only(admin.describe_consumer_groups([&*group], Default::default()).await?)?;
            check(got.state == "Empty", got.state)
        }).await;
        Run::step(failed, "deleteConsumerGroupOffsets", || async {
            only(admin.delete_consumer_group_offsets(&*group, [first.clone()], Default::default()).await?)
        }).await;
        Run::step(failed, "deleteConsumerGroups", || async {
            only(admin.delete_consumer_groups([&*group], Default::default()).await?)
        }).await;
    }
}

pub async fn run(kafka: &Kafka, topic: &str) -> Outcome<()> {
    let (topic, group) = (format!("{topic}-admin"), format!("{topic}-admin-group"));
    let mut run = Run { admin: kafka.admin(), topic, group, broker: -1, failed: 0 };
    run.topics().await;
    run.records(kafka).await;
    run.configs().await;
    run.groups().await;
    let Run { admin, topic, failed, .. } = &mut run;
    Run::step(failed, "deleteTopics", || async { only(admin.delete_topics([&*topic], Default::default()).await?) }).await;
    run.admin.close().await?;
    check(run.failed == 0, format!("{} calls failed", run.failed))
}
