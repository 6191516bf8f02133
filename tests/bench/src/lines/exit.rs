//! A large tenancy leaves: what erasing it asks of AWS, how long it takes, and what others notice of it.

use std::{
    collections::BTreeMap,
    time::{Duration, Instant},
};

use bytes::Bytes;
use http::{Method, Request};
use local::Stack;
use serde_json::{Value, json};
use tenant_context::Timestamp;
use tokio::{
    task::{JoinSet, spawn_blocking},
    time::sleep,
};

use super::{functions::queue_event, ratio, readable};
use crate::{
    cost::listed,
    page::{Budget, Section},
    runtime_api::{Function, Run},
    stand_in::{Calls, StandIn},
    stores::{BUCKETS, TABLES, items, place, search, versions},
    tenancy::{Caller, Tenancy, mp3, text},
    world::{Outcome, World},
};

const EPISODES: usize = 2_000;
const LISTENERS: usize = 500;
/// Names of objects in each bucket, and versions of each: 10,000 altogether. What comes into the bucket of uploads is scanned and waited
/// for, which is not what is measured.
const OBJECTS: [(&str, usize, usize); 3] =
    [("MediaBucket", 3_000, 2), ("FeedBucket", 500, 6), ("ExportBucket", 1_000, 1)];
/// After the sealing the stores are counted, once every credential that was given out has expired.
const SETTLED: Duration = Duration::from_secs(61 * 60);
/// Feeds fetched before and after, each once the one before was answered.
const FETCHES: usize = 300;
const BETWEEN_FETCHES: Duration = Duration::from_millis(20);
/// How many calls are on their way at once while a tenancy is filled.
const AT_ONCE: usize = 8;
/// What `BatchWriteItem` takes.
const BATCH: usize = 25;

/// What there is of a tenancy.
#[derive(Default)]
struct Inventory {
    versions: BTreeMap<&'static str, usize>,
    items: usize,
    /// Bytes of the items of each partition.
    partitions: BTreeMap<String, usize>,
}

/// What erasing a tenancy came to.
struct Erased {
    inventory: Inventory,
    calls: Calls,
    took: Duration,
}

/// Listeners of the tenancies that stay.
struct Neighbours<'a> {
    stack: &'a Stack,
    feeds: Vec<(String, Bytes)>,
}

/// Two tenancies leave, a small one and a large one, through the worker as it ships, with the stand-in on its way to the emulator.
///
/// # Errors
/// Where one does not come to its end, something of it is left, or another tenancy's feed is not what it was.
pub async fn measure(world: &World) -> Outcome<Section> {
    let stack = &world.stack;
    let mut section = Section::new(
        "Exit",
        &format!(
            "A tenancy of {EPISODES} episodes, {LISTENERS} listeners and 10,000 versions of objects leaves, moved in time by the events of \
             its schedule, through the worker as it ships. One episode and one listener come through the API, the others are \
             copies of their items; the objects are put where S3 has the tenancy's own. What 1,000 more objects and items ask for: (that \
             exit − the exit of a tenancy that has next to nothing) ÷ what the one had more. The least: ListObjectVersions and \
             DeleteObjects by the thousand, a Query for each partition and megabyte, TransactWriteItems by the hundred."
        ),
    );
    stack.aws().pause_queue("deletion-worker").await?;
    let stand_in = StandIn::pass_through(stack.aws().endpoint())?;
    let neighbours = Neighbours::new(stack).await?;
    let small = Leaver::new(stack, "Rowboat").await?;
    let (small_exit, _) = small.leave(world, &stand_in, &neighbours).await?;

    let large = Leaver::new(stack, "Ferry").await?;
    large.fill().await?;
    let mut idle = neighbours.listen().await?;
    let (exit, meanwhile) = large.leave(world, &stand_in, &neighbours).await?;
    idle.extend(neighbours.listen().await?);
    let left = search(stack, &large.tenancy.id, &["Ferry", "ferry.example"]).await?;
    if !left.is_empty() {
        return Err(format!("of a tenancy that is erased there is still {left:?}").into());
    }

    let more = (exit.inventory.things() - small_exit.inventory.things()) as f64;
    let calls = |exit: &Erased| exit.calls.values().sum::<u64>() as f64;
    let asked = calls(&exit) - calls(&small_exit);
    let least = exit.inventory.least_calls() as f64 - small_exit.inventory.least_calls() as f64;
    section.ratio(
        "calls for 1,000 more objects and items ÷ the least",
        format!("{:.1} and {:.1}", asked * 1e3 / more, least * 1e3 / more),
        asked / least,
        Some(Budget::AtMost(1.2)),
    );
    section.line(
        &format!("an exit of {} versions and {} items", exit.inventory.all_versions(), exit.inventory.items),
        format!("{:.0} calls, {}", calls(&exit), readable(exit.took)),
    );
    section.line(
        &format!(
            "an exit of {} versions and {} items",
            small_exit.inventory.all_versions(),
            small_exit.inventory.items
        ),
        format!("{:.0} calls, {}", calls(&small_exit), readable(small_exit.took)),
    );
    let each = exit.took.saturating_sub(small_exit.took).as_secs_f64() / more;
    section.line(
        "time for 10,000 more objects and items",
        readable(Duration::from_secs_f64(each.max(0.0) * 1e4)),
    );
    let (idle, busy) = (median(idle), median(meanwhile.clone()));
    section.ratio(
        "other tenancies' feeds, p50 while it is erased ÷ before and after",
        format!("{} and {}, {} feeds", readable(busy), readable(idle), meanwhile.len()),
        ratio(busy, idle),
        Some(Budget::AtMost(2.0)),
    );
    section.note(format!("The large exit asked for: {}.", listed(&exit.calls)));
    section.note(
        "Afterwards no item, version, message, person or line of a log has a word of it, no name of an item or object has its id but \
         those of what outlives it, and the other tenancies' feeds are byte for byte what they were.",
    );
    Ok(section)
}

