//! The interop client on krafka: client COMMAND BOOTSTRAP ARGS..., with the commands that every client of this folder's parent has.

mod admin;
mod consume;
mod produce;

use krafka::Kafka;
use krafka::admin::NewTopic;

pub type Outcome<T> = Result<T, Box<dyn std::error::Error>>;

async fn create(kafka: &Kafka, topic: &str, partitions: &str) -> Outcome<()> {
    let admin = kafka.admin();
    let wanted = NewTopic::new(topic, partitions.parse()?, 1)?;
    for (_, made) in admin.create_topics([wanted], Default::default()).await? {
        made?;
    }
    admin.close().await?;
    Ok(())
}

async fn run(arguments: &[&str]) -> Outcome<()> {
    let [command, bootstrap, rest @ ..] = arguments else {
        return Err("usage: client create|produce|consume|admin BOOTSTRAP ARGS...".into());
    };
    let kafka = Kafka::builder(*bootstrap).client_id("interop-krafka").connect().await?;
    match (*command, rest) {
        ("create", [topic, partitions]) => create(&kafka, topic, partitions).await,
        ("produce", [topic, codec, file]) => produce::run(&kafka, topic, codec, file).await,
        ("consume", [topic, group, count]) => consume::run(&kafka, topic, group, count).await,
        ("admin", [topic]) => admin::run(&kafka, topic).await,
        _ => Err(format!("no command of that form: {arguments:?}").into()),
    }
}

fn main() {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    let arguments: Vec<&str> = arguments.iter().map(String::as_str).collect();
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().expect("a runtime");
    if let Err(error) = runtime.block_on(run(&arguments)) {
        eprintln!("failed: {error}");
        std::process::exit(1);
    }
}
