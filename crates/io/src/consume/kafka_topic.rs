//! How messages of a topic are taken: all partitions are assigned, none is asked of a group, as the places are ours.
//!
//! The client takes up lost connections by itself and says nothing meanwhile. So the topic is looked at while nothing comes, and a
//! cluster that does not answer ends the session.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::Duration;

use krafka::admin::{
    AdminClient, AlterConsumerGroupOffsetsOptions, DescribeTopicsOptions, ListConsumerGroupOffsetsOptions,
    ListOffsetsOptions, OffsetSpec,
};
use krafka::consumer::{AutoOffsetReset, Consumer, ConsumerRecord, IsolationLevel, TopicPartition};
use krafka::error::{ErrorCode, KrafkaError};
use tokio::time::Instant;

use super::{Connect, Mark, Message, Places, Subscription, Verdict, Working};
use crate::broker::kafka::{ANSWER_TIMEOUT, Kafka};

/// How long is waited for messages before the places are told and the topic is looked at.
const WAIT: Duration = Duration::from_secs(1);
/// How often the topic is looked at while no messages come, and while they do: it may have got partitions.
const LOOK_IDLE: Duration = Duration::from_secs(3);
const LOOK_BUSY: Duration = Duration::from_secs(30);
/// How often Kafka is told how far messages are stored.
const TELL: Duration = Duration::from_secs(1);

/// A topic that messages are taken from.
pub(super) struct Taking {
    pub(super) kafka: Kafka,
    pub(super) topic: String,
    /// Whose places Kafka's tools show.
    pub(super) group: String,
    pub(super) starts_now: bool,
    pub(super) prefetch: u16,
}

impl Connect for Taking {
    fn connect<'a>(&'a self, stored: &'a Places) -> Working<'a, Box<dyn Subscription>> {
        Box::pin(async move {
            let client = self.kafka.connect().await?;
            let asking = Asking {
                kafka: self.kafka.clone(),
                admin: client.admin().default_api_timeout(ANSWER_TIMEOUT).metrics_push(false),
                topic: self.topic.clone(),
                group: self.group.clone(),
            };
            let found = asking.look().await?;
            let starts = asking.starts(&found, &found.partitions, stored, self.starts_now).await?;
            let most = i32::from(self.prefetch);
            let building = client.consumer_without_group().max_poll_records(most).max_buffered_records(most);
            let building = building.auto_offset_reset(AutoOffsetReset::None).metrics_push(false);
            // What a transaction takes back does not count.
            let building = building.isolation_level(IsolationLevel::ReadCommitted);
            let consumer = building.build().await.map_err(|error| asking.failed(&error))?;
            let mut topic = Topic {
                asking,
                consumer,
                logs: BTreeMap::new(),
                found,
                unsettled: Vec::new(),
                untold: BTreeMap::new(),
                told: Instant::now(),
                looked: Instant::now(),
            };
            topic.assign(starts).await?;
            Ok(Box::new(topic) as Box<dyn Subscription>)
        })
    }
}

/// What a topic is made of.
#[derive(Debug, Clone, PartialEq, Eq)]
struct Found {
    /// One that is deleted and made anew has another.
    id: String,
    partitions: Vec<i32>,
}

/// What Kafka is asked and told of a topic.
struct Asking {
    kafka: Kafka,
    admin: AdminClient,
    topic: String,
    group: String,
}

impl Asking {
    fn failed(&self, error: &KrafkaError) -> String {
        let (at, topic, why) = (self.kafka.place(), &self.topic, self.kafka.said(error));
        let is_unknown = matches!(
            error,
            KrafkaError::UnknownTopic { .. }
                | KrafkaError::Broker { code: ErrorCode::UnknownTopicOrPartition, .. }
        );
        if is_unknown {
            format!(
                "{at} has no topic {topic}; create it, for example with `kafka-topics.sh --create --topic {topic}`"
            )
        } else {
            format!("the topic {topic} at {at} cannot be read: {why}")
        }
    }

    /// Looks at the topic.
    async fn look(&self) -> Result<Found, String> {
        let described = self.admin.describe_topics([&self.topic], DescribeTopicsOptions::default()).await;
        let mut described = described.map_err(|error| self.failed(&error))?;
        let unknown = || Err(KrafkaError::unknown_topic(&self.topic));
        let topic = described.remove(&self.topic).unwrap_or_else(unknown);
        let topic = topic.map_err(|error| self.failed(&error))?;
        Ok(Found {
            id: topic.topic_id.iter().map(|byte| format!("{byte:02x}")).collect(),
            partitions: topic.partitions.iter().map(|partition| partition.partition).collect(),
        })
    }

