//! Listeners as a table: CSV (RFC 4180) in, and CSV out.

use std::str::FromStr;

use tenant_context::Timestamp;
use url::Url;

use crate::{Invalid, Listener, NewListener, access_review::harmless};

/// The columns of a table of new listeners; the first must be there.
const COLUMNS: [&str; 3] = ["label", "email", "expires_at"];

/// New listeners, read from a table whose first row names the columns.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ListenerRows(Vec<NewListener>);

/// What is wrong with a table, and where.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct InvalidRow {
    /// Which row after the one that names the columns, from 0; none for the table itself.
    pub row: Option<usize>,
    /// In which column, if in one.
    pub column: Option<&'static str>,
    /// What would be right.
    pub rule: Invalid,
}

impl ListenerRows {
    /// As many as one table may have.
    pub const MOST: usize = 1000;

    /// Reads all rows or none. A row may be wrong in more than one way, and all of them are told.
    ///
    /// # Errors
    /// Every [`InvalidRow`], in their order.
    pub fn from_csv(csv: &[u8], now: Timestamp) -> Result<Self, Vec<InvalidRow>> {
        let csv = csv.strip_prefix(b"\xef\xbb\xbf").unwrap_or(csv);
        let mut reader = csv::ReaderBuilder::new().flexible(true).trim(csv::Trim::All).from_reader(csv);
        let columns = reader.headers().map_err(|_| vec![InvalidRow::of_table(NO_COLUMNS)])?;
        let columns = columns_of(columns).map_err(|rule| vec![InvalidRow::of_table(rule)])?;

        let (mut listeners, mut wrong) = (Vec::new(), Vec::new());
        for (row, record) in reader.records().enumerate() {
            if row >= Self::MOST {
                return Err(vec![InvalidRow::of_table("a table has 1,000 rows at most")]);
            }
            let read = match record {
                Ok(record) => read_row(&columns, &record, now),
                Err(_) => Err(vec![(None, Invalid::new("a row is UTF-8 text with a cell in each column"))]),
            };
            match read {
                Ok(listener) => listeners.push(listener),
                Err(rules) => wrong.extend(rules.into_iter().map(|(column, rule)| InvalidRow {
                    row: Some(row),
                    column,
                    rule,
                })),
            }
        }

        if listeners.is_empty() && wrong.is_empty() {
            wrong.push(InvalidRow::of_table("a table has a row for each listener"));
        }
        if wrong.is_empty() { Ok(Self(listeners)) } else { Err(wrong) }
    }

    /// The listeners, one a row.
    pub fn into_listeners(self) -> Vec<NewListener> {
        self.0
    }
}

impl InvalidRow {
    fn of_table(rule: &'static str) -> Self {
        Self { row: None, column: None, rule: Invalid::new(rule) }
    }

    /// Where it is, as a JSON pointer into an array of rows.
    pub fn pointer(&self) -> String {
        let steps = [self.row.map(|row| row.to_string()), self.column.map(str::to_owned)];
        steps.into_iter().flatten().map(|step| format!("/{step}")).collect()
    }
}

const NO_COLUMNS: &str =
    "the first row names the columns, each once: label, and email and expires_at where there are any";

/// Which column of ours each cell is in.
fn columns_of(header: &csv::StringRecord) -> Result<Vec<&'static str>, &'static str> {
    let known = |name: &str| COLUMNS.into_iter().find(|column| column.eq_ignore_ascii_case(name));
    let columns: Option<Vec<_>> = header.iter().map(known).collect();
    let columns = columns.ok_or(NO_COLUMNS)?;
    let is_once = |column: &&str| columns.iter().filter(|other| *other == column).count() == 1;
    if columns.contains(&"label") && columns.iter().all(is_once) { Ok(columns) } else { Err(NO_COLUMNS) }
}

