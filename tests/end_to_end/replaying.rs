//! A restore of the tables brings back what was erased. The ledger of tombstones, which no restore touches, makes it go again.

use std::time::Duration;

use http::Method;
use serde_json::{Value, json};
use tenant_context::Timestamp;

use crate::{
    actors::Tenant,
    audio::mp3,
    deletions::{self, Heard, delete, find, wait_for_state, wait_until_rendered},
    dump,
    exchange::user,
    flow::{enclosure_url, id, listen, publish, wait_for_feed},
    leaving::{self, Leaver, certificate_of, is_tombstone},
    world::{run, unique},
};

const DAY: Duration = Duration::from_secs(24 * 60 * 60);
const SETTLED: Duration = Duration::from_secs(61 * 60);

/// What both tables had of a tenancy at one moment.
struct Backup {
    items: Vec<(&'static str, Value)>,
}

impl Backup {
    async fn of(tenant: &Tenant) -> Self {
        let mut items = Vec::new();
        for table in dump::TABLES {
            let found = dump::raw_items(tenant.stack, table).await;
            let theirs = found.into_iter().filter(|item| item.to_string().contains(&tenant.id));
            items.extend(theirs.map(|item| (table, item)));
        }
        Self { items }
    }

    /// The tables have again what they had, and nothing else of the tenancy.
    async fn restore(&self, tenant: &Tenant) {
        for (table, item) in Self::of(tenant).await.items {
            let key = json!({ "pk": item["pk"], "sk": item["sk"] });
            let delete = json!({ "TableName": tenant.stack.output(table).unwrap(), "Key": key });
            tenant.stack.aws().dynamodb("DeleteItem", &delete).await.unwrap();
        }
        for (table, item) in &self.items {
            let put = json!({ "TableName": tenant.stack.output(table).unwrap(), "Item": item });
            tenant.stack.aws().dynamodb("PutItem", &put).await.unwrap();
        }
    }
}

/// What whoever has restored a table calls.
async fn replay(tenant: &Tenant, time: Timestamp) -> (u64, u64) {
    let event = json!({ "time": time, "tenancy_id": tenant.id });
    let answer = tenant.stack.aws().invoke("replay", &event).await.unwrap();
    (answer["tombstones"].as_u64().unwrap(), answer["begun_anew"].as_u64().unwrap())
}

#[test]
fn what_was_erased_goes_again_after_a_restore() {
    run(async |stack| {
        let (acme, globex) = (Tenant::new(stack).await, Tenant::new(stack).await);
        let (show, other) = (acme.show("public").await, acme.show("private").await);
        let (gone, stays) = (Heard::new(&acme, &show).await, Heard::new(&acme, &show).await);
        let of_other = Heard::new(&acme, &other).await;
        let theirs = Heard::new(&globex, &globex.show("public").await).await;
        let (person, ada) = user(&acme, json!(["editors"])).await;
        let label = json!({ "label": unique("carol") });
        let carol = acme.editor.post(&format!("/v1/shows/{}/listeners", id(&other)), label).await.data();
        let url = show["feed_url"].as_str().unwrap();
        wait_for_feed(stack, url, |text| text.contains(&gone.canary) && text.contains(&stays.canary)).await;
        wait_until_rendered(&acme).await;
        wait_until_rendered(&globex).await;
        let backup = Backup::of(&acme).await;

        let mut deletions = Vec::new();
        for someone in [&carol, &ada] {
            let erasure = delete(&acme.owner, "person", id(someone)).await.data();
            wait_for_state(&acme, &erasure, "verifying").await;
            deletions.push(erasure);
        }
        deletions.push(delete(&acme.owner, "episode", id(&gone.episode)).await.data());
        deletions.push(delete(&acme.owner, "show", id(&other)).await.data());
        let day = deletions::due(&deletions[3]);
        deletions::carry_out_again(&acme, day).await;
        let texts = [gone.canary.as_str(), of_other.canary.as_str(), person.email.as_str(), id(&carol)];
        let left = async || {
            let places = dump::search(&acme, &texts).await;
            let is_record = |place: &String| place.contains("deletion-subjects") || place.contains("#audit");
            places.into_iter().filter(|place| !is_record(place)).collect::<Vec<_>>()
        };
        let after_first = left().await;
        for deletion in &deletions {
            assert_eq!(find(&acme, deletion).await["state"], "erased");
        }

        backup.restore(&acme).await;
        let neighbour = Backup::of(&globex).await;
        assert_eq!(acme.editor.get(&gone.path()).await.status, 200, "it came back");
        assert!(left().await.len() > after_first.len());

        let restored_at = day.plus(2 * DAY);
        assert_eq!(replay(&acme, restored_at).await, (4, 4));
        acme.editor.get(&gone.path()).await.assert_problem(404, "not_found");
        acme.editor.get(&format!("/v1/shows/{}", id(&other))).await.assert_problem(404, "not_found");
        wait_for_feed(stack, url, |text| !text.contains(&gone.canary)).await;
        deletions::carry_out_again(&acme, restored_at.plus(SETTLED)).await;
        deletions::carry_out_again(&acme, restored_at.plus(2 * SETTLED)).await;

        for deletion in &deletions {
            let again = find(&acme, deletion).await;
            assert_eq!((&again["id"], &again["state"]), (&deletion["id"], &json!("erased")), "{again}");
        }
        assert_eq!(left().await, after_first);
        assert_eq!(acme.editor.get(&stays.path()).await.data()["guid"], stays.episode["guid"]);
        let feed = wait_for_feed(stack, url, |text| text.contains(&stays.canary)).await;
        let redirect = listen(stack, Method::GET, &enclosure_url(&feed), &[]).await;
        assert_eq!(listen(stack, Method::GET, redirect.header("location"), &[]).await.body, stays.audio);
        assert_eq!(replay(&acme, restored_at).await, (4, 0), "what the tables know begins once");
        assert_eq!(replay(&globex, restored_at).await, (0, 0));
        assert_eq!(Backup::of(&globex).await.items, neighbour.items, "the other tenancy is as it was");
        assert_eq!(globex.editor.get(&theirs.path()).await.status, 200);
    });
}

#[test]
fn a_tenancy_that_left_goes_again_after_a_restore() {
    run(async |stack| {
        let leaver = Leaver::new(stack).await;
        let acme = &leaver.tenant;
        let words = unique("canary");
        let show = acme.show("public").await;
        publish(acme, &show, &words, &mp3(2, &words)).await;
        let url = show["feed_url"].as_str().unwrap();
        wait_for_feed(stack, url, |text| text.contains(&words)).await;
        wait_until_rendered(acme).await;
        let backup = Backup::of(acme).await;
        let exit = leaver.close().await;
        leaving::carry_out(acme, leaving::due(&exit)).await;
        leaving::carry_out(acme, leaving::due(&exit).plus(SETTLED)).await;
        assert_eq!(leaver.stored(&exit).await, "erased");
        let certificate = certificate_of(stack, &exit).await;

        backup.restore(acme).await;
        assert_eq!(leaver.stored(&exit).await, "", "the tables know of no exit");
        assert_eq!(acme.editor.get(&format!("/v1/shows/{}", id(&show))).await.status, 200, "it came back");

        let restored_at = leaving::due(&exit).plus(3 * DAY);
        assert_eq!(replay(acme, restored_at).await, (1, 1));
        leaving::carry_out_again(acme, restored_at).await;
        assert_eq!(leaver.stored(&exit).await, "verifying");
        assert_eq!(listen(stack, Method::GET, url, &[]).await.status, 410);
        assert_eq!(replay(acme, restored_at).await, (1, 0), "it begins once for each restore");
        leaving::carry_out_again(acme, restored_at.plus(SETTLED)).await;

        assert_eq!(leaver.stored(&exit).await, "erased");
        assert_eq!(dump::search(acme, &[words.as_str()]).await, [] as [String; 0]);
        let places = dump::everything(acme).await.into_iter().map(|(place, _)| place);
        let left: Vec<_> = places.filter(|place| place.contains(&acme.id) && !is_tombstone(place)).collect();
        assert_eq!(left, [] as [String; 0]);
        assert_eq!(certificate_of(stack, &exit).await, certificate, "what was certified stays so");
    });
}
