//! Values in JSON texts, by the names and behaviour of datafusion-functions-json, except that what stays JSON is text
//! in every format and not a union. The crate itself needs other features of Arrow's number parsers.

use std::sync::Arc;

use arrow::array::{
    Array, ArrayRef, AsArray, BooleanArray, Float64Array, Int64Array, ListBuilder, StringArray, StringBuilder,
};
use arrow::datatypes::{DataType, Field, Float64Type, Int64Type};
use datafusion::common::{Result, exec_datafusion_err, plan_err};
use datafusion::logical_expr::{DocSection, Documentation};
use serde_json::Value;

use super::function::{Example, Function};
use super::json_text::{Elements, Members, Step, find, read};

const SECTION: DocSection = DocSection {
    include: true,
    label: "JSON",
    description: None,
};

pub fn functions() -> Vec<Function> {
    vec![
        at_path(
            "json_get",
            DataType::Utf8,
            |values| texts(values, |value| Some(value.to_owned())),
            "The JSON text of a value inside a JSON text; `json -> key` is the same.",
            &[Example {
                sql: r#"SELECT json_get('{"a": [1, {"b": "x"}]}', 'a', 1) AS inner_json, '{"a": {"b": 2}}' -> 'a' -> 'b' AS two"#,
                rows: r#"[{"inner_json": "{\"b\": \"x\"}", "two": "2"}]"#,
            }],
        ),
        at_path(
            "json_as_text",
            DataType::Utf8,
            |values| texts(values, as_text),
            "A value inside a JSON text as text, a string without its quotes; NULL for null. `json ->> key` is the same.",
            &[Example {
                sql: r#"SELECT json_as_text('{"a": "x"}', 'a') AS x, '{"a": {"b": 1.50}}' -> 'a' ->> 'b' AS number"#,
                rows: r#"[{"x": "x", "number": "1.50"}]"#,
            }],
        ),
        at_path(
            "json_get_str",
            DataType::Utf8,
            |values| texts(values, read::<String>),
            "A string inside a JSON text; NULL where the value is no string.",
            &[Example {
                sql: r#"SELECT json_get_str('{"a": "x", "b": 1}', 'a') AS a, json_get_str('{"a": "x", "b": 1}', 'b') AS b"#,
                rows: r#"[{"a": "x", "b": null}]"#,
            }],
        ),
        at_path(
            "json_get_int",
            DataType::Int64,
            |values| {
                Arc::new(
                    values
                        .map(|value| as_text(value?)?.parse().ok())
                        .collect::<Int64Array>(),
                )
            },
            "An integer inside a JSON text, or in a string there; NULL where the value is none or beyond 64 bits.",
            &[Example {
                sql: r#"SELECT json_get_int('[10, "20", true]', 0) AS a, json_get_int('[10, "20", true]', -2) AS b"#,
                rows: r#"[{"a": 10, "b": 20}]"#,
            }],
        ),
        at_path(
            "json_get_float",
            DataType::Float64,
            |values| Arc::new(values.map(|value| read(&as_text(value?)?)).collect::<Float64Array>()),
            "A number inside a JSON text, or in a string there; NULL where the value is none.",
            &[Example {
                sql: r#"SELECT json_get_float('{"a": 1.5}', 'a') AS a"#,
                rows: r#"[{"a": 1.5}]"#,
            }],
        ),
        at_path(
            "json_get_bool",
            DataType::Boolean,
            |values| Arc::new(values.map(|value| read(&as_text(value?)?)).collect::<BooleanArray>()),
            "A boolean inside a JSON text, or in a string there; NULL where the value is none.",
            &[Example {
                sql: r#"SELECT json_get_bool('{"a": true}', 'a') AS a"#,
                rows: r#"[{"a": true}]"#,
            }],
        ),
        at_path(
            "json_get_array",
            DataType::List(Arc::new(Field::new_list_field(DataType::Utf8, true))),
            |values| lists(values, |value| Some(Elements::of(value)?.map(str::to_owned).collect())),
            "The elements of an array inside a JSON text, each as JSON text; NULL where the value is no array.",
            &[Example {
                sql: r#"SELECT json_get_array('{"a": [1, "x"]}', 'a') AS items"#,
                rows: r#"[{"items": ["1", "\"x\""]}]"#,
            }],
        ),
        at_path(
            "json_object_keys",
            DataType::List(Arc::new(Field::new_list_field(DataType::Utf8, true))),
            |values| {
                lists(values, |value| {
                    Some(Members::of(value)?.map(|(name, _)| name).collect())
                })
            },
            "The names of the members of an object inside a JSON text, in their order; NULL where the value is no object.",
            &[Example {
                sql: r#"SELECT json_object_keys('{"b": 1, "a": 2}') AS names"#,
                rows: r#"[{"names": ["b", "a"]}]"#,
            }],
        ),
        at_path(
            "json_length",
            DataType::Int64,
            |values| Arc::new(values.map(|value| length(value?)).collect::<Int64Array>()),
            "How many elements an array inside a JSON text has, or members an object; NULL where the value is neither.",
            &[Example {
                sql: r#"SELECT json_length('{"a": [1, 2, 3]}', 'a') AS items, json_length('{"a": 1}') AS members"#,
                rows: r#"[{"items": 3, "members": 1}]"#,
            }],
        ),
        contains(),
        from_scalar(),
    ]
}

