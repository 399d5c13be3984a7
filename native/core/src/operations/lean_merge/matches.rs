//! What the library's plan computes of rows that match, and of new ones, and what becomes of the table's rows by it.

use arrow::array::{Array, ArrayRef, AsArray, RecordBatch, RecordBatchOptions, UInt32Array, new_null_array};
use arrow::compute::{cast, filter, filter_record_batch, interleave, is_null, prep_null_mask_filter, take};
use arrow::datatypes::{Int32Type, SchemaRef, UInt64Type};
use datafusion::common::{DataFusionError, JoinSide, Result, internal_datafusion_err, internal_err};
use datafusion::physical_expr::PhysicalExprRef;
use datafusion::physical_expr::projection::Projector;
use datafusion::physical_plan::ExecutionPlan;
use datafusion::physical_plan::joins::HashJoinExec;
use datafusion::physical_plan::joins::utils::{ColumnIndex, JoinFilter};
use deltalake_core::DeltaTableError;

use super::known::{ACTION, CLASS, DELETED, DELETION, Figures, INSERTED, ORDINAL, UPDATED, VALUE};
use super::source_rows::{Keys, Pairs, SourceRows};

/// How rows are computed from those of both sides.
#[derive(Debug)]
pub struct Computed {
    on: Vec<(PhysicalExprRef, PhysicalExprRef)>,
    condition: Option<JoinFilter>,
    joined: SchemaRef,
    columns: Vec<ColumnIndex>,
    steps: Vec<Projector>,
    /// The columns of the table that tell a row's file and, for complaints, its place in it.
    file: (usize, String),
    ordinal: Option<usize>,
    /// The table's columns in the order of the output.
    kept: Vec<usize>,
    schema: SchemaRef,
}

/// Rows of one file after the merge.
pub struct Merged {
    pub rows: RecordBatch,
    pub figures: Figures,
}

/// What happens to rows of the table that match.
#[derive(Default)]
struct Changes {
    /// The rows that get the values of a pair, and this.
    updated: Vec<(u32, u32)>,
    deleted: Vec<u32>,
}

impl Computed {
    /// None where the plan has other columns than the library's.
    pub fn of(join: &HashJoinExec, steps: Vec<Projector>, file: String, schema: SchemaRef) -> Option<Self> {
        let target = join.right().schema();
        let names = schema.fields().iter().map(|field| field.name().strip_prefix(VALUE));
        let kept = names.map(|name| target.index_of(name?).ok());
        let last = steps.last()?.output_schema();
        let is_known = [UPDATED, DELETED, INSERTED]
            .iter()
            .all(|name| last.index_of(name).is_ok());
        if !is_known {
            return None;
        }
        let left = join.left().schema().fields().len();
        let columns = (0..join.join_schema().fields().len()).map(|index| match index.checked_sub(left) {
            None => ColumnIndex {
                index,
                side: JoinSide::Left,
            },
            Some(index) => ColumnIndex {
                index,
                side: JoinSide::Right,
            },
        });
        let columns: Vec<_> = columns.collect();
        Some(Self {
            on: join.on().to_vec(),
            condition: join.filter().cloned(),
            joined: join.schema(),
            columns: match &join.projection {
                Some(projection) => projection.iter().map(|index| columns[*index].clone()).collect(),
                None => columns,
            },
            steps,
            file: (target.index_of(&file).ok()?, file),
            ordinal: target.index_of(ORDINAL).ok(),
            kept: kept.collect::<Option<_>>()?,
            schema,
        })
    }

    pub fn file(&self) -> &str {
        &self.file.1
    }

    pub fn schema(&self) -> &SchemaRef {
        &self.schema
    }

    pub fn source(&self, rows: RecordBatch) -> Result<SourceRows> {
        SourceRows::new(rows, self.on.iter().map(|(key, _)| key))
    }

    pub fn keys(&self, rows: &RecordBatch) -> Result<Keys> {
        Keys::of(self.on.iter().map(|(_, key)| key), rows)
    }

    /// The parts of rows that are of one file each, as its name and how many they are.
    pub fn files(&self, rows: &RecordBatch) -> Result<Vec<(String, usize)>> {
        if rows.num_rows() == 0 {
            return Ok(Vec::new());
        }
        let names = rows.column(self.file.0).as_any_dictionary_opt();
        let names = names.ok_or_else(|| internal_datafusion_err!("The files of rows are no dictionary"))?;
        let (keys, values) = (names.normalized_keys(), names.values().as_string_opt::<i32>());
        let values = values.ok_or_else(|| internal_datafusion_err!("The files of rows have no names"))?;
        if names.null_count() > 0 {
            return internal_err!("A row of the table has no file");
        }
        let parts = keys.chunk_by(|left, right| left == right);
        Ok(parts
            .map(|part| (values.value(part[0]).to_owned(), part.len()))
            .collect())
    }