impl Inventory {
    async fn of(tenancy: &Tenancy<'_>) -> Outcome<Self> {
        let mut inventory = Self::default();
        for bucket in BUCKETS {
            let found = versions(tenancy.stack, bucket, &format!("{}/", tenancy.id)).await?;
            inventory.versions.insert(bucket, found.len());
        }
        for table in TABLES {
            for item in items(tenancy.stack, table).await? {
                let (place, item) = (place(table, &item), item.to_string());
                // What outlives a tenancy.
                let stays = ["exit#", "tenancies/", "session#"].map(|kind| format!("DirectoryTable/{kind}"));
                if item.contains(&tenancy.id) && !stays.iter().any(|kept| place.starts_with(kept)) {
                    let partition = place.rsplit_once('/').map_or("", |(partition, _)| partition);
                    // Entries of the directory lie alone.
                    if partition.contains(&tenancy.id) {
                        *inventory.partitions.entry(partition.to_owned()).or_default() += item.len();
                    }
                    inventory.items += 1;
                }
            }
        }
        Ok(inventory)
    }

    fn all_versions(&self) -> usize {
        self.versions.values().sum()
    }

    fn things(&self) -> usize {
        self.all_versions() + self.items
    }

    /// What finding and deleting all of it takes where every call is as full as it can be.
    fn least_calls(&self) -> usize {
        let versions: usize = self.versions.values().map(|count| 2 * count.div_ceil(1_000)).sum();
        let queries: usize = self.partitions.values().map(|bytes| bytes.div_ceil(1 << 20)).sum();
        versions + queries + self.items.div_ceil(100)
    }
}

/// A tenancy with two owners, which may leave.
struct Leaver<'a> {
    tenancy: Tenancy<'a>,
    owners: [Caller<'a>; 2],
    show: String,
    episode: String,
    listener: String,
}

impl<'a> Leaver<'a> {
    async fn new(stack: &'a Stack, name: &str) -> Outcome<Self> {
        let tenancy = Tenancy::new(stack, name).await?;
        let owners = [tenancy.another_owner("One").await?, tenancy.another_owner("Other").await?];
        let show = tenancy.show(&format!("{}-log", name.to_lowercase()), &format!("{name} Log")).await?;
        let episode = tenancy.episode(&show, &format!("{name} departs"), mp3(100_000, name)).await?;
        let listener = json!({ "label": format!("{name} passenger"), "email": "passenger@pier.example" });
        let listener = tenancy.owner.post(&format!("/v1/shows/{show}/listeners"), &listener).await?;
        Ok(Self { tenancy, owners, show, episode, listener: text(&listener, "/id")? })
    }

