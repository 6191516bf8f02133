//! `GET /v1/shows/{show}/feed-report`: what podcast apps and directories would refuse in a feed, or rather have otherwise.
//! Of the episodes, those that are published or scheduled count.

use std::collections::HashMap;

use domain::{Episode, EpisodeState, Finding, Severity, feed_rules};
use lambda_kit::{Problem, Reply, Request, ok, openapi::Operation};
use schemars::JsonSchema;
use serde::Serialize;
use tenant_context::{ShowId, permission::ReadEpisodes};

use crate::App;

/// Longer lists are cut; the numbers count all.
const MOST_FINDINGS: usize = 1000;

/// What is wrong with a feed, and what could be better.
#[derive(Serialize, JsonSchema)]
struct FeedReport {
    /// How many rules are broken, so that the feed or an episode is refused.
    errors: usize,
    /// How many things could be better.
    warnings: usize,
    /// What they are, errors first: the first thousand.
    findings: Vec<Finding>,
}

pub(crate) fn describe(operation: Operation) -> Operation {
    operation.needs::<ReadEpisodes>().path_parameter::<ShowId>("show").ok::<FeedReport>()
}

pub(crate) async fn report_feed(app: App, request: Request) -> Result<Reply, Problem> {
    let context = app.api.tenant(&request).await?;
    let id = request.parameter("show")?;

    context.ask::<ReadEpisodes>()?.in_show(&id)?;

    let show = app.api.storage.find_show(&context, &id).await?.ok_or_else(Problem::not_found)?;
    let (storage, now) = (&app.api.storage, app.api.storage.now());
    let episodes = storage.list_all_episodes(&context, &id).await?;
    let media = storage.list_all_media(&context).await?;
    let media: HashMap<_, _> = media.iter().map(|media| (&media.id, media)).collect();
    let is_out =
        |episode: &&Episode| matches!(episode.state(now), EpisodeState::Published | EpisodeState::Scheduled);
    let episodes = episodes.iter().filter(is_out);
    let media_of = |episode: &Episode| episode.media_id.as_ref().and_then(|id| media.get(id).copied());
    let mut findings = feed_rules(&show, episodes.map(|episode| (episode, media_of(episode))));
    findings.sort_by_key(|finding| finding.severity);

    let errors = findings.iter().filter(|finding| finding.severity == Severity::Error).count();
    let warnings = findings.len() - errors;
    findings.truncate(MOST_FINDINGS);
    Ok(ok(FeedReport { errors, warnings, findings }))
}
