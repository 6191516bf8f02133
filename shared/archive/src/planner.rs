use std::collections::HashSet;

use serde::{Deserialize, Serialize};

use crate::{Bundle, Error, Limits, Plan, entry_name::EntryName, layout::Segment};

/// A file that is an object in S3.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct StoredObject {
    /// Where it is: a word of the caller's, which parts give back.
    pub source: String,
    /// How many bytes it has.
    pub size_bytes: u64,
    /// The CRC-32 of its bytes, as ZIP and S3 have it.
    pub crc32: u32,
}

/// Puts files into archives in the order in which they come, and begins another archive where the next one does not fit.
#[derive(Debug, Clone)]
pub struct Planner {
    plan: Plan,
    names: HashSet<String>,
}

impl Planner {
    /// For archives by these limits.
    ///
    /// # Errors
    /// [`Error::Limits`] where no parts can be made by them.
    pub fn new(limits: Limits) -> Result<Self, Error> {
        Ok(Self { plan: Plan::new(limits)?, names: HashSet::new() })
    }

    /// Goes on with a plan, as if it had not been finished.
    ///
    /// # Errors
    /// [`Error::Duplicate`] where the plan has a name twice, which none that a planner made has.
    pub fn resume(plan: Plan) -> Result<Self, Error> {
        let mut names = HashSet::new();
        for entry in plan.entries() {
            if !names.insert(entry.name.to_owned()) {
                return Err(Error::Duplicate { name: entry.name.to_owned() });
            }
        }
        Ok(Self { plan, names })
    }

    /// Adds a file that is an object, of any size. `modified_at` is in seconds since 1970-01-01T00:00:00Z.
    ///
    /// # Errors
    /// [`Error::Name`], [`Error::Duplicate`], and [`Error::TooLarge`] for what needs more parts than an archive may have. The plan
    /// stays as it was.
    pub fn add_object(
        &mut self,
        name: impl Into<String>,
        modified_at: u64,
        object: StoredObject,
    ) -> Result<(), Error> {
        let name = EntryName::try_from(name.into())?;
        self.add(Segment::File { name, modified_at, object })
    }

    /// Adds the files of a bundle that was stored as the object `source`. They stay together, in one archive.
    ///
    /// # Errors
    /// As [`Planner::add_object`].
    pub fn add_bundle(&mut self, source: impl Into<String>, bundle: Bundle) -> Result<(), Error> {
        self.add(Segment::Bundle { source: source.into(), bundle })
    }

    /// The plan by now: what comes later changes the place of no entry.
    pub fn plan(&self) -> &Plan {
        &self.plan
    }

    /// The plan.
    pub fn finish(self) -> Plan {
        self.plan
    }

    fn add(&mut self, segment: Segment) -> Result<(), Error> {
        let mut names = HashSet::new();
        for (_, facts) in segment.files() {
            let name = facts.name.as_str();
            if self.names.contains(name) || !names.insert(name.to_owned()) {
                return Err(Error::Duplicate { name: name.to_owned() });
            }
        }
        // A bundle without files is no object either.
        let Some(first) = segment.files().next().map(|(_, facts)| facts.name.as_str().to_owned()) else {
            return Ok(());
        };

        self.plan.push(segment).map_err(|_| Error::TooLarge { name: first })?;
        self.names.extend(names);
        Ok(())
    }
}