    /// Makes it large.
    async fn fill(&self) -> Outcome<()> {
        let all = self.items().await?;
        let mut copies = Vec::new();
        for number in 1..EPISODES {
            let renamed = [(self.episode.as_str(), format!("epi_{number:026}"))];
            copies.extend(copy(&all, &renamed));
        }
        let listener = all.iter().find_map(|(_, item)| {
            let is_theirs = item.pointer("/sk/S").and_then(Value::as_str) == Some(&self.listener);
            item.pointer("/token_hash/S").and_then(Value::as_str).filter(|_| is_theirs)
        });
        let token = listener.ok_or("the listener has no token")?;
        for number in 1..LISTENERS {
            let renamed =
                [(self.listener.as_str(), format!("lsn_{number:026}")), (token, format!("{number:064x}"))];
            copies.extend(copy(&all, &renamed));
        }
        self.write(copies).await?;
        for (bucket, names, versions) in OBJECTS {
            let bucket = self.tenancy.stack.output(bucket).ok_or("no such bucket")?.to_owned();
            self.put_objects(&bucket, names, versions).await?;
        }
        Ok(())
    }

    /// What the tables have of it, each item with its table.
    async fn items(&self) -> Outcome<Vec<(&'static str, Value)>> {
        let mut found = Vec::new();
        for table in TABLES {
            let theirs = items(self.tenancy.stack, table).await?.into_iter();
            found.extend(
                theirs.filter(|item| item.to_string().contains(&self.tenancy.id)).map(|item| (table, item)),
            );
        }
        Ok(found)
    }

