//! The rows of a batch that conditions have left so far.

use std::sync::Arc;

use arrow::array::{Array, ArrayRef, AsArray, BooleanArray, BooleanBufferBuilder, UInt32Array};
use arrow::buffer::BooleanBuffer;
use arrow::compute::{filter, prep_null_mask_filter, take};
use arrow::datatypes::UInt32Type;
use datafusion::common::Result;

pub struct RowsLeft {
    /// Those of the batch.
    rows: usize,
    left: Left,
}

enum Left {
    All,
    /// A bit a row, and how many are set.
    Marked(BooleanBuffer, usize),
    /// The rows' places.
    Listed(UInt32Array),
}

impl RowsLeft {
    pub fn all(rows: usize) -> Self {
        Self { rows, left: Left::All }
    }

    pub fn count(&self) -> usize {
        match &self.left {
            Left::All => self.rows,
            Left::Marked(_, count) => *count,
            Left::Listed(places) => places.len(),
        }
    }

    /// The values of these rows alone.
    pub fn gathered(&mut self, columns: &[ArrayRef]) -> Result<Vec<ArrayRef>> {
        let places = self.listed();
        let gathered = columns.iter().map(|column| Ok(take(column, &places, None)?));
        gathered.collect()
    }

    /// Leaves out those for which an answer a row of the batch isn't true.
    pub fn keep(&mut self, answers: &BooleanArray) {
        let kept = truths(answers);
        let kept = match self.marked() {
            None => kept,
            Some(marked) => &marked & &kept,
        };
        let count = kept.count_set_bits();
        self.left = Left::Marked(kept, count);
    }

    /// Leaves out those for which an answer a row that was left isn't true.
    pub fn keep_gathered(&mut self, answers: &BooleanArray) -> Result<()> {
        let kept = BooleanArray::new(truths(answers), None);
        let places = filter(&self.listed(), &kept)?;
        self.left = Left::Listed(places.as_primitive::<UInt32Type>().clone());
        Ok(())
    }

    pub fn into_answers(self) -> ArrayRef {
        let marked = self.marked().unwrap_or_else(|| BooleanBuffer::new_set(self.rows));
        Arc::new(BooleanArray::new(marked, None))
    }

    /// None where all are left.
    fn marked(&self) -> Option<BooleanBuffer> {
        match &self.left {
            Left::All => None,
            Left::Marked(marked, _) => Some(marked.clone()),
            Left::Listed(places) => {
                let mut marked = BooleanBufferBuilder::new(self.rows);
                marked.append_n(self.rows, false);
                places
                    .values()
                    .iter()
                    .for_each(|place| marked.set_bit(*place as usize, true));
                Some(marked.finish())
            }
        }
    }

    fn listed(&mut self) -> UInt32Array {
        let places = match &self.left {
            Left::All => (0..self.rows as u32).collect(),
            Left::Marked(marked, _) => marked.set_indices_u32().collect(),
            Left::Listed(places) => return places.clone(),
        };
        let places = UInt32Array::new(places, None);
        self.left = Left::Listed(places.clone());
        places
    }
}

fn truths(answers: &BooleanArray) -> BooleanBuffer {
    match answers.null_count() {
        0 => answers.values().clone(),
        _ => prep_null_mask_filter(answers).values().clone(),
    }
}
