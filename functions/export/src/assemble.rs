//! Has an archive put together: part by part, in any order, each as often as it takes.

use archive::{Archive, Part, Piece};
use domain::{ContentHash, Export};
use futures::{StreamExt, TryStreamExt, stream};
use lambda_kit::Failure;
use storage::{ArchivePart, ExportObject, Storage, StorageError};
use tenant_context::{Grant, Timestamp, permission::PrepareExport};

use crate::{gathered::poison, lay_out};

/// How many parts are on their way at once: those that pass through take some ten megabytes each.
const AT_ONCE: usize = 4;

/// How it ended with an archive, for now.
#[derive(Debug)]
pub(crate) enum Assembled {
    /// It is there.
    Whole,
    /// It is time to hand over. What is there stays there.
    Partly,
    /// Something that belongs into it is gone.
    Lost(ContentHash),
    /// S3 knows of no such upload, and there is no archive either: it has to begin anew.
    Forgotten,
}

/// Why a part was not written.
enum NotWritten {
    Lost(ContentHash),
    Late,
    Failed(Failure),
}

/// An archive of an export while it is open.
pub(crate) struct Assembly<'a> {
    pub(crate) storage: &'a Storage,
    pub(crate) grant: &'a Grant<'a, PrepareExport>,
    pub(crate) export: &'a Export,
    pub(crate) number: u32,
    pub(crate) upload: &'a str,
    pub(crate) archive: &'a Archive,
}

impl Assembly<'_> {
    /// Goes on until the archive is whole, or until `until`.
    pub(crate) async fn go_on(&self, until: Timestamp) -> Result<Assembled, Failure> {
        let export = &self.export.id;
        let there = self.storage.list_archive_parts(self.grant, export, self.number, self.upload).await?;
        let Some(mut parts) = there else { return self.is_there().await };

        let missing =
            (1..=self.archive.parts()).filter(|number| parts.iter().all(|part| part.number != *number));
        let missing: Vec<u32> = missing.collect();
        let writing = stream::iter(missing).map(async |number| {
            if self.storage.now() >= until { Err(NotWritten::Late) } else { self.write(number).await }
        });
        let written: Result<Vec<ArchivePart>, NotWritten> =
            writing.buffer_unordered(AT_ONCE).try_collect().await;
        match written {
            Ok(written) => parts.extend(written),
            Err(NotWritten::Late) => return Ok(Assembled::Partly),
            Err(NotWritten::Lost(hash)) => return Ok(Assembled::Lost(hash)),
            Err(NotWritten::Failed(Failure::Storage(StorageError::Conflict))) => {
                return self.is_there().await;
            }
            Err(NotWritten::Failed(failure)) => return Err(failure),
        }
        match self.storage.finish_archive(self.grant, export, (self.number, self.upload), parts).await {
            Err(StorageError::Conflict) => self.is_there().await,
            result => Ok(result.map(|()| Assembled::Whole)?),
        }
    }

    /// An upload that S3 does not know any more has become an archive, or was given up.
    async fn is_there(&self) -> Result<Assembled, Failure> {
        let size = self.storage.find_archive_size(self.grant, &self.export.id, self.number).await?;
        Ok(if size == Some(self.archive.size_bytes()) { Assembled::Whole } else { Assembled::Forgotten })
    }

    async fn write(&self, number: u32) -> Result<ArchivePart, NotWritten> {
        let place = (self.number, self.upload, number);
        let part = self.archive.part(number).ok_or_else(|| poison(format!("there is no part {number}")))?;
        match part {
            Part::Copied { source, range } => {
                let object = lay_out::object(&source)?;
                let from = (&object, range);
                let copied = self.storage.copy_archive_part(self.grant, &self.export.id, place, from).await?;
                copied.ok_or_else(|| lost(object))
            }
            Part::Through { pieces } => {
                let mut bytes = Vec::new();
                for piece in pieces {
                    match piece {
                        Piece::Bytes(own) => bytes.extend(own),
                        Piece::Range { source, range } => {
                            let object = lay_out::object(&source)?;
                            let read = self
                                .storage
                                .read_export_object(self.grant, &self.export.id, &object, Some(range))
                                .await?;
                            bytes.extend_from_slice(&read.ok_or_else(|| lost(object))?);
                        }
                    }
                }
                Ok(self.storage.write_archive_part(self.grant, &self.export.id, place, bytes).await?)
            }
        }
    }
}

fn lost(object: ExportObject) -> NotWritten {
    match object {
        ExportObject::Media(hash) => NotWritten::Lost(hash),
        // Deleted by whoever ended the export.
        ExportObject::Written(_) => NotWritten::Failed(StorageError::Conflict.into()),
    }
}

impl From<Failure> for NotWritten {
    fn from(failure: Failure) -> Self {
        Self::Failed(failure)
    }
}

impl From<StorageError> for NotWritten {
    fn from(error: StorageError) -> Self {
        Self::Failed(error.into())
    }
}