    async fn write(&self, items: Vec<(&'static str, Value)>) -> Outcome<()> {
        let puts = items.chunks(BATCH).map(|batch| {
            let mut tables = BTreeMap::<&str, Vec<Value>>::new();
            for (table, item) in batch {
                let name = self.tenancy.stack.output(table).unwrap_or_default();
                tables.entry(name).or_default().push(json!({ "PutRequest": { "Item": item } }));
            }
            json!({ "RequestItems": tables })
        });
        let aws = self.tenancy.stack.aws();
        let mut writing = JoinSet::new();
        for put in puts {
            if writing.len() >= AT_ONCE {
                writing.join_next().await.transpose()?.transpose()?;
            }
            let aws = aws.clone();
            writing.spawn(async move { aws.dynamodb("BatchWriteItem", &put).await.map(drop) });
        }
        while let Some(written) = writing.join_next().await {
            written??;
        }
        Ok(())
    }

    async fn put_objects(&self, bucket: &str, names: usize, versions: usize) -> Outcome<()> {
        let mut writing = JoinSet::new();
        for version in 0..versions {
            for number in 0..names {
                if writing.len() >= AT_ONCE {
                    writing.join_next().await.transpose()?.transpose()?;
                }
                let aws = self.tenancy.stack.aws().clone();
                let path = format!("/{bucket}/{}/{}/{number:064x}", self.tenancy.id, self.show);
                let body = format!("Ferry, object {number}, version {version}");
                writing.spawn(async move {
                    let answer = aws.s3(Method::PUT, &path, body.into()).await?;
                    if answer.status().is_success() {
                        return Ok(());
                    }
                    let reason = String::from_utf8_lossy(answer.body()).into_owned();
                    Err(Box::<dyn std::error::Error + Send + Sync>::from(format!("{path}: {reason}")))
                });
            }
        }
        while let Some(written) = writing.join_next().await {
            written??;
        }
        Ok(())
    }

    /// Two owners decide, its day comes, and an hour later what is left is counted. Answers how long each feed took that the
    /// neighbours fetched meanwhile.
    async fn leave(
        &self,
        world: &World,
        stand_in: &StandIn,
        neighbours: &Neighbours<'_>,
    ) -> Outcome<(Erased, Vec<Duration>)> {
        let [one, other] = &self.owners;
        let exit = one.post("/v1/deletions", &json!({ "scope": { "kind": "tenancy" } })).await?;
        let id = text(&exit, "/id")?;
        let exit = other.post(&format!("/v1/deletions/{id}/approve"), &json!({})).await?;
        let due: Timestamp = text(&exit, "/due_at")?.parse()?;
        let inventory = Inventory::of(&self.tenancy).await?;

        let mut worker = Function::start(&world.function_at("deletion-worker", stand_in).await?)?;
        stand_in.take_calls();
        let (mut took, mut latencies) = (Duration::ZERO, Vec::new());
        for as_of in [due, due.plus(SETTLED)] {
            let message = json!({ "tenancy_id": self.tenancy.id, "as_of": as_of.to_string() });
            let event = queue_event(&message);
            let working = spawn_blocking(move || {
                let run = worker.run(&event, 1);
                (worker, run)
            });
            while !working.is_finished() {
                latencies.push(neighbours.fetch(latencies.len()).await?);
                sleep(BETWEEN_FETCHES).await;
            }
            let run: Run;
            (worker, run) = match working.await? {
                (worker, Ok(run)) => (worker, run),
                (_, Err(error)) => return Err(error.into()),
            };
            took += run.percentile(0.5);
        }
        let calls = stand_in.take_calls();
        let state = self.state(&id).await?;
        if state != "erased" {
            return Err(format!("an exit that should be over is {state}").into());
        }
        Ok((Erased { inventory, calls, took }, latencies))
    }

    /// The exit's state as it is stored, where it outlives the tenancy.
    async fn state(&self, exit: &str) -> Outcome<String> {
        let stack = self.tenancy.stack;
        let key = json!({ "pk": { "S": format!("exit#{}", self.tenancy.id) }, "sk": { "S": exit } });
        let table = stack.output("DirectoryTable").ok_or("no such table")?;
        let get = json!({ "TableName": table, "ConsistentRead": true, "Key": key });
        text(&stack.aws().dynamodb("GetItem", &get).await?, "/Item/deletion/M/state/S")
    }
}

/// Copies of the items that have one of these texts in their key, with the new text in its place. The audit log and what is
/// remembered of requests are nobody's to copy.
fn copy(all: &[(&'static str, Value)], renamed: &[(&str, String)]) -> Vec<(&'static str, Value)> {
    let of_one = all.iter().filter(|(table, item)| {
        let place = place(table, item);
        let is_kept = ["#audit", "#idempotency", "#rate"].iter().any(|kind| place.contains(kind));
        !is_kept && renamed.iter().any(|(old, _)| place.contains(old))
    });
    let copies = of_one.filter_map(|(table, item)| {
        let text = renamed.iter().fold(item.to_string(), |text, (old, new)| text.replace(old, new));
        Some((*table, serde_json::from_str(&text).ok()?))
    });
    copies.collect()
}

impl<'a> Neighbours<'a> {
    /// Listeners of the demo's feeds, and what these are now.
    async fn new(stack: &'a Stack) -> Outcome<Self> {
        let mut feeds = Vec::new();
        for url in stack.demo().feeds.iter().chain(&stack.demo().private_feeds) {
            let answer = stack.http().send(Request::get(url).body(Bytes::new())?).await?;
            feeds.push((url.clone(), answer.into_body()));
        }
        Ok(Self { stack, feeds })
    }

    async fn listen(&self) -> Outcome<Vec<Duration>> {
        let mut latencies = Vec::with_capacity(FETCHES);
        for number in 0..FETCHES {
            latencies.push(self.fetch(number).await?);
            sleep(BETWEEN_FETCHES).await;
        }
        Ok(latencies)
    }

    /// Fetches one feed after the other. Answers how long this one took, which must be what it was.
    async fn fetch(&self, number: usize) -> Outcome<Duration> {
        let (url, known) = self.feeds.get(number % self.feeds.len().max(1)).ok_or("the demo has no feeds")?;
        let started = Instant::now();
        let answer = self.stack.http().send(Request::get(url).body(Bytes::new())?).await?;
        let took = started.elapsed();
        if answer.status() == 200 && answer.body() == known {
            Ok(took)
        } else {
            Err(format!("{url} is not what it was: {}", answer.status()).into())
        }
    }
}

fn median(mut latencies: Vec<Duration>) -> Duration {
    latencies.sort_unstable();
    latencies.get(latencies.len() / 2).copied().unwrap_or_default()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_least_is_what_full_calls_take() {
        let inventory = Inventory {
            versions: BTreeMap::from([("MediaBucket", 2_001), ("FeedBucket", 0)]),
            items: 201,
            partitions: BTreeMap::from([("a".to_owned(), 10), ("b".to_owned(), (1 << 20) + 1)]),
        };
        assert_eq!(inventory.least_calls(), 2 * 3 + 3 + 3);
    }

    #[test]
    fn what_has_another_key_or_is_of_the_log_is_not_copied() {
        let item =
            |pk: &str, sk: &str| json!({ "pk": { "S": pk }, "sk": { "S": sk }, "of": { "S": "epi_1" } });
        let all = [
            ("TenantTable", item("ten_1#episodes", "epi_1")),
            ("TenantTable", item("ten_1#audit", "epi_1")),
            ("TenantTable", item("ten_1#shows", "shw_1")),
        ];
        let copies = copy(&all, &[("epi_1", "epi_2".to_owned())]);
        let renamed =
            json!({ "pk": { "S": "ten_1#episodes" }, "sk": { "S": "epi_2" }, "of": { "S": "epi_2" } });
        assert_eq!(copies, [("TenantTable", renamed)]);
    }
}
