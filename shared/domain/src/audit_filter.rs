use tenant_context::Timestamp;

use crate::AuditEvent;

/// Which events of an audit log are asked for. What is absent does not narrow.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct AuditFilter {
    /// This action.
    pub action: Option<String>,
    /// By this principal.
    pub principal: Option<String>,
    /// To this subject.
    pub subject: Option<String>,
    /// Later than this moment.
    pub after: Option<Timestamp>,
    /// Earlier than this moment.
    pub before: Option<Timestamp>,
}

impl AuditFilter {
    /// Whether `event` is asked for.
    pub fn matches(&self, event: &AuditEvent) -> bool {
        let is = |wanted: &Option<String>, text: &str| wanted.as_ref().is_none_or(|wanted| wanted == text);

        is(&self.action, &event.action)
            && is(&self.principal, &event.principal)
            && is(&self.subject, &event.subject)
            && self.after.is_none_or(|after| event.at > after)
            && !self.is_past(event)
    }

    /// Whether no event from this one on is asked for: a log is in order of time.
    pub fn is_past(&self, event: &AuditEvent) -> bool {
        self.before.is_some_and(|before| event.at >= before)
    }

    /// Whether every event is asked for, or every event up to a moment.
    pub fn takes_all(&self) -> bool {
        self.action.is_none() && self.principal.is_none() && self.subject.is_none()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::audit_event::tests::new_event;

    #[test]
    fn each_member_narrows() {
        let event = AuditEvent::after(None, new_event(10, "shw_1"));
        let at = |seconds| Some(Timestamp::from_unix_seconds(seconds));
        let all = AuditFilter::default();
        let text = |text: &str| Some(text.to_owned());

        for taken in [
            all.clone(),
            AuditFilter { action: text("shows:create"), subject: text("shw_1"), ..all.clone() },
            AuditFilter { after: at(9), before: at(11), ..all.clone() },
        ] {
            assert!(taken.matches(&event), "{taken:?}");
        }
        for left in [
            AuditFilter { action: text("shows:update"), ..all.clone() },
            AuditFilter { principal: text("key_1"), ..all.clone() },
            AuditFilter { action: text("shows:create"), subject: text("shw_2"), ..all.clone() },
            AuditFilter { after: at(10), ..all.clone() },
            AuditFilter { before: at(10), ..all.clone() },
        ] {
            assert!(!left.matches(&event), "{left:?}");
        }
    }
}