    /// Where each of these partitions is read from: right behind what is stored.
    async fn starts(
        &self,
        found: &Found,
        partitions: &[i32],
        stored: &Places,
        starts_now: bool,
    ) -> Result<Vec<(i32, i64)>, String> {
        let (first, end) = tokio::try_join!(
            self.ends(partitions, OffsetSpec::Earliest),
            self.ends(partitions, OffsetSpec::Latest)
        )?;
        let told = self.told().await?;
        let mut starts = Vec::with_capacity(partitions.len());
        for partition in partitions {
            let last = stored.get(&*log(&self.topic, &found.id, *partition));
            let ours = last.and_then(|last| i64::try_from(*last).ok()?.checked_add(1));
            // One of both may be behind: Kafka is told later, and what is known here is forgotten after days without messages.
            let known = ours.max(told.get(partition).copied());
            let start = Start::of(known, first[partition], end[partition], starts_now);
            if let Some(n) = start.deleted {
                tracing::warn!(
                    topic = self.topic,
                    partition,
                    n,
                    "messages were deleted before they were taken"
                );
            }
            if let Some(n) = start.taken_back {
                return Err(format!(
                    "partition {partition} of the topic {} ends {n} messages before those that are stored: its servers have lost \
                     them; rename the consumer, and it begins anew",
                    self.topic
                ));
            }
            starts.push((*partition, start.offset));
        }
        Ok(starts)
    }

    /// Where partitions begin, or end.
    async fn ends(&self, partitions: &[i32], which: OffsetSpec) -> Result<BTreeMap<i32, i64>, String> {
        let asked = partitions.iter().map(|partition| (TopicPartition::new(&*self.topic, *partition), which));
        let answered = self.admin.list_offsets(asked, ListOffsetsOptions::default()).await;
        let answered = answered.map_err(|error| self.failed(&error))?;
        let one = |(partition, offset): (TopicPartition, krafka::Result<_>)| {
            let offset: krafka::admin::ListedOffset = offset.map_err(|error| self.failed(&error))?;
            Ok((partition.partition, offset.offset))
        };
        let ends: BTreeMap<i32, i64> = answered.into_iter().map(one).collect::<Result<_, String>>()?;
        match partitions.iter().find(|partition| !ends.contains_key(partition)) {
            Some(partition) => Err(format!("partition {partition} of the topic {} is not known", self.topic)),
            None => Ok(ends),
        }
    }

    /// What Kafka was told of each partition.
    async fn told(&self) -> Result<BTreeMap<i32, i64>, String> {
        let options = ListConsumerGroupOffsetsOptions::default();
        let told = self.admin.list_consumer_group_offsets(&self.group, options).await;
        let told = told.map_err(|error| self.untold(&error))?;
        let of_topic = |(partition, offset): (TopicPartition, krafka::Result<_>)| {
            let offset: krafka::admin::GroupOffset = offset.ok()?;
            (partition.topic == self.topic).then_some((partition.partition, offset.offset?))
        };
        Ok(told.into_iter().filter_map(of_topic).collect())
    }

    /// Tells Kafka the next place of partitions.
    async fn tell(&self, next: &BTreeMap<i32, i64>) -> Result<(), String> {
        let next =
            next.iter().map(|(partition, offset)| (TopicPartition::new(&*self.topic, *partition), *offset));
        let options = AlterConsumerGroupOffsetsOptions::default();
        let told = self.admin.alter_consumer_group_offsets(&self.group, next, options).await;
        let told = told.map_err(|error| self.untold(&error))?;
        let failed = told.into_values().find_map(Result::err);
        failed.map_or(Ok(()), |error| Err(self.untold(&error)))
    }

    fn untold(&self, error: &KrafkaError) -> String {
        let (group, why) = (&self.group, self.kafka.said(error));
        match error {
            KrafkaError::Broker { code: ErrorCode::UnknownMemberId, .. } => {
                format!("the group {group} has members elsewhere; write another `group`")
            }
            KrafkaError::Broker { code: ErrorCode::GroupAuthorizationFailed, .. } => {
                format!("the group {group} may not be used; allow READ on it, or write another `group`")
            }
            _ => format!("the places of the group {group} cannot be read or told: {why}"),
        }
    }
}

/// Where a partition is read from.
#[derive(Debug, PartialEq, Eq)]
struct Start {
    offset: i64,
    /// So many messages behind the known place are not there any more.
    deleted: Option<i64>,
    /// So many messages before it never will be again.
    taken_back: Option<i64>,
}

impl Start {
    /// Of a partition that holds messages from `first` up to before `end`, of which the next is `known`.
    fn of(known: Option<i64>, first: i64, end: i64, starts_now: bool) -> Self {
        let at = |offset| Self { offset, deleted: None, taken_back: None };
        match known {
            None if starts_now => at(end),
            None => at(first),
            Some(known) if known < first => Self { deleted: Some(first - known), ..at(first) },
            Some(known) if known > end => Self { taken_back: Some(known - end), ..at(end) },
            Some(known) => at(known),
        }
    }
}