    /// `rows` of one file as `pairs` change them.
    pub fn merged(&self, source: &SourceRows, file: &str, rows: &RecordBatch, pairs: Pairs) -> Result<Merged> {
        let (found, of_table) = self.matching(source, rows, pairs)?;
        let mut changes = Changes::default();
        let mut values = Vec::new();
        if !found.is_empty() {
            source.note_matches(found.values());
            let joined = self.joined(&source.rows, Some(&found), rows, Some(&of_table))?;
            let stages = self.stages(joined)?;
            changes = self.changes(&stages, of_table.values(), file, rows)?;
            values = self.values(&stages)?;
        }
        let (updated, deleted) = (changes.updated.len(), changes.deleted.len());
        Ok(Merged {
            rows: self.changed(rows, &values, &changes)?,
            figures: Figures {
                updated,
                deleted,
                copied: rows.num_rows() - updated - deleted,
                inserted: 0,
            },
        })
    }

    /// The rows that are new because of those of the source that match none.
    pub fn inserted(&self, source: &SourceRows, unmatched: &[u32]) -> Result<RecordBatch> {
        let unmatched = UInt32Array::from(unmatched.to_vec());
        let joined = self.joined(&source.rows, Some(&unmatched), &source.rows, None)?;
        let stages = self.stages(joined)?;
        let rows = RecordBatch::try_new(self.schema.clone(), self.values(&stages)?)?;
        let is_new = is_null(named(&stages, INSERTED)?)?;
        Ok(filter_record_batch(&rows, &is_new)?)
    }

    /// The pairs that the rest of the predicate is true of.
    fn matching(&self, source: &SourceRows, rows: &RecordBatch, pairs: Pairs) -> Result<(UInt32Array, UInt32Array)> {
        let (found, of_table) = pairs.indices();
        let Some(condition) = self.condition.as_ref().filter(|_| !found.is_empty()) else {
            return Ok((found, of_table));
        };
        let columns = condition.column_indices().iter().map(|column| match column.side {
            JoinSide::Left => Ok(take(source.rows.column(column.index), &found, None)?),
            JoinSide::Right => Ok(take(rows.column(column.index), &of_table, None)?),
            JoinSide::None => internal_err!("A merge has no marks"),
        });
        let asked = RecordBatch::try_new(condition.schema().clone(), columns.collect::<Result<_>>()?)?;
        let holds = condition.expression().evaluate(&asked)?.into_array(asked.num_rows())?;
        let holds = match holds.as_boolean() {
            known if known.null_count() == 0 => known.clone(),
            unknown => prep_null_mask_filter(unknown),
        };
        let kept = |indices: &UInt32Array| Ok::<_, DataFusionError>(filter(indices, &holds)?.as_primitive().clone());
        Ok((kept(&found)?, kept(&of_table)?))
    }

    /// Rows as the library's join gives them; without matches those of the other side are null.
    fn joined(
        &self,
        source: &RecordBatch,
        found: Option<&UInt32Array>,
        rows: &RecordBatch,
        of_table: Option<&UInt32Array>,
    ) -> Result<RecordBatch> {
        let count = found.or(of_table).map_or(0, Array::len);
        let columns = self.columns.iter().zip(self.joined.fields()).map(|(column, field)| {
            let (side, matches) = match column.side {
                JoinSide::Left => (source, found),
                _ => (rows, of_table),
            };
            match matches {
                Some(matches) => Ok(take(side.column(column.index), matches, None)?),
                None => Ok(new_null_array(field.data_type(), count)),
            }
        });
        Ok(RecordBatch::try_new(
            self.joined.clone(),
            columns.collect::<Result<_>>()?,
        )?)
    }

    /// What each step makes of the rows, the last one last.
    fn stages(&self, joined: RecordBatch) -> Result<Vec<RecordBatch>> {
        let mut stages = vec![joined];
        for step in &self.steps {
            let next = step.project_batch(stages.last().expect("there is one"))?;
            stages.push(next);
        }
        Ok(stages)
    }

    fn values(&self, stages: &[RecordBatch]) -> Result<Vec<ArrayRef>> {
        let names = self.schema.fields().iter().map(|field| named(stages, field.name()));
        names.map(|column| column.cloned()).collect()
    }

