use std::{fmt, str::FromStr};

use schemars::JsonSchema;
use serde::Serialize;
use tenant_context::{GroupRef, MemberId, ShowId, Timestamp};

use crate::{Access, AccessState, ClientName, ContentHash, EmailAddress, Invalid, PersonName};

/// Who may do what in a tenancy, since when, and when they last did. Personal data.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct AccessReview {
    rows: Vec<ReviewedAccess>,
}

/// One membership of one member; a member of nothing has one row without a group.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, JsonSchema)]
pub struct ReviewedAccess {
    /// Who.
    pub member_id: MemberId,
    /// What they are called.
    pub name: String,
    /// Where to write to them; none for a machine client.
    pub email: Option<EmailAddress>,
    /// Whether they may sign in.
    pub state: AccessState,
    /// What their sign-in is worth.
    pub second_factor: SecondFactor,
    /// The group.
    pub group: Option<GroupRef>,
    /// The shows that it covers; none means the whole tenancy.
    pub shows: Option<Vec<ShowId>>,
    /// Since when.
    pub granted_at: Option<Timestamp>,
    /// By whom.
    pub granted_by: Option<String>,
    /// When they last got a token.
    pub last_active_at: Option<Timestamp>,
}

/// A row's place in a review: rows are in order of member and group, and no two have the same of both.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub struct ReviewPlace {
    member_id: MemberId,
    group: Option<GroupRef>,
}

/// What a member's sign-in is worth.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum SecondFactor {
    /// A person: every sign-in here asks for a second factor; one at the tenancy's identity provider counts as that provider does.
    AtSignIn,
    /// A machine client that an owner vouches for.
    VouchedFor,
    /// A machine client without.
    None,
}

/// A member, as a review tells them from others.
#[derive(Debug, Clone)]
pub enum Reviewed {
    /// A person.
    Person(PersonName, EmailAddress),
    /// A machine client.
    Client(ClientName),
}

/// The columns of the CSV form, in their order.
const COLUMNS: [&str; 10] = [
    "member_id",
    "name",
    "email",
    "state",
    "second_factor",
    "group",
    "shows",
    "granted_at",
    "granted_by",
    "last_active_at",
];

/// `usr_…:editors`, or `usr_…:` for a member of nothing.
impl fmt::Display for ReviewPlace {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(formatter, "{}:", self.member_id)?;
        self.group.as_ref().map_or(Ok(()), |group| write!(formatter, "{group}"))
    }
}

impl FromStr for ReviewPlace {
    type Err = Invalid;

    fn from_str(text: &str) -> Result<Self, Invalid> {
        let invalid = || Invalid::new("a place in an access review is a member, a colon and a group");
        let (member, group) = text.split_once(':').ok_or_else(invalid)?;
        let group = Some(group).filter(|group| !group.is_empty()).map(str::parse).transpose();
        Ok(Self { member_id: member.parse().map_err(|_| invalid())?, group: group.map_err(|_| invalid())? })
    }
}

impl ReviewedAccess {
    fn place(&self) -> ReviewPlace {
        ReviewPlace { member_id: self.member_id.clone(), group: self.group.clone() }
    }
}

impl AccessReview {
    /// From members, what they may do, and when they last did.
    pub fn new(members: impl IntoIterator<Item = (Reviewed, Access, Option<Timestamp>)>) -> Self {
        let mut rows = Vec::new();
        for (member, access, last_active_at) in members {
            let second_factor = match (&member, access.is_vouched_for) {
                (Reviewed::Person(..), _) => SecondFactor::AtSignIn,
                (Reviewed::Client(_), true) => SecondFactor::VouchedFor,
                (Reviewed::Client(_), false) => SecondFactor::None,
            };
            let (name, email) = match member {
                Reviewed::Person(name, email) => (name.into(), Some(email)),
                Reviewed::Client(name) => (name.into(), None),
            };
            let row = ReviewedAccess {
                member_id: access.member_id,
                name,
                email,
                state: access.state,
                second_factor,
                group: None,
                shows: None,
                granted_at: None,
                granted_by: None,
                last_active_at,
            };
            if access.memberships.is_empty() {
                rows.push(row);
                continue;
            }
            rows.extend(access.memberships.into_iter().map(|membership| ReviewedAccess {
                group: Some(membership.group),
                shows: membership.shows,
                granted_at: Some(membership.granted_at),
                granted_by: Some(membership.granted_by),
                ..row.clone()
            }));
        }
        rows.sort_by_cached_key(ReviewedAccess::place);
        Self { rows }
    }

    /// Its rows, by member and group.
    pub fn rows(&self) -> &[ReviewedAccess] {
        &self.rows
    }

    /// At most `limit` of its rows, those after `after` or from the first on; and the last one's place where there are more.
    pub fn page(&self, after: Option<&ReviewPlace>, limit: u16) -> (&[ReviewedAccess], Option<ReviewPlace>) {
        let start = after.map_or(0, |after| self.rows.partition_point(|row| row.place() <= *after));
        let rest = self.rows.get(start..).unwrap_or_default();
        let (page, more) = rest.split_at_checked(limit.into()).unwrap_or((rest, &[]));
        let next = page.last().filter(|_| !more.is_empty()).map(ReviewedAccess::place);
        (page, next)
    }

