//! Arrow fields as FieldSpecs, and back without a loss.

use std::collections::BTreeMap;
use std::sync::Arc;

use arrow::datatypes::{DataType, Field, FieldRef, UnionFields, UnionMode};
use serde_json::Value;

use crate::error::{Error, Result};
use crate::generated::{self, ErrorCode, FieldEncoding, FieldLayout, FieldSpec};
use crate::type_name::{parse_type_name, type_name};

/// How many types may nest.
const DEEPEST: usize = 64;

/// The keys of a dictionary that says nothing of them.
const INDEX: DataType = DataType::Int32;

/// The spec that [`to_arrow_field`] makes the same field of.
pub fn from_arrow_field(field: &Field) -> FieldSpec {
    let metadata = field.metadata();
    let (values, encoding, index) = match field.data_type() {
        DataType::Dictionary(index, values) => (values.as_ref(), Some(FieldEncoding::Dictionary), Some(index.as_ref())),
        plain => (plain, None, None),
    };
    FieldSpec {
        name: field.name().clone(),
        dtype: type_name(values),
        nullable: field.is_nullable(),
        children: inner(values).into_iter().map(from_arrow_field).collect(),
        layout: layout(values, index.filter(|index| **index != INDEX)),
        metadata: (!metadata.is_empty()).then(|| BTreeMap::from_iter(metadata.clone())),
        default_value: Value::Null,
        encoding,
    }
}

/// The field that a spec stands for. A default value has no place in one: it is the table's affair.
pub fn to_arrow_field(spec: &FieldSpec) -> Result<Field> {
    build(spec, &[])
}

fn build(spec: &FieldSpec, outer: &[&str]) -> Result<Field> {
    let path = [outer, &[spec.name.as_str()]].concat();
    let refused = |reason: String| {
        let message = format!("Column '{}': {reason}", path.join("."));
        Error::new(ErrorCode::UnsupportedType, message).with("column", path.join("."))
    };
    if outer.len() == DEEPEST {
        return Err(refused(format!("types nest at most {DEEPEST} levels")));
    }
    let children: Result<Vec<FieldRef>> = spec
        .children
        .iter()
        .map(|child| Ok(Arc::new(build(child, &path)?)))
        .collect();
    let data_type = encoded(spec, children?).map_err(refused)?;
    let metadata = spec.metadata.iter().flatten();
    Ok(Field::new(&spec.name, data_type, spec.nullable)
        .with_metadata(metadata.map(|(key, value)| (key.clone(), value.clone())).collect()))
}

fn encoded(spec: &FieldSpec, children: Vec<FieldRef>) -> Result<DataType, String> {
    let values = plain(spec, children)?;
    let index = spec.layout.as_ref().and_then(|layout| layout.index_type.as_deref());
    match (spec.encoding, index) {
        (None, None) => Ok(values),
        (None, Some(_)) => Err("an index type goes with the encoding 'dictionary'".into()),
        (Some(FieldEncoding::Dictionary), index) => {
            let index = index.map_or(Ok(INDEX), parse_type_name)?;
            if !index.is_dictionary_key_type() {
                return Err(format!("a dictionary's keys can't be {}", type_name(&index)));
            }
            Ok(DataType::Dictionary(index.into(), values.into()))
        }
    }
}

/// The type without its dictionary.
fn plain(spec: &FieldSpec, children: Vec<FieldRef>) -> Result<DataType, String> {
    let name = spec.dtype.trim();
    let layout = spec.layout.clone().unwrap_or_default();
    let (head, rest) = name.split_at(name.find('(').unwrap_or(name.len()));
    if children.is_empty() && !matches!(name, "Struct()" | "Union()") {
        return parse_type_name(name).and_then(|parsed| without_layout(head, layout).map(|()| parsed));
    }
    let built = nested(head, rest, &layout, children)?;
    without_layout(head, layout)?;
    let is_short = rest.is_empty() || matches!(&built, DataType::FixedSizeList(_, size) if rest == format!("({size})"));
    match type_name(&built) {
        full if is_short || full == name => Ok(built),
        full => Err(format!("the type is {name}, but its children make it {full}")),
    }
}