    /// One match changes a row; an error where several would.
    fn changes(&self, stages: &[RecordBatch], of_table: &[u32], file: &str, rows: &RecordBatch) -> Result<Changes> {
        let (updated, deleted) = (named(stages, UPDATED)?, named(stages, DELETED)?);
        let classes = stages.iter().rev().find_map(|stage| stage.column_by_name(CLASS));
        let Some(classes) = classes.and_then(|classes| classes.as_primitive_opt::<Int32Type>()) else {
            return match updated.null_count() + deleted.null_count() {
                0 => Ok(Changes::default()),
                _ => internal_err!("The matches of a merge have no classes"),
            };
        };
        let mut changes = Changes::default();
        let mut start = 0;
        for matches in of_table.chunk_by(|left, right| left == right) {
            let pairs = start..start + matches.len();
            start = pairs.end;
            let of_class = |class| pairs.clone().filter(move |pair| classes.value(*pair) == class);
            let (actions, deletions) = (of_class(ACTION).count(), of_class(DELETION).count());
            if actions > 1 || (actions == 1 && deletions > 0) {
                return Err(self.ambiguous(file, rows, matches[0]));
            }
            let Some(pair) = of_class(ACTION).chain(of_class(DELETION)).next() else {
                continue;
            };
            match (updated.is_null(pair), deleted.is_null(pair)) {
                (true, false) => changes.updated.push((matches[0], pair as u32)),
                (false, true) => changes.deleted.push(matches[0]),
                _ => return internal_err!("A match neither updates nor deletes its row"),
            }
        }
        Ok(changes)
    }

    /// As the library says it.
    fn ambiguous(&self, file: &str, rows: &RecordBatch, row: u32) -> DataFusionError {
        let ordinals = self.ordinal.map(|column| rows.column(column));
        let ordinals = ordinals.and_then(|column| column.as_primitive_opt::<UInt64Type>());
        let ordinal = ordinals.map_or(u64::from(row), |ordinals| ordinals.value(row as usize));
        DataFusionError::External(Box::new(DeltaTableError::Generic(format!(
            "MERGE matched a target row with multiple source rows that satisfy duplicate relevant WHEN MATCHED clauses \
             (file: {file}, row ordinal in file: {ordinal})"
        ))))
    }

    /// Columns without a change are passed on as they are.
    fn changed(&self, rows: &RecordBatch, values: &[ArrayRef], changes: &Changes) -> Result<RecordBatch> {
        let (mut order, mut columns) = (None, Vec::with_capacity(self.kept.len()));
        let old = UInt32Array::from_iter_values(changes.updated.iter().map(|(row, _)| *row));
        let new = UInt32Array::from_iter_values(changes.updated.iter().map(|(_, pair)| *pair));
        for (place, (column, field)) in self.kept.iter().zip(self.schema.fields()).enumerate() {
            let kept = match rows.column(*column) {
                kept if kept.data_type() == field.data_type() => kept.clone(),
                kept => cast(kept, field.data_type())?,
            };
            let stays = changes.updated.is_empty()
                || take(&kept, &old, None)?.to_data() == take(&values[place], &new, None)?.to_data();
            if stays && changes.deleted.is_empty() {
                columns.push(kept);
                continue;
            }
            let order = order.get_or_insert_with(|| changes.order(rows.num_rows()));
            let sources: [&dyn Array; 2] = [&kept, values.get(place).unwrap_or(&kept)];
            columns.push(interleave(&sources, order)?);
        }
        let count = rows.num_rows() - changes.deleted.len();
        let options = RecordBatchOptions::new().with_row_count(Some(count));
        Ok(RecordBatch::try_new_with_options(
            self.schema.clone(),
            columns,
            &options,
        )?)
    }
}

impl Changes {
    /// Where each row comes from: the table's as it was, or a pair's values.
    fn order(&self, rows: usize) -> Vec<(usize, usize)> {
        let mut order: Vec<_> = (0..rows).map(|row| (0, row)).collect();
        for (row, pair) in &self.updated {
            order[*row as usize] = (1, *pair as usize);
        }
        let mut deleted = self.deleted.iter().map(|row| *row as usize).peekable();
        let mut row = 0;
        order.retain(|_| {
            let stays = deleted.next_if_eq(&row).is_none();
            row += 1;
            stays
        });
        order
    }
}

fn named<'a>(stages: &'a [RecordBatch], name: &str) -> Result<&'a ArrayRef> {
    let found = stages.iter().rev().find_map(|stage| stage.column_by_name(name));
    found.ok_or_else(|| internal_datafusion_err!("The plan of a merge has no column {name}"))
}
