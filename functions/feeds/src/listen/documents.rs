//! Documents that were read before. They are named by their content, so what was read once stays right.

use std::{
    collections::HashMap,
    sync::{Mutex, PoisonError},
};

use bytes::Bytes;
use lambda_kit::Problem;
use storage::Storage;
use tenant_context::{ShowId, TenancyId, TenantContext};

/// The function has 256 MB; what it keeps may take a quarter.
const MOST_BYTES: usize = 64 << 20;

type Name = (TenancyId, ShowId, String);

/// A bounded store of documents, by tenancy, show and name.
#[derive(Default)]
pub(crate) struct Documents(Mutex<Kept>);

#[derive(Default)]
struct Kept {
    documents: HashMap<Name, Bytes>,
    bytes: usize,
}

impl Documents {
    /// A document of a show, from here or from the bucket.
    ///
    /// # Errors
    /// 404 when it is not there, 503 when the bucket does not answer.
    pub(crate) async fn read(
        &self,
        storage: &Storage,
        context: &TenantContext,
        show: &ShowId,
        name: String,
    ) -> Result<Bytes, Problem> {
        let name = (context.tenancy().clone(), show.clone(), name);
        if let Some(bytes) = self.kept().documents.get(&name) {
            return Ok(bytes.clone());
        }
        let object = storage.read_feed_object(context, show, &name.2).await?;
        let bytes = object.ok_or_else(Problem::not_found)?.bytes;
        self.keep(name, bytes.clone());
        Ok(bytes)
    }

    fn keep(&self, name: Name, bytes: Bytes) {
        let mut kept = self.kept();
        if kept.bytes + bytes.len() > MOST_BYTES {
            *kept = Kept::default();
        }
        if bytes.len() <= MOST_BYTES {
            kept.bytes += bytes.len();
            kept.documents.insert(name, bytes);
        }
    }

    fn kept(&self) -> std::sync::MutexGuard<'_, Kept> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}
