use krafka::producer::Acks;
use krafka::{Compression, Kafka, Record};

use crate::Outcome;

fn codec_of(name: &str) -> Outcome<Compression> {
    Ok(match name {
        "none" => Compression::None,
        "gzip" => Compression::Gzip,
        "snappy" => Compression::Snappy,
        "lz4" => Compression::Lz4,
        "zstd" => Compression::Zstd,
        _ => return Err(format!("no codec {name}").into()),
    })
}

/// Sends each line of the file (key, tab, value) with its number from 1 in the header "line", idempotently.
pub async fn run(kafka: &Kafka, topic: &str, codec: &str, file: &str) -> Outcome<()> {
    let producer = kafka.producer().acks(Acks::All).idempotent(true).compression(codec_of(codec)?).build().await?;
    let mut handles = Vec::new();
    for (index, line) in std::fs::read_to_string(file)?.lines().enumerate() {
        let number = index + 1;
        let (key, value) = line.split_once('\t').ok_or_else(|| format!("line {number} of {file} has no tab"))?;
        let record = Record::new(topic, value.to_owned()).key(key.to_owned()).header("line", number.to_string());
        handles.push(producer.enqueue(record).await?);
    }
    let count = handles.len();
    for handle in handles {
        handle.await?;
    }
    producer.close().await?;
    println!("acked {count}");
    Ok(())
}
