use std::collections::HashMap;
use std::io::Write;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use krafka::Kafka;
use krafka::consumer::{AutoOffsetReset, ConsumerRebalanceListener, OffsetAndMetadata, TopicPartition};
use tokio::signal::unix::{SignalKind, signal};

use crate::Outcome;

const SESSION_TIMEOUT: Duration = Duration::from_secs(6);
const HEARTBEAT_INTERVAL: Duration = Duration::from_secs(1);
const POLL_TIMEOUT: Duration = Duration::from_millis(200);

/// Prints what changes in the assignment, as "assigned 0,2".
struct Teller;

fn tell(change: &str, partitions: &[TopicPartition]) {
    let mut numbers: Vec<_> = partitions.iter().map(|each| each.partition).collect();
    numbers.sort();
    if !numbers.is_empty() {
        let names: Vec<_> = numbers.iter().map(ToString::to_string).collect();
        eprintln!("{change} {}", names.join(","));
    }
}

impl ConsumerRebalanceListener for Teller {
    async fn on_partitions_assigned(&self, partitions: &[TopicPartition]) {
        tell("assigned", partitions);
    }
    async fn on_partitions_revoked(&self, partitions: &[TopicPartition]) {
        tell("revoked", partitions);
    }
    async fn on_partitions_lost(&self, partitions: &[TopicPartition]) {
        tell("revoked", partitions);
    }
}

/// A member of the group until count records came (0: until SIGTERM). What a poll gave is printed and committed before the next poll, and
/// partitions change hands only in a poll.
pub async fn run(kafka: &Kafka, topic: &str, group: &str, count: &str) -> Outcome<()> {
    let count: usize = count.parse()?;
    let stopped = Arc::new(AtomicBool::new(false));
    let mut terminate = signal(SignalKind::terminate())?;
    let stop = stopped.clone();
    tokio::spawn(async move {
        terminate.recv().await;
        stop.store(true, Ordering::Relaxed);
    });
    let consumer = kafka
        .consumer(group)
        .auto_offset_reset(AutoOffsetReset::Earliest)
        .enable_auto_commit(false)
        .session_timeout(SESSION_TIMEOUT)
        .heartbeat_interval(HEARTBEAT_INTERVAL)
        .rebalance_listener(Teller)
        .build()
        .await?;
    consumer.subscribe([topic]).await?;
    let mut printed = 0;
    let mut out = std::io::stdout().lock();
    while !stopped.load(Ordering::Relaxed) && (count == 0 || printed < count) {
        let mut positions = HashMap::new();
        for record in consumer.poll(POLL_TIMEOUT).await? {
            if count > 0 && printed == count {
                break;
            }
            let (key, value) = (record.key_str().unwrap_or(""), record.value_str().unwrap_or(""));
            let line = record.header_str("line").unwrap_or("");
            writeln!(out, "{}\t{}\t{key}\t{value}\t{line}", record.partition, record.offset)?;
            positions.insert(TopicPartition::new(topic, record.partition), OffsetAndMetadata::new(record.offset + 1));
            printed += 1;
        }
        out.flush()?;
        if !positions.is_empty() {
            consumer.commit_offsets(&positions).await?;
        }
    }
    consumer.close().await?;
    Ok(())
}
