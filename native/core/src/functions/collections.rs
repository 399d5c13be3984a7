//! What lists and maps are asked and DataFusion has no function for.

use std::collections::HashMap;
use std::sync::Arc;

use arrow::array::{Array, ArrayRef, AsArray, BooleanArray, ListArray, MapArray, UInt64Array, make_comparator};
use arrow::buffer::{NullBuffer, OffsetBuffer};
use arrow::compute::{SortOptions, take};
use arrow::datatypes::{DataType, Field};
use arrow::row::{RowConverter, SortField};
use datafusion::common::{Result, plan_err};
use datafusion::logical_expr::{DocSection, Documentation};

use super::function::{Example, Function};

const SECTION: DocSection = DocSection {
    include: true,
    label: "Lists and maps",
    description: None,
};

pub fn functions() -> Vec<Function> {
    vec![
        Function::new(
            "list_duplicates",
            lists,
            |types| Ok(types[0].clone()),
            |arguments| duplicates(arguments[0].as_list()),
            Documentation::builder(
                SECTION,
                "The values that a list holds more than once, each once, in the order of their first.",
                "list_duplicates(list)",
            )
            .with_argument("list", "The list.")
            .build(),
            &[Example {
                sql: "SELECT list_duplicates([3, 1, 3, 2, 1, 3]) AS twice",
                rows: r#"[{"twice": [3, 1]}]"#,
            }],
        ),
        Function::new(
            "map_get",
            map_and_key,
            |types| Ok(entry_types(&types[0])?.1),
            |arguments| {
                let map = arguments[0].as_map();
                Ok(take(map.values(), &places(map, &arguments[1])?, None)?)
            },
            Documentation::builder(
                SECTION,
                "The value that a map has for a key; NULL where it has none.",
                "map_get(map, key)",
            )
            .with_argument("map", "The map.")
            .with_argument("key", "The key, of the type of the map's.")
            .build(),
            &[Example {
                sql: "SELECT map_get(MAP {'SEA': 12, 'PDX': 7}, 'PDX') AS delay, map_get(MAP {'SEA': 12}, 'LAX') AS none",
                rows: r#"[{"delay": 7, "none": null}]"#,
            }],
        ),
        Function::new(
            "map_contains_key",
            map_and_key,
            |_| Ok(DataType::Boolean),
            |arguments| {
                let map = arguments[0].as_map();
                let places = places(map, &arguments[1])?;
                let found = places.iter().map(|place| place.is_some()).collect::<Vec<_>>();
                let nulls = NullBuffer::union(map.nulls(), arguments[1].nulls());
                Ok(Arc::new(BooleanArray::new(found.into(), nulls)))
            },
            Documentation::builder(SECTION, "Whether a map has a key.", "map_contains_key(map, key)")
                .with_argument("map", "The map.")
                .with_argument("key", "The key, of the type of the map's.")
                .build(),
            &[Example {
                sql: "SELECT map_contains_key(MAP {'SEA': 12}, 'SEA') AS has",
                rows: r#"[{"has": true}]"#,
            }],
        ),
    ]
}

fn lists(types: &[DataType]) -> Result<Vec<DataType>> {
    match types {
        [DataType::List(_)] => Ok(types.to_vec()),
        [DataType::LargeList(item) | DataType::FixedSizeList(item, _) | DataType::ListView(item)] => {
            Ok(vec![DataType::List(item.clone())])
        }
        [DataType::Null] => Ok(vec![DataType::List(Arc::new(Field::new_list_field(
            DataType::Null,
            true,
        )))]),
        _ => plan_err!("list_duplicates takes one list"),
    }
}

fn map_and_key(types: &[DataType]) -> Result<Vec<DataType>> {
    match types {
        [map @ DataType::Map(_, _), _] => Ok(vec![map.clone(), entry_types(map)?.0]),
        _ => plan_err!("The function takes a map and a key"),
    }
}

/// The types of a map's keys and of its values.
fn entry_types(map: &DataType) -> Result<(DataType, DataType)> {
    match map {
        DataType::Map(entries, _) => match entries.data_type() {
            DataType::Struct(fields) => Ok((fields[0].data_type().clone(), fields[1].data_type().clone())),
            other => plan_err!("A map's entries are of type {other}"),
        },
        other => plan_err!("{other} is no map"),
    }
}

/// Where each row's key is among the entries of all maps; the last of equal keys counts.
fn places(map: &MapArray, wanted: &ArrayRef) -> Result<UInt64Array> {
    let compare = make_comparator(map.keys(), wanted, SortOptions::default())?;
    let offsets = map.value_offsets();
    let place = |row: usize| {
        let mut entries = offsets[row] as usize..offsets[row + 1] as usize;
        let is_known = map.is_valid(row) && wanted.is_valid(row);
        let found = is_known.then(|| entries.rfind(|entry| compare(*entry, row).is_eq()))?;
        found.map(|entry| entry as u64)
    };
    Ok((0..map.len()).map(place).collect())
}

fn duplicates(lists: &ListArray) -> Result<ArrayRef> {
    let DataType::List(item) = lists.data_type() else {
        return plan_err!("{} is no list", lists.data_type());
    };
    let converter = RowConverter::new(vec![SortField::new(item.data_type().clone())])?;
    let values = converter.convert_columns(std::slice::from_ref(lists.values()))?;
    let (mut kept, mut lengths) = (Vec::new(), Vec::with_capacity(lists.len()));
    for row in 0..lists.len() {
        let before = kept.len();
        if lists.is_valid(row) {
            let [start, end] = [lists.value_offsets()[row], lists.value_offsets()[row + 1]].map(|at| at as usize);
            let mut first = HashMap::new();
            let mut twice = Vec::new();
            for place in start..end {
                match first.get_mut(&values.row(place)) {
                    None => drop(first.insert(values.row(place), (place, false))),
                    Some((_, true)) => {}
                    Some((place, told)) => {
                        *told = true;
                        twice.push(*place as u64);
                    }
                }
            }
            twice.sort_unstable();
            kept.extend(twice);
        }
        lengths.push(kept.len() - before);
    }
    let taken = take(lists.values(), &UInt64Array::from(kept), None)?;
    let offsets = OffsetBuffer::from_lengths(lengths);
    Ok(Arc::new(ListArray::new(
        item.clone(),
        offsets,
        taken,
        lists.nulls().cloned(),
    )))
}