type Wrong = (Option<&'static str>, Invalid);

fn read_row(
    columns: &[&'static str],
    record: &csv::StringRecord,
    now: Timestamp,
) -> Result<NewListener, Vec<Wrong>> {
    if record.len() != columns.len() {
        return Err(vec![(None, Invalid::new("a row is UTF-8 text with a cell in each column"))]);
    }
    let cell = |column: &str| {
        let at = columns.iter().position(|known| *known == column);
        at.and_then(|at| record.get(at)).unwrap_or_default()
    };
    let label = cell("label").parse().map_err(|rule| ("label", rule));
    let email = optional(cell("email")).map_err(|rule| ("email", rule));
    let expires_at = optional(cell("expires_at"))
        .map_err(|_: tenant_context::InvalidTimestamp| {
            Invalid::new("not an RFC 3339 time such as 2026-01-31T09:30:00Z")
        })
        .map_err(|rule| ("expires_at", rule));

    match (label, email, expires_at) {
        (Ok(label), Ok(email), Ok(expires_at)) => {
            let listener = NewListener { label, email, expires_at };
            listener.check_at(now).map_err(|rule| vec![(Some("expires_at"), rule)])?;
            Ok(listener)
        }
        (label, email, expires_at) => {
            let wrong = [label.err(), email.err(), expires_at.err()];
            Err(wrong.into_iter().flatten().map(|(column, rule)| (Some(column), rule)).collect())
        }
    }
}

fn optional<T: FromStr>(cell: &str) -> Result<Option<T>, T::Err> {
    if cell.is_empty() { Ok(None) } else { cell.parse().map(Some) }
}

/// Listeners and their feed URLs as CSV with a header. What a spreadsheet would take for a formula begins with an apostrophe.
///
/// # Errors
/// [`Invalid`] never in practice: a row that cannot be written.
pub fn listeners_to_csv<'l>(
    listeners: impl IntoIterator<Item = (&'l Listener, &'l Url)>,
) -> Result<String, Invalid> {
    let unwritable = |_| Invalid::new("the listeners cannot be written as CSV");
    let mut csv = csv::WriterBuilder::new().terminator(csv::Terminator::CRLF).from_writer(Vec::new());
    csv.write_record(["id", "label", "email", "expires_at", "feed_url"]).map_err(unwritable)?;
    for (listener, feed_url) in listeners {
        csv.write_record([
            listener.id.as_str(),
            &harmless(listener.label.as_str()),
            &listener.email.as_ref().map(|email| harmless(email.as_str())).unwrap_or_default(),
            &listener.access.expires_at.map(|at| at.to_string()).unwrap_or_default(),
            feed_url.as_str(),
        ])
        .map_err(unwritable)?;
    }
    let bytes = csv.into_inner().map_err(|_| Invalid::new("the listeners cannot be written as CSV"))?;
    String::from_utf8(bytes).map_err(|_| Invalid::new("the listeners cannot be written as CSV"))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{Show, Visibility, show::tests::show};

    const NOW: Timestamp = Timestamp::EPOCH;

    fn read(csv: &str) -> Result<Vec<NewListener>, Vec<String>> {
        ListenerRows::from_csv(csv.as_bytes(), NOW)
            .map(ListenerRows::into_listeners)
            .map_err(|wrong| wrong.iter().map(InvalidRow::pointer).collect())
    }

    #[test]
    fn a_table_is_read_in_the_order_of_its_own_columns() {
        let csv = "\u{feff}expires_at,Label,email\r\n2026-01-31T09:30:00Z,\"Ada, \"\"the\"\" first\",ada@acme.example\r\n, Ida ,\r\n";
        let rows = read(csv).unwrap();
        assert_eq!(rows[0].label.as_str(), "Ada, \"the\" first");
        assert_eq!(rows[0].email.as_ref().unwrap().as_str(), "ada@acme.example");
        assert_eq!(rows[0].expires_at.unwrap().to_string(), "2026-01-31T09:30:00.000Z");
        assert_eq!((rows[1].label.as_str(), &rows[1].email, rows[1].expires_at), ("Ida", &None, None));
    }

    #[test]
    fn everything_that_is_wrong_is_told_with_its_place() {
        let csv = "label,email,expires_at\nAda,,\n,nobody,soon\nIda,,1969-12-31T00:00:00Z\nEve,,1970-01-01T00:00:00Z\nEve\n";
        let places = ["/1/label", "/1/email", "/1/expires_at", "/2/expires_at", "/3/expires_at", "/4"];
        assert_eq!(read(csv), Err(places.map(str::to_owned).to_vec()));
        for no_table in
            ["", "label\n", "email\na@b.example\n", "label,label\na,b\n", "label,name\na,b\n", "Ada\nIda\n"]
        {
            assert_eq!(read(no_table), Err(vec![String::new()]), "{no_table:?}");
        }
        let latin_1 = ListenerRows::from_csv(b"label\nM\xfcller\n", NOW).unwrap_err();
        assert_eq!(latin_1[0].pointer(), "/0");
    }

    #[test]
    fn a_table_has_so_many_rows_and_no_more() {
        let csv = |rows| format!("label\n{}", "Somebody\n".repeat(rows));
        assert_eq!(read(&csv(ListenerRows::MOST)).unwrap().len(), ListenerRows::MOST);
        assert_eq!(read(&csv(ListenerRows::MOST + 1)), Err(vec![String::new()]));
    }

    #[test]
    fn what_is_written_is_no_formula() {
        let show = Show { visibility: Visibility::Private, ..show() };
        let new = NewListener { label: "=HYPERLINK(1)".parse().unwrap(), email: None, expires_at: None };
        let id = "lsn_01ARZ3NDEKTSV4RRFFQ69G5FAV".parse().unwrap();
        let listener = Listener::new(id, &show, new, NOW).unwrap();
        let url = "https://listen.example/p/x/feeds/y.xml".parse().unwrap();
        let csv = listeners_to_csv([(&listener, &url)]).unwrap();
        assert_eq!(
            csv,
            "id,label,email,expires_at,feed_url\r\n\
             lsn_01ARZ3NDEKTSV4RRFFQ69G5FAV,'=HYPERLINK(1),,,https://listen.example/p/x/feeds/y.xml\r\n"
        );
    }
}