    /// A hash of who may do what. When somebody last signed in, and what they are called, is not in it: an attestation is
    /// about access.
    pub fn digest(&self) -> ContentHash {
        let access: Vec<_> = self
            .rows
            .iter()
            .map(|row| (&row.member_id, row.state, row.second_factor, &row.group, &row.shows, row.granted_at))
            .collect();
        ContentHash::of(&serde_json::to_vec(&access).unwrap_or_default())
    }

    /// As CSV (RFC 4180) with a header. What a spreadsheet would take for a formula begins with an apostrophe.
    ///
    /// # Errors
    /// [`Invalid`] never in practice: a row that cannot be written.
    pub fn to_csv(&self) -> Result<String, Invalid> {
        let unwritable = |_| Invalid::new("the review cannot be written as CSV");
        let mut csv = csv::WriterBuilder::new().terminator(csv::Terminator::CRLF).from_writer(Vec::new());
        csv.write_record(COLUMNS).map_err(unwritable)?;
        for row in &self.rows {
            let value = serde_json::to_value(row).unwrap_or_default();
            let cells = COLUMNS.iter().map(|column| match value.get(column) {
                Some(serde_json::Value::String(text)) => harmless(text),
                Some(serde_json::Value::Array(shows)) => {
                    shows.iter().filter_map(|show| show.as_str()).collect::<Vec<_>>().join(" ")
                }
                _ => String::new(),
            });
            csv.write_record(cells).map_err(unwritable)?;
        }
        let bytes = csv.into_inner().map_err(|_| Invalid::new("the review cannot be written as CSV"))?;
        String::from_utf8(bytes).map_err(|_| Invalid::new("the review cannot be written as CSV"))
    }
}

/// A cell that no spreadsheet takes for a formula.
pub(crate) fn harmless(text: &str) -> String {
    let is_formula = text.starts_with(['=', '+', '-', '@', '\t', '\r']);
    if is_formula { format!("'{text}") } else { text.to_owned() }
}

#[cfg(test)]
mod tests {
    use tenant_context::SystemGroup;

    use super::*;

    const NOW: Timestamp = Timestamp::EPOCH;

    fn review(name: &str, last_active_at: Option<Timestamp>) -> AccessReview {
        let id = "usr_01ARZ3NDEKTSV4RRFFQ69G5FAV".parse().unwrap();
        let mut access = Access::new(id, AccessState::Active, false);
        access.join(&SystemGroup::Editors.into(), None, "operator", NOW).unwrap();
        let shows = vec!["shw_01ARZ3NDEKTSV4RRFFQ69G5FAV".parse().unwrap()];
        access.join(&SystemGroup::Auditors.into(), Some(shows), "operator", NOW).unwrap();
        let person = Reviewed::Person(name.parse().unwrap(), "ada@acme.example".parse().unwrap());
        let id = "key_01ARZ3NDEKTSV4RRFFQ69G5FAV".parse().unwrap();
        let client = Access::new(id, AccessState::Active, true);
        AccessReview::new([
            (person, access, last_active_at),
            (Reviewed::Client("Robot".parse().unwrap()), client, None),
        ])
    }

    #[test]
    fn a_review_reads_as_a_table() {
        insta::assert_snapshot!(review("Ada, \"the\" Editor", Some(NOW)).to_csv().unwrap());
    }

    #[test]
    fn every_row_is_on_one_page() {
        let review = review("Ada", None);
        for limit in 1..=4 {
            let mut rows = Vec::new();
            let mut after: Option<ReviewPlace> = None;
            loop {
                let (page, next) = review.page(after.as_ref(), limit);
                assert!((1..=limit.into()).contains(&page.len()));
                rows.extend_from_slice(page);
                match next {
                    Some(place) => after = Some(place.to_string().parse().unwrap()),
                    None => break,
                }
            }
            assert_eq!(rows, review.rows(), "{limit} at once");
        }
    }

    #[test]
    fn what_is_no_place_in_a_review_is_refused() {
        for bad in ["", "editors", ":editors", "usr_1:editors", "usr_01ARZ3NDEKTSV4RRFFQ69G5FAV:everybody"] {
            assert!(bad.parse::<ReviewPlace>().is_err(), "{bad}");
        }
    }

    #[test]
    fn a_name_is_no_formula() {
        let csv = review("=HYPERLINK(1)", None).to_csv().unwrap();
        assert!(csv.contains(",'=HYPERLINK(1),"), "{csv}");
    }

    #[test]
    fn a_digest_is_about_access() {
        let digest = review("Ada", None).digest();
        assert_eq!(review("Ida", Some(NOW)).digest(), digest);
        let nobody = AccessReview::new([]);
        assert_ne!(nobody.digest(), digest);
    }
}
