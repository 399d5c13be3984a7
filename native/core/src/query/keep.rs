//! Keeping a result beside sending it: a fault here costs the copy, never the answer.

use std::sync::{Arc, Mutex};

use arrow::datatypes::SchemaRef;
use arrow::record_batch::RecordBatch;

use crate::encode::{EncodeOptions, Encoder, Format, RowEncoder, encoder};
use crate::error::Result;
use crate::generated::{NumberStyle, QueryHead, ResultTarget, RowFormat, StoredFormat};
use crate::results::ResultWriter;

/// Where a result is to be kept, open to change until its first row.
#[derive(Default)]
pub struct KeepSlot(Mutex<Slot>);

#[derive(Default)]
enum Slot {
    #[default]
    Empty,
    Wanted(ResultTarget),
    Taken,
}

impl KeepSlot {
    /// Whether there still was time.
    pub fn fill(&self, target: ResultTarget) -> bool {
        let mut slot = self.0.lock().expect("no holder panics");
        let open = !matches!(*slot, Slot::Taken);
        if open {
            *slot = Slot::Wanted(target);
        }
        open
    }

    pub fn is_wanted(&self) -> bool {
        matches!(*self.0.lock().expect("no holder panics"), Slot::Wanted(_))
    }

    fn take(&self) -> Option<ResultTarget> {
        match std::mem::replace(&mut *self.0.lock().expect("no holder panics"), Slot::Taken) {
            Slot::Wanted(target) => Some(target),
            Slot::Empty | Slot::Taken => None,
        }
    }
}

/// The copy of one result.
pub struct Keeper {
    slot: Arc<KeepSlot>,
    /// What the copy is kept in where it is made of the bytes that are sent.
    sent: Option<StoredFormat>,
    /// Encodes rows for the copy where they are sent in another format.
    arrow: Option<Arc<dyn RowEncoder>>,
    /// What was sent before the first row.
    head: Vec<u8>,
    copy: Copy,
}

enum Copy {
    NotBegun,
    OfBytes(ResultWriter),
    OfRows(ResultWriter, Arc<dyn RowEncoder>),
    /// It isn't wanted, or couldn't be written.
    None,
}

impl Keeper {
    pub fn new(slot: Arc<KeepSlot>, format: Format, schema: SchemaRef) -> Self {
        let (sent, arrow) = match format {
            Format::Arrow => (Some(StoredFormat::Arrow), None),
            Format::Parquet => (Some(StoredFormat::Parquet), arrow_encoder(schema)),
            _ => (None, arrow_encoder(schema)),
        };
        Self {
            slot,
            sent,
            arrow,
            head: Vec::new(),
            copy: Copy::NotBegun,
        }
    }

    /// What encodes rows for the copy ahead of time, where that is wanted.
    pub fn encoder(&self) -> Option<(Arc<KeepSlot>, Arc<dyn RowEncoder>)> {
        let encoder = self.arrow.clone().filter(|_| self.sent.is_none());
        encoder.map(|encoder| (self.slot.clone(), encoder))
    }

    /// Takes what was sent before the first row.
    pub fn take_head(&mut self, bytes: &[u8]) {
        self.head.extend_from_slice(bytes);
    }

    /// Takes rows and the bytes that were sent for them; `encoded` is their Arrow where that is known.
    pub fn take_rows(&mut self, batch: &RecordBatch, sent: &[u8], encoded: Option<Vec<u8>>) -> Result<()> {
        self.begin();
        match &mut self.copy {
            Copy::OfBytes(_) => self.write(sent),
            Copy::OfRows(_, encoder) => {
                let bytes = match encoded {
                    Some(bytes) => bytes,
                    None => encoder.rows(batch)?,
                };
                self.write(&bytes);
            }
            Copy::NotBegun | Copy::None => {}
        }
        Ok(())
    }

    /// Publishes the copy after the last bytes that were sent; answers the bytes of its body, if there is one.
    pub fn finish(&mut self, tail: &[u8], head: &QueryHead, rows: i64, truncated: bool) -> Option<i64> {
        self.begin();
        let tail = match &self.copy {
            Copy::OfRows(_, encoder) => encoder.tail(),
            _ => tail.to_vec(),
        };
        self.write(&tail);
        let (Copy::OfBytes(writer) | Copy::OfRows(writer, _)) = std::mem::replace(&mut self.copy, Copy::None) else {
            return None;
        };
        let published = writer.publish(head.clone(), rows, truncated);
        published
            .inspect_err(|error| tracing::warn!(%error, "a result is not kept"))
            .ok()
    }

    fn begin(&mut self) {
        if !matches!(self.copy, Copy::NotBegun) {
            return;
        }
        self.copy = Copy::None;
        let Some(target) = self.slot.take() else {
            return;
        };
        let of_bytes = Some(target.format) == self.sent;
        let head = match (&self.arrow, of_bytes) {
            (_, true) => std::mem::take(&mut self.head),
            (Some(encoder), false) if target.format == StoredFormat::Arrow => encoder.head(),
            _ => return,
        };
        match ResultWriter::create(target) {
            Err(error) => tracing::warn!(%error, "a result is not kept"),
            Ok(writer) => {
                self.copy = match &self.arrow {
                    Some(encoder) if !of_bytes => Copy::OfRows(writer, encoder.clone()),
                    _ => Copy::OfBytes(writer),
                };
                self.write(&head);
            }
        }
    }

    fn write(&mut self, bytes: &[u8]) {
        let (Copy::OfBytes(writer) | Copy::OfRows(writer, _)) = &mut self.copy else {
            return;
        };
        match writer.write(bytes) {
            Ok(true) => return,
            Ok(false) => {}
            Err(error) => tracing::warn!(%error, "a result is no longer kept"),
        }
        self.copy = Copy::None;
    }
}

fn arrow_encoder(schema: SchemaRef) -> Option<Arc<dyn RowEncoder>> {
    let options = EncodeOptions {
        numbers: NumberStyle::Number,
        row_format: RowFormat::Object,
    };
    match encoder(Format::Arrow, schema, options) {
        Ok(Encoder::Rows(encoder)) => Some(encoder.into()),
        Ok(Encoder::Parquet(_)) | Err(_) => None,
    }
}