fn nested(head: &str, rest: &str, layout: &FieldLayout, children: Vec<FieldRef>) -> Result<DataType, String> {
    match head {
        "List" => only(children).map(DataType::List),
        "LargeList" => only(children).map(DataType::LargeList),
        "ListView" => only(children).map(DataType::ListView),
        "LargeListView" => only(children).map(DataType::LargeListView),
        "FixedSizeList" => Ok(DataType::FixedSizeList(only(children)?, size(rest)?)),
        "Struct" => Ok(DataType::Struct(children.into())),
        "Map" => entries(only(children)?).map(|entries| DataType::Map(entries, layout.keys_sorted.unwrap_or(false))),
        "Union" => union(layout, children),
        "RunEndEncoded" => run_end_encoded(children),
        other => Err(format!("{other} has no children")),
    }
}

/// Refuses what the layout says of another type.
fn without_layout(head: &str, layout: FieldLayout) -> Result<(), String> {
    let strange = [
        ("keys_sorted", layout.keys_sorted.is_some(), "Map"),
        ("union_mode", layout.union_mode.is_some(), "Union"),
        ("type_ids", layout.type_ids.is_some(), "Union"),
    ];
    match strange.iter().find(|(_, given, wanted)| *given && head != *wanted) {
        Some((name, _, wanted)) => Err(format!("{name} is of a {wanted} with its children")),
        None => Ok(()),
    }
}

fn only(children: Vec<FieldRef>) -> Result<FieldRef, String> {
    let [child] = <[FieldRef; 1]>::try_from(children).map_err(|all| format!("it has one child, not {}", all.len()))?;
    Ok(child)
}

/// What a FixedSizeList's name says between its parenthesis and its item.
fn size(rest: &str) -> Result<i32, String> {
    let digits: String = rest.chars().skip(1).take_while(char::is_ascii_digit).collect();
    digits
        .parse()
        .map_err(|_| "its length is missing, as in FixedSizeList(3)".into())
}

fn entries(field: FieldRef) -> Result<FieldRef, String> {
    match field.data_type() {
        DataType::Struct(fields) if fields.len() == 2 => Ok(field),
        _ => Err("its child is a Struct of a key and a value".into()),
    }
}

fn union(layout: &FieldLayout, children: Vec<FieldRef>) -> Result<DataType, String> {
    let mode = match layout.union_mode {
        Some(generated::UnionMode::Dense) => UnionMode::Dense,
        Some(generated::UnionMode::Sparse) | None => UnionMode::Sparse,
    };
    let counted = || (0..children.len() as i32).collect();
    let ids = layout.type_ids.clone().unwrap_or_else(counted);
    let ids: Result<Vec<i8>, _> = ids.into_iter().map(i8::try_from).collect();
    let ids = ids.map_err(|_| "a union has at most 128 variants")?;
    if ids.len() != children.len() {
        return Err(format!("it has {} type ids for {} children", ids.len(), children.len()));
    }
    let fields = UnionFields::try_new(ids, children).map_err(|error| error.to_string())?;
    Ok(DataType::Union(fields, mode))
}

fn run_end_encoded(children: Vec<FieldRef>) -> Result<DataType, String> {
    let [run_ends, values] =
        <[FieldRef; 2]>::try_from(children).map_err(|all| format!("it has two children, not {}", all.len()))?;
    if !run_ends.data_type().is_run_ends_type() {
        return Err(format!("run ends can't be {}", type_name(run_ends.data_type())));
    }
    Ok(DataType::RunEndEncoded(run_ends, values))
}

fn inner(data_type: &DataType) -> Vec<&Field> {
    use DataType::*;
    match data_type {
        List(item) | LargeList(item) | ListView(item) | LargeListView(item) => vec![item],
        FixedSizeList(item, _) | Map(item, _) => vec![item],
        Struct(fields) => fields.iter().map(AsRef::as_ref).collect(),
        Union(fields, _) => fields.iter().map(|(_, field)| field.as_ref()).collect(),
        RunEndEncoded(run_ends, values) => vec![run_ends, values],
        _ => Vec::new(),
    }
}

fn layout(data_type: &DataType, index: Option<&DataType>) -> Option<FieldLayout> {
    let mut layout = FieldLayout {
        index_type: index.map(type_name),
        ..FieldLayout::default()
    };
    match data_type {
        DataType::Map(_, true) => layout.keys_sorted = Some(true),
        DataType::Union(fields, mode) => {
            layout.union_mode = Some(match mode {
                UnionMode::Sparse => generated::UnionMode::Sparse,
                UnionMode::Dense => generated::UnionMode::Dense,
            });
            layout.type_ids = Some(fields.iter().map(|(id, _)| i32::from(id)).collect());
        }
        _ => {}
    }
    (layout != FieldLayout::default()).then_some(layout)
}