/// The name of a partition in the ledger.
fn log(topic: &str, id: &str, partition: i32) -> Arc<str> {
    format!("{topic}@{id}/{partition}").into()
}

/// Messages of a topic.
struct Topic {
    asking: Asking,
    consumer: Consumer,
    /// The names of partitions in the ledger.
    logs: BTreeMap<i32, Arc<str>>,
    found: Found,
    /// Partition and place of those that came last.
    unsettled: Vec<(i32, i64)>,
    /// The next place of partitions, as far as Kafka was not told.
    untold: BTreeMap<i32, i64>,
    told: Instant,
    looked: Instant,
}

impl Topic {
    /// Takes all partitions that were found; these begin there.
    async fn assign(&mut self, starts: Vec<(i32, i64)>) -> Result<(), String> {
        let topic = &self.asking.topic;
        let failed = |error: KrafkaError| self.asking.failed(&error);
        self.consumer.assign(topic, self.found.partitions.clone()).await.map_err(failed)?;
        let starts: Vec<_> = starts
            .into_iter()
            .map(|(partition, offset)| (TopicPartition::new(&**topic, partition), offset))
            .collect();
        self.consumer.seek_many(starts).await.map_err(failed)?;
        let named = |partition: &i32| (*partition, log(topic, &self.found.id, *partition));
        self.logs = self.found.partitions.iter().map(named).collect();
        Ok(())
    }

    async fn take(&mut self) -> Result<Vec<Message>, String> {
        loop {
            let taken = self.consumer.poll(WAIT).await;
            let taken = taken.map_err(|error| self.asking.failed(&error))?;
            let is_idle = taken.is_empty();
            if !is_idle {
                self.unsettled = taken.iter().map(|record| (record.partition, record.offset)).collect();
                return Ok(taken.into_iter().filter_map(|record| self.message(record)).collect());
            }
            self.tell_if_due().await?;
            self.look_if_due(LOOK_IDLE).await?;
        }
    }

    fn message(&self, record: ConsumerRecord) -> Option<Message> {
        let number = u64::try_from(record.offset).ok()?;
        let mark = Mark::Position { log: Arc::clone(self.logs.get(&record.partition)?), number };
        let sent_ms = (record.timestamp >= 0).then_some(record.timestamp);
        Some(Message { body: record.value.unwrap_or_default(), mark: Some(mark), sent_ms })
    }

    async fn tell_if_due(&mut self) -> Result<(), String> {
        if self.untold.is_empty() || self.told.elapsed() < TELL {
            return Ok(());
        }
        self.asking.tell(&self.untold).await?;
        self.untold.clear();
        self.told = Instant::now();
        Ok(())
    }

    /// Finds out whether the cluster is there, and whether the topic is still what it was.
    async fn look_if_due(&mut self, every: Duration) -> Result<(), String> {
        if self.looked.elapsed() < every {
            return Ok(());
        }
        let now = self.asking.look().await?;
        self.looked = Instant::now();
        if now.id != self.found.id {
            return Err(format!("the topic {} was deleted and made anew", self.asking.topic));
        }
        let new = now.partitions.iter().filter(|partition| !self.logs.contains_key(partition));
        let new: Vec<i32> = new.copied().collect();
        if new.is_empty() {
            return Ok(());
        }
        // All that is in a new one came after Lanner began.
        let starts = self.asking.starts(&now, &new, &Places::new(), false).await?;
        self.found = now;
        self.assign(starts).await
    }
}

impl Subscription for Topic {
    fn next(&mut self) -> Working<'_, Vec<Message>> {
        Box::pin(self.take())
    }

    fn settle<'a>(&'a mut self, _verdicts: &'a [Verdict]) -> Working<'a, ()> {
        Box::pin(async move {
            // A place says nothing of single messages: what is refused is passed as well.
            for (partition, offset) in std::mem::take(&mut self.unsettled) {
                self.untold.insert(partition, offset + 1);
            }
            self.tell_if_due().await?;
            self.look_if_due(LOOK_BUSY).await
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_partition_goes_on_where_it_is_stored() {
        #[track_caller]
        fn check(known: Option<i64>, now: bool, offset: i64, deleted: Option<i64>, taken_back: Option<i64>) {
            let start = Start { offset, deleted, taken_back };
            assert_eq!(Start::of(known, 10, 20, now), start, "{known:?}");
        }
        //    known     now    from  deleted  taken back
        check(None, false, 10, None, None);
        check(None, true, 20, None, None);
        check(Some(10), true, 10, None, None);
        check(Some(15), false, 15, None, None);
        check(Some(20), false, 20, None, None);
        check(Some(7), true, 10, Some(3), None);
        check(Some(25), false, 20, None, Some(5));
    }
}
