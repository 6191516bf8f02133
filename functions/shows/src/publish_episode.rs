//! `POST /v1/episodes/{episode}/publish`: puts an episode into the feeds, now or at a moment to come. Listeners may have it earlier
//! than everybody, and it may leave the feeds by itself. What podcast apps and directories would refuse is not published.

use domain::{Finding, Release, Severity, feed_rules};
use http::StatusCode;
use lambda_kit::{FieldError, Problem, Reply, Request, ok_at_version, openapi::Operation};
use tenant_context::{EpisodeId, permission::PublishEpisode};

use crate::{App, view::EpisodeView};

pub(crate) fn describe(operation: Operation) -> Operation {
    operation
        .needs::<PublishEpisode>()
        .path_parameter::<EpisodeId>("episode")
        .takes::<Release>()
        .conditional()
        .ok_at_version::<EpisodeView>()
        .problem(rules_broken(Vec::new()))
        .problem(not_publishable("An episode is published in the show that it belongs to."))
}

pub(crate) async fn publish_episode(app: App, request: Request) -> Result<Reply, Problem> {
    let context = app.api.tenant(&request).await?;
    let id: EpisodeId = request.parameter("episode")?;
    let release: Release = request.json()?;

    let permit = context.ask::<PublishEpisode>()?;
    let storage = &app.api.storage;
    let mut episode = storage.find_episode(&context, &id).await?.ok_or_else(Problem::not_found)?;
    let grant = permit.in_show(&episode.show_id)?;

    request.check_if_match(episode.version)?;
    let show = storage.find_show(&context, &episode.show_id).await?.ok_or_else(Problem::not_found)?;
    let media = match &episode.media_id {
        Some(media) => storage.find_media(&context, media).await?,
        None => None,
    };
    let findings = feed_rules(&show, [(&episode, media.as_ref())]);
    let (Some(media), Severity::Warning) = (media, worst(&findings)) else {
        return Err(rules_broken(findings));
    };
    let (version, now) = (episode.version, storage.now());
    release.check(&show, now).map_err(|(pointer, rule)| Problem::invalid_field(pointer, rule.to_string()))?;
    let is_changed = episode.publish(&show, &media, release, now).map_err(not_publishable)?;
    if is_changed {
        storage.update_published(&grant, &episode, version).await?;
        app.feed_changed(&context, &episode.show_id).await;
    }

    let version = episode.version;
    Ok(ok_at_version(EpisodeView::new(episode, now), version))
}

fn worst(findings: &[Finding]) -> Severity {
    findings.iter().map(|finding| finding.severity).min().unwrap_or(Severity::Warning)
}

/// 422, with every rule that is broken and not those that are only better kept.
fn rules_broken(findings: Vec<Finding>) -> Problem {
    let errors = findings.into_iter().filter(|finding| finding.severity == Severity::Error);
    Problem {
        errors: errors.map(field_error).collect(),
        ..Problem::new(
            StatusCode::UNPROCESSABLE_ENTITY,
            "feed_rules_broken",
            "Not ready for a feed",
            "Podcast apps and directories would refuse the feed; see errors for what to change in the episode or its show.",
        )
    }
}

fn field_error(finding: Finding) -> FieldError {
    let subject = if finding.episode_id.is_some() { "episode" } else { "show" };
    let Finding { pointer, detail, standard, .. } = finding;
    FieldError { pointer, detail: format!("{detail} ({}, of the {subject})", standard.as_str()) }
}

fn not_publishable(why: impl ToString) -> Problem {
    Problem::conflict("not_publishable", why.to_string())
}
