//! The decision: whether a principal may do an action, by what it is a member of.

use crate::{
    Action, GroupRef, Membership, Principal, ShowId, SystemGroup, Worker,
    permission::{Effect, Reach},
};

/// What is asked.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Question<'a> {
    pub principal: &'a Principal,
    pub memberships: &'a [Membership],
    pub has_mfa: bool,
    pub action: Action,
    pub place: Place<'a>,
}

/// Where the action is to be done.
#[derive(Debug, Clone, Copy)]
pub(crate) enum Place<'a> {
    /// In the whole tenancy.
    Tenancy,
    /// In one show.
    Show(&'a ShowId),
    /// In whichever show the membership covers: whether there is any.
    SomeShow,
}

/// Whether the action is allowed.
pub(crate) fn allows(question: Question<'_>) -> bool {
    match question.principal {
        Principal::User(_) | Principal::Client(_) => {
            let Question { memberships, has_mfa, action, place, .. } = question;
            memberships.iter().any(|membership| grants(membership, action, has_mfa, place))
        }
        Principal::Listener(..) | Principal::Public(_) => false,
        Principal::Worker(worker) => worker_allows(*worker, question.action),
    }
}

/// Whether a membership in the whole tenancy allows an action to somebody with a second factor.
pub(crate) fn membership_allows(membership: &Membership, action: Action) -> bool {
    grants(membership, action, true, Place::Tenancy)
}

fn worker_allows(worker: Worker, action: Action) -> bool {
    match worker {
        Worker::Media => action == Action::ProcessUpload,
        Worker::Renderer => action == Action::RenderFeed,
        Worker::Provision => action == Action::ProvisionTenancy,
        Worker::SignIn => action == Action::AdmitUser,
        Worker::Sweep => matches!(action, Action::ExpireAccess | Action::AnchorAudit),
    }
}

fn grants(membership: &Membership, action: Action, has_mfa: bool, place: Place<'_>) -> bool {
    let is_granted = match &membership.group {
        GroupRef::System(group) => group_allows(*group, action),
        GroupRef::Custom(_) => action.effect() != Effect::Works && membership.permissions.contains(&action),
    };
    let is_in_scope = match place {
        Place::Tenancy => membership.shows.is_none(),
        Place::Show(show) => action.reach() == Reach::Show && membership.covers(show),
        Place::SomeShow => {
            action.reach() == Reach::Show && membership.shows.as_ref().is_none_or(|shows| !shows.is_empty())
        }
    };
    let has_factor = has_mfa || !action.effect().needs_mfa();
    is_granted && is_in_scope && has_factor
}

fn group_allows(group: SystemGroup, action: Action) -> bool {
    use Action::*;

    match action {
        ReadTenancy | ReadShows | ReadEpisodes => true,
        ReadUploads => group != SystemGroup::Analysts,
        CreateUpload | CreateEpisode | UpdateEpisode => {
            !matches!(group, SystemGroup::Analysts | SystemGroup::Auditors)
        }
        PublishEpisode => {
            matches!(group, SystemGroup::Owners | SystemGroup::Editors | SystemGroup::Publishers)
        }
        CreateShow | UpdateShow | ManageListeners => {
            matches!(group, SystemGroup::Owners | SystemGroup::Editors)
        }
        ReadListeners => matches!(group, SystemGroup::Owners | SystemGroup::Editors | SystemGroup::Auditors),
        action if action.effect() == Effect::Reads => {
            matches!(group, SystemGroup::Owners | SystemGroup::Auditors)
        }
        action if action.effect().needs_mfa() => group == SystemGroup::Owners,
        _ => false,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_matrix_is_as_reviewed() {
        let mut matrix = String::new();
        for action in Action::ALL {
            let allowed: Vec<_> =
                SystemGroup::ALL.iter().filter(|group| group_allows(**group, *action)).collect();
            matrix.push_str(&format!("{action}: {allowed:?}\n"));
        }
        insta::assert_snapshot!(matrix);
    }
}