fn contains() -> Function {
    let documentation = documented("json_contains", "Whether a JSON text has a value at a path, null too.");
    Function::new(
        "json_contains",
        json_and_path,
        |_| Ok(DataType::Boolean),
        |arguments| {
            let found = (0..arguments[0].len()).map(|row| Some(place(arguments, row)?.is_some()));
            Ok(Arc::new(found.collect::<BooleanArray>()))
        },
        documentation,
        &[Example {
            sql: r#"SELECT json_contains('{"a": null}', 'a') AS a, json_contains('{"a": null}', 'b') AS b"#,
            rows: r#"[{"a": true, "b": false}]"#,
        }],
    )
}

fn from_scalar() -> Function {
    let documentation = Documentation::builder(SECTION, "The JSON text of a value.", "json_from_scalar(value)")
        .with_argument("value", "A number, a boolean or a text; other types go by their text.")
        .build();
    Function::new(
        "json_from_scalar",
        scalar,
        |_| Ok(DataType::Utf8),
        |arguments| {
            let values = &arguments[0];
            let rows = (0..values.len()).map(|row| values.is_valid(row).then(|| json(values, row)).transpose());
            Ok(Arc::new(rows.collect::<Result<StringArray>>()?))
        },
        documentation,
        &[Example {
            sql: r#"SELECT json_from_scalar('say "hi"') AS text, json_from_scalar(1.5) AS number"#,
            rows: r#"[{"text": "\"say \\\"hi\\\"\"", "number": "1.5"}]"#,
        }],
    )
}

/// What is found at the path of each row.
type Values<'a, 'b> = &'a mut dyn Iterator<Item = Option<&'b str>>;

/// A function of the value at a path.
fn at_path(
    name: &'static str,
    returns: DataType,
    make: for<'a, 'b> fn(Values<'a, 'b>) -> ArrayRef,
    description: &str,
    examples: &'static [Example],
) -> Function {
    let each = move |arguments: &[ArrayRef]| {
        let mut values = (0..arguments[0].len()).map(|row| place(arguments, row).flatten());
        Ok(make(&mut values))
    };
    let given = move |_: &[DataType]| Ok(returns.clone());
    Function::new(
        name,
        json_and_path,
        given,
        each,
        documented(name, description),
        examples,
    )
}

fn documented(name: &str, description: &str) -> Documentation {
    Documentation::builder(SECTION, description, format!("{name}(json[, key, ...])"))
        .with_argument(
            "json",
            "A JSON text; one that is not valid up to the value has no value there.",
        )
        .with_argument(
            "key",
            "A step to the value: the name of a member, or the place of an element, from 0 on or from the end with -1.",
        )
        .build()
}

fn json_and_path(types: &[DataType]) -> Result<Vec<DataType>> {
    let [_, keys @ ..] = types else {
        return plan_err!("A JSON function takes a JSON text, and the keys that lead to a value in it");
    };
    let keys = keys.iter().map(|key| match key {
        integer if integer.is_integer() => Ok(DataType::Int64),
        nested if nested.is_nested() => plan_err!("A key is a text or an integer, not {nested}"),
        _ => Ok(DataType::Utf8),
    });
    std::iter::once(Ok(DataType::Utf8)).chain(keys).collect()
}

/// The value at the row's path, if there is one; none where the text or a key is NULL.
fn place(arguments: &[ArrayRef], row: usize) -> Option<Option<&str>> {
    let steps = arguments[1..].iter().map(|keys| step(keys, row));
    let steps = steps.collect::<Option<Vec<_>>>()?;
    let json = arguments[0].as_string::<i32>();
    json.is_valid(row).then(|| find(json.value(row), &steps))
}

fn step(keys: &ArrayRef, row: usize) -> Option<Step<'_>> {
    keys.is_valid(row).then(|| match keys.data_type() {
        DataType::Int64 => Step::Index(keys.as_primitive::<Int64Type>().value(row)),
        _ => Step::Key(keys.as_string::<i32>().value(row)),
    })
}

fn texts(values: Values, text: fn(&str) -> Option<String>) -> ArrayRef {
    Arc::new(values.map(|value| text(value?)).collect::<StringArray>())
}

fn lists(values: Values, items: fn(&str) -> Option<Vec<String>>) -> ArrayRef {
    let mut lists = ListBuilder::new(StringBuilder::new());
    for value in values {
        let items = value.and_then(items);
        lists.append_option(items.map(|items| items.into_iter().map(Some)));
    }
    Arc::new(lists.finish())
}

fn as_text(value: &str) -> Option<String> {
    match value.as_bytes().first()? {
        b'"' => read(value),
        b'n' => None,
        _ => Some(value.to_owned()),
    }
}

fn length(value: &str) -> Option<i64> {
    let members = Members::of(value).map(Iterator::count);
    let length = members.or_else(|| Elements::of(value).map(Iterator::count));
    length.map(|length| length as i64)
}

fn scalar(types: &[DataType]) -> Result<Vec<DataType>> {
    match types {
        [DataType::Boolean] => Ok(types.to_vec()),
        [integer] if integer.is_integer() => Ok(vec![DataType::Int64]),
        [number] if number.is_floating() => Ok(vec![DataType::Float64]),
        [nested] if nested.is_nested() => plan_err!("json_from_scalar takes no {nested}"),
        [_] => Ok(vec![DataType::Utf8]),
        _ => plan_err!("json_from_scalar takes one value"),
    }
}

fn json(values: &ArrayRef, row: usize) -> Result<String> {
    let value = match values.data_type() {
        DataType::Boolean => Value::from(values.as_boolean().value(row)),
        DataType::Int64 => Value::from(values.as_primitive::<Int64Type>().value(row)),
        DataType::Float64 => Value::from(values.as_primitive::<Float64Type>().value(row)),
        _ => Value::from(values.as_string::<i32>().value(row)),
    };
    serde_json::to_string(&value).map_err(|error| exec_datafusion_err!("{error}"))
}
