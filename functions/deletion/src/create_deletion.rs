//! `POST /v1/deletions`: deletes an episode or a show, erases a person, or asks for the tenancy's exit.
//!
//! An episode or a show is out of sight at once and can be restored until its day; what is known of a user or a listener nobody
//! brings back. An exit waits for a second owner.

use domain::{Decider, Deletion, DeletionSubject, Episode, NewDeletion, Refusal, Retention, Show};
use http::StatusCode;
use lambda_kit::{Problem, Reply, Request, accepted, openapi::Operation};
use schemars::JsonSchema;
use serde::Deserialize;
use storage::{ListenerRecord, PutAside, show_of};
use tenant_context::{
    DeletionId, EpisodeId, ListenerId, MemberId, ShowId, TenantContext, UserId, permission::CreateDeletion,
};

use crate::{
    App, Deletions,
    request_exit::{request_exit, second_factor_too_old},
    view::DeletionView,
};

/// What is to be deleted.
#[derive(Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
struct AskedDeletion {
    /// How much.
    scope: AskedScope,
    /// How many days it can be taken back, where it can; 30 unless the agreement says otherwise.
    #[serde(default)]
    retention_days: Retention,
}

/// How much is to be deleted.
#[derive(Deserialize, JsonSchema)]
#[serde(tag = "kind", rename_all = "snake_case", deny_unknown_fields)]
enum AskedScope {
    /// An episode, with the media that nothing else has.
    Episode {
        /// Which.
        episode_id: EpisodeId,
    },
    /// A show, with its episodes and listeners.
    Show {
        /// Which.
        show_id: ShowId,
    },
    /// What is known of a person.
    Person {
        /// A user or a listener.
        person_id: PersonId,
    },
    /// All that the tenancy has: its exit. A second owner must approve.
    Tenancy,
}

/// A user or a listener, by id.
#[derive(Deserialize, JsonSchema)]
#[serde(untagged)]
enum PersonId {
    User(UserId),
    Listener(ListenerId),
}

/// What was found under the id that is asked for.
enum Found {
    Episode(Episode),
    Show(Show),
    Listener(ListenerRecord),
    User(UserId),
}

pub(crate) fn describe(operation: Operation) -> Operation {
    operation
        .needs::<CreateDeletion>()
        .takes::<AskedDeletion>()
        .spares_the_last_owner()
        .accepted::<DeletionView>()
        .problem(beyond_ones_own())
        .problem(second_factor_too_old())
}

pub(crate) async fn create_deletion(app: App, request: Request) -> Result<Reply, Problem> {
    let context = app.api.tenant(&request).await?;
    let AskedDeletion { scope, retention_days: retention } = request.json()?;
    if let AskedScope::Tenancy = scope {
        return Ok(answer(request_exit(&app, &context, retention).await?.deletion));
    }

    let permit = context.ask::<CreateDeletion>()?;
    let last = app.api.storage.find_last_deletion(&context, scope.id().unwrap_or_default()).await?;
    if let Some(record) = last.as_ref().filter(|record| !record.deletion.state.is_final()) {
        // Asked for before: asking again is answered with the same.
        permit.in_place(show_of(&record.deletion.subject))?;
        let record = app.as_held(&context, record.clone()).await?;
        return Ok(answer(record.deletion));
    }
    let found = find(&app, &context, &scope).await?.ok_or_else(Problem::not_found)?;
    let subject = found.subject();
    let grant = permit.in_place(show_of(&subject))?;
    check_access(&app, &context, &found).await?;

    let storage = &app.api.storage;
    let now = storage.now();
    let new = NewDeletion {
        id: DeletionId::new(now, storage.randomness()),
        subject,
        retention,
        holds: storage.list_all_holds(&context).await?,
    };
    let member = context.member().ok_or_else(Problem::not_found)?;
    let by = Decider { member: &member, mfa_at: context.mfa_at() };
    let previous = last.as_ref().map(|record| &record.deletion);
    let deletion = Deletion::request(new, by, previous, now).map_err(refused)?;
    let record = storage.create_deletion(&grant, &deletion, found.put_aside()).await?;
    match found {
        Found::Episode(_) | Found::Show(_) => app.feed_changed(&context, &deletion).await,
        Found::Listener(_) | Found::User(_) => app.wake(&context).await,
    }

    Ok(answer(record.deletion))
}

async fn find(
    app: &Deletions,
    context: &TenantContext,
    scope: &AskedScope,
) -> Result<Option<Found>, Problem> {
    let storage = &app.api.storage;
    Ok(match scope {
        AskedScope::Episode { episode_id } => {
            storage.find_episode(context, episode_id).await?.map(Found::Episode)
        }
        AskedScope::Show { show_id } => storage.find_show(context, show_id).await?.map(Found::Show),
        AskedScope::Person { person_id: PersonId::Listener(id) } => {
            storage.find_listener_record(context, id).await?.map(Found::Listener)
        }
        AskedScope::Person { person_id: PersonId::User(id) } => {
            storage.has_user(context, id).await?.then(|| Found::User(id.clone()))
        }
        AskedScope::Tenancy => None,
    })
}

/// Nobody takes what they do not have: who may delete but is no owner erases no owner.
async fn check_access(app: &Deletions, context: &TenantContext, found: &Found) -> Result<(), Problem> {
    let Found::User(id) = found else { return Ok(()) };
    let storage = &app.api.storage;
    let Some(access) = storage.find_access(context, &MemberId::User(id.clone())).await? else {
        return Ok(());
    };
    let groups = storage.list_groups(context).await?;
    let takes = access.to_memberships(&groups);
    if takes.iter().all(|membership| context.may_give(membership)) { Ok(()) } else { Err(beyond_ones_own()) }
}

impl AskedScope {
    /// Of what, inside of the tenancy.
    fn id(&self) -> Option<&str> {
        match self {
            Self::Episode { episode_id } => Some(episode_id.as_str()),
            Self::Show { show_id } => Some(show_id.as_str()),
            Self::Person { person_id: PersonId::User(id) } => Some(id.as_str()),
            Self::Person { person_id: PersonId::Listener(id) } => Some(id.as_str()),
            Self::Tenancy => None,
        }
    }
}

impl Found {
    fn subject(&self) -> DeletionSubject {
        match self {
            Self::Episode(episode) => {
                DeletionSubject::Episode { show_id: episode.show_id.clone(), episode_id: episode.id.clone() }
            }
            Self::Show(show) => DeletionSubject::Show { show_id: show.id.clone() },
            Self::Listener(listener) => DeletionSubject::Listener {
                show_id: listener.show_id.clone(),
                listener_id: listener.id.clone(),
            },
            Self::User(user_id) => DeletionSubject::User { user_id: user_id.clone() },
        }
    }

    fn put_aside(&self) -> PutAside<'_> {
        match self {
            Self::Episode(episode) => PutAside::Episode(episode),
            Self::Show(show) => PutAside::Show(show),
            Self::Listener(_) | Self::User(_) => PutAside::Nothing,
        }
    }
}

fn answer(deletion: Deletion) -> Reply {
    let location = format!("/v1/deletions/{}", deletion.id);
    accepted(DeletionView::new(deletion), &location)
}

fn refused(why: Refusal) -> Problem {
    Problem::conflict("not_deletable", why.to_string())
}

fn beyond_ones_own() -> Problem {
    Problem::new(
        StatusCode::FORBIDDEN,
        "permission_denied",
        "Not allowed",
        "This takes permissions that you do not have yourself. Ask an owner.",
    )
}
