//! The rows of a merge's source, by the hashes of their keys.

use std::sync::atomic::{AtomicBool, Ordering};

use arrow::array::{Array, ArrayRef, RecordBatch, UInt32Array, make_comparator};
use arrow::buffer::NullBuffer;
use arrow::compute::SortOptions;
use datafusion::common::Result;
use datafusion::common::hash_utils::{RandomState, create_hashes};
use datafusion::physical_expr::PhysicalExprRef;

const NONE: u32 = u32::MAX;
/// Of 64 bits all have a part in the highest of the product.
const SPREAD: u64 = 0x9E37_79B9_7F4A_7C15;
/// Pairs that are found at once: a row of the table may match all of the source.
const PAIRS: usize = 1 << 16;
/// Marks for each bucket, a power of two.
const MARKS: usize = 4;

pub struct Keys {
    columns: Vec<ArrayRef>,
    hashes: Vec<u64>,
    nulls: Option<NullBuffer>,
}

impl Keys {
    pub fn of<'a>(on: impl Iterator<Item = &'a PhysicalExprRef>, rows: &RecordBatch) -> Result<Self> {
        let count = rows.num_rows();
        let columns = on.map(|key| key.evaluate(rows)?.into_array(count));
        let columns = columns.collect::<Result<Vec<_>>>()?;
        let mut hashes = vec![0; count];
        create_hashes(&columns, &RandomState::default(), &mut hashes)?;
        let nulls = columns.iter().fold(None, |nulls: Option<NullBuffer>, column| {
            NullBuffer::union(nulls.as_ref(), column.logical_nulls().as_ref())
        });
        Ok(Self { columns, hashes, nulls })
    }
}

/// Rows of both sides that match, by the order of the table's.
#[derive(Default)]
pub struct Pairs {
    pub source: Vec<u32>,
    pub target: Vec<u32>,
}

impl Pairs {
    pub fn indices(self) -> (UInt32Array, UInt32Array) {
        (self.source.into(), self.target.into())
    }
}

pub struct SourceRows {
    pub rows: RecordBatch,
    keys: Keys,
    /// By the highest bits of a hash the first row with such, and of each row the next.
    first: Vec<u32>,
    next: Vec<u32>,
    shift: u32,
    /// By more bits of a hash whether some row has such: most of the table's rows have none, and this fits into a cache.
    present: Vec<u64>,
    matched: Vec<AtomicBool>,
}

impl SourceRows {
    /// Bytes that are needed beside those of `rows` rows.
    pub fn extra_bytes(rows: usize) -> usize {
        rows * (size_of::<u64>() + size_of::<u32>() + size_of::<AtomicBool>())
            + buckets(rows) * (size_of::<u32>() + MARKS / 8 + 1)
    }

    pub fn new<'a>(rows: RecordBatch, on: impl Iterator<Item = &'a PhysicalExprRef>) -> Result<Self> {
        let (keys, count) = (Keys::of(on, &rows)?, rows.num_rows());
        let buckets = buckets(count);
        let shift = u64::BITS - buckets.trailing_zeros();
        let (mut first, mut next) = (vec![NONE; buckets], vec![NONE; count]);
        let mut present = vec![0; buckets * MARKS / u64::BITS as usize + 1];
        for row in (0..count).rev().filter(|row| is_known(&keys, *row)) {
            let bucket = &mut first[bucket(keys.hashes[row], shift)];
            next[row] = std::mem::replace(bucket, row as u32);
            let (word, mark) = mark(keys.hashes[row], shift);
            present[word] |= mark;
        }
        Ok(Self {
            rows,
            keys,
            first,
            next,
            shift,
            present,
            matched: (0..count).map(|_| AtomicBool::new(false)).collect(),
        })
    }

    /// The pairs of rows with equal keys from row `start` of the table on, and the row that they end before.
    pub fn pairs(&self, keys: &Keys, start: usize) -> Result<(Pairs, usize)> {
        let columns = self.keys.columns.iter().zip(&keys.columns);
        let compared = columns.map(|(ours, theirs)| make_comparator(ours, theirs, SortOptions::default()));
        let compared = compared.collect::<std::result::Result<Vec<_>, _>>()?;
        let mut pairs = Pairs::default();
        for row in start..keys.hashes.len() {
            if pairs.target.len() >= PAIRS {
                return Ok((pairs, row));
            }
            let hash = keys.hashes[row];
            let (word, mark) = mark(hash, self.shift);
            if self.present[word] & mark == 0 || !is_known(keys, row) {
                continue;
            }
            let mut candidate = self.first[bucket(hash, self.shift)];
            while candidate != NONE {
                let found = candidate as usize;
                if self.keys.hashes[found] == hash && compared.iter().all(|compare| compare(found, row).is_eq()) {
                    pairs.source.push(candidate);
                    pairs.target.push(row as u32);
                }
                candidate = self.next[found];
            }
        }
        Ok((pairs, keys.hashes.len()))
    }

    pub fn note_matches(&self, rows: &[u32]) {
        for row in rows {
            self.matched[*row as usize].store(true, Ordering::Relaxed);
        }
    }

    /// Those that match no row of the table, once all of these were looked up.
    pub fn unmatched(&self) -> Vec<u32> {
        let rows = self.matched.iter().zip(0..);
        let unmatched = rows.filter(|(matched, _)| !matched.load(Ordering::Relaxed));
        unmatched.map(|(_, row)| row).collect()
    }
}

fn is_known(keys: &Keys, row: usize) -> bool {
    keys.nulls.as_ref().is_none_or(|nulls| nulls.is_valid(row))
}

fn buckets(rows: usize) -> usize {
    (rows * 2).next_power_of_two().max(2)
}

fn bucket(hash: u64, shift: u32) -> usize {
    (hash.wrapping_mul(SPREAD) >> shift) as usize
}

/// The place of a hash's mark among all.
fn mark(hash: u64, shift: u32) -> (usize, u64) {
    let place = bucket(hash, shift - MARKS.trailing_zeros());
    (place / u64::BITS as usize, 1 << (place % u64::BITS as usize))
}
