//! What the rows of a change feed mean, by their `_change_type`.

use std::sync::Arc;

use arrow::array::{ArrayRef, AsArray, BooleanArray, Int64Array};
use arrow::datatypes::DataType;
use datafusion::common::{Result, exec_datafusion_err};
use datafusion::logical_expr::{DocSection, Documentation};

use super::function::{Example, Function, as_declared};

/// In the order in which the changes of one commit are applied to a row.
const TYPES: [&str; 4] = ["update_preimage", "delete", "insert", "update_postimage"];

const SECTION: DocSection = DocSection {
    include: true,
    label: "Change feeds",
    description: None,
};

pub fn functions() -> Vec<Function> {
    vec![
        asked(
            "cdf_is_upsert",
            |rank| rank >= 2,
            "Whether a change leaves a row in the table: an insert, or the row after an update.",
            &[Example {
                sql: "SELECT cdf_is_upsert('update_postimage') AS after, cdf_is_upsert('update_preimage') AS before",
                rows: r#"[{"after": true, "before": false}]"#,
            }],
        ),
        asked(
            "cdf_is_delete",
            |rank| rank == 1,
            "Whether a change takes a row out of the table for good: a delete, and not the row before an update.",
            &[Example {
                sql: "SELECT cdf_is_delete('delete') AS deleted",
                rows: r#"[{"deleted": true}]"#,
            }],
        ),
        of_change(
            "cdf_change_rank",
            DataType::Int64,
            |ranks| Arc::new(ranks.into_iter().collect::<Int64Array>()),
            "In which order the changes of one commit apply: update_preimage 0, delete 1, insert 2, update_postimage 3. The last change of a key is the one with the greatest _commit_version, and of that the greatest rank.",
            &[Example {
                sql: "SELECT t, cdf_change_rank(t) AS rank FROM (VALUES ('insert'), ('delete')) AS v(t) ORDER BY rank",
                rows: r#"[{"t": "delete", "rank": 1}, {"t": "insert", "rank": 2}]"#,
            }],
        ),
    ]
}

fn asked(name: &'static str, question: fn(usize) -> bool, description: &str, examples: &'static [Example]) -> Function {
    let answers = move |ranks: Vec<Option<i64>>| -> ArrayRef {
        let answers = ranks.into_iter().map(|rank| rank.map(|rank| question(rank as usize)));
        Arc::new(answers.collect::<BooleanArray>())
    };
    of_change(name, DataType::Boolean, answers, description, examples)
}

fn of_change(
    name: &'static str,
    returns: DataType,
    make: impl Fn(Vec<Option<i64>>) -> ArrayRef + Send + Sync + 'static,
    description: &str,
    examples: &'static [Example],
) -> Function {
    let documentation = Documentation::builder(SECTION, description, format!("{name}(change_type)"))
        .with_argument("change_type", "The _change_type of a row; any other text is an error.")
        .build();
    let given = move |_: &[DataType]| Ok(returns.clone());
    let each = move |arguments: &[ArrayRef]| Ok(make(ranks(&arguments[0])?));
    Function::new(name, as_declared, given, each, documentation, examples).exact(vec![DataType::Utf8])
}

fn ranks(types: &ArrayRef) -> Result<Vec<Option<i64>>> {
    let types = types.as_string::<i32>().iter();
    types.map(|change| change.map(rank).transpose()).collect()
}

fn rank(change: &str) -> Result<i64> {
    let known = TYPES.iter().position(|known| *known == change);
    known
        .map(|rank| rank as i64)
        .ok_or_else(|| exec_datafusion_err!("'{change}' is no _change_type: there are {}", TYPES.join(", ")))
}
