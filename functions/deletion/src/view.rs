//! Deletions and legal holds as callers see them.

use domain::{
    Deletion, DeletionScope, DeletionStage, DeletionState, DeletionSubject, GoneDates, HoldReason, LegalHold,
    StoreReport,
};
use schemars::JsonSchema;
use serde::Serialize;
use tenant_context::{DeletionId, IncidentId, MemberId, Timestamp};

/// A deletion, from the request to the receipt.
#[derive(Serialize, JsonSchema)]
#[schemars(rename = "Deletion")]
pub(crate) struct DeletionView {
    /// Its id.
    id: DeletionId,
    /// How much it takes.
    scope: DeletionScope,
    /// What is deleted.
    subject: DeletionSubject,
    /// How far it got.
    state: DeletionState,
    /// Every state that it was in, in order; the last is the present one.
    history: Vec<DeletionStage>,
    /// Who asked for it.
    requested_by: MemberId,
    /// When.
    requested_at: Timestamp,
    /// The second owner who agreed, where one must.
    approved_by: Option<MemberId>,
    /// When they agreed.
    approved_at: Option<Timestamp>,
    /// Who took it back, if somebody did.
    cancelled_by: Option<MemberId>,
    /// The day: until then it can be taken back, and from then on it is destroyed.
    due_at: Option<Timestamp>,
    /// What keeps it from destroying anything. While there is something here, nothing is destroyed.
    held_by: Vec<LegalHoldView>,
    /// The receipt: what was found in each store and destroyed, and what was left when that was counted.
    report: Vec<StoreReport>,
    /// When every store was counted and nothing was left.
    verified_at: Option<Timestamp>,
    /// When it is gone from where, as it is planned or as it was.
    gone: Option<GoneDates>,
    /// Why something could not be done, in one plain sentence.
    problem: Option<String>,
    /// Under which name people look into that.
    incident_id: Option<IncidentId>,
}

/// A legal hold.
#[derive(Serialize, JsonSchema)]
#[schemars(rename = "LegalHold")]
pub(crate) struct LegalHoldView {
    /// The id of what is held.
    id: String,
    /// What is held, with all that is in it.
    subject: DeletionSubject,
    /// Why.
    reason: HoldReason,
    /// Who said so.
    placed_by: String,
    /// Since when.
    placed_at: Timestamp,
}

impl DeletionView {
    pub(crate) fn new(deletion: Deletion) -> Self {
        let gone = deletion.gone_dates();
        Self {
            id: deletion.id,
            scope: deletion.subject.scope(),
            subject: deletion.subject,
            state: deletion.state,
            history: deletion.history,
            requested_by: deletion.requested_by,
            requested_at: deletion.requested_at,
            approved_by: deletion.approved_by,
            approved_at: deletion.approved_at,
            cancelled_by: deletion.cancelled_by,
            due_at: deletion.due_at,
            held_by: deletion.holds.into_iter().map(LegalHoldView::new).collect(),
            report: deletion.report,
            verified_at: deletion.verified_at,
            gone,
            problem: deletion.problem,
            incident_id: deletion.incident_id,
        }
    }
}

impl LegalHoldView {
    pub(crate) fn new(hold: LegalHold) -> Self {
        let LegalHold { subject, reason, placed_by, placed_at } = hold;
        Self { id: subject.id().to_owned(), subject, reason, placed_by, placed_at }
    }
}
