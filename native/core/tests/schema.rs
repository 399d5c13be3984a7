//! What the engine keeps of itself: the metadata codec, and entries with their schemas.

use std::collections::BTreeMap;

use arrow::array::{AsArray, RecordBatch};
use arrow::datatypes::{DataType, Schema};
use lakegate_core::generated::ErrorCode;
use lakegate_core::schema::builders::{map_entry_type, string_list_schema, versioned_entries_schema};
use lakegate_core::schema::entries::{read_versioned_entries, versioned_entries};
use lakegate_core::schema::metadata::*;
use lakegate_core::schema::{Scalar, ScalarMap};

const TEXTS: [&str; 8] = ["", "a", "B", "true", "Zürich", "\u{1f600}", "\u{ffff}", "\0\"\\"];

fn scalars() -> ScalarMap {
    let floats = [
        0.0,
        -0.0,
        1.0,
        0.1,
        1e300,
        5e-324,
        f64::MAX,
        f64::INFINITY,
        f64::NEG_INFINITY,
    ];
    let integers = [0, -1, 127, 128, 1 << 32, (1 << 53) + 1, i64::MAX, i64::MIN];
    let values = [Scalar::Null, Scalar::Bool(true), Scalar::Bool(false)]
        .into_iter()
        .chain(integers.map(Scalar::Int))
        .chain(floats.map(Scalar::Float))
        .chain(TEXTS.map(|text| Scalar::Text(text.into())))
        .chain([vec![], vec![0, 255, 16], vec![b'a'; 300]].map(Scalar::Binary));
    let named = values
        .enumerate()
        .map(|(index, value)| (format!("{}{index}", TEXTS[index % TEXTS.len()]), value));
    named.collect()
}

fn assert_wrong<T: std::fmt::Debug>(codec: &str, outcome: lakegate_core::Result<T>) {
    let error = outcome.expect_err("it is of a wrong shape");
    assert_eq!(error.code, ErrorCode::InvalidRequest);
    assert!(error.message.starts_with(codec), "{error}");
}

#[test]
fn metadata_is_decoded_as_it_was() {
    let map: BTreeMap<String, String> = TEXTS
        .iter()
        .map(|text| (format!("{text}!"), text.to_string()))
        .collect();
    let list: Vec<String> = TEXTS.iter().rev().map(ToString::to_string).collect();
    let scalar_map = scalars();
    let payload = encode_metadata_map(&map).unwrap();
    assert_eq!(decode_metadata_map(Some(&payload)).unwrap(), map);
    let payload = encode_metadata_list(&list).unwrap();
    assert_eq!(decode_metadata_list(Some(&payload)).unwrap(), list);
    let payload = encode_metadata_scalar_map(&scalar_map).unwrap();
    let decoded = decode_metadata_scalar_map(Some(&payload)).unwrap();
    assert_eq!(format!("{decoded:?}"), format!("{scalar_map:?}"), "also -0.0");
}

#[test]
fn metadata_maps_are_in_the_order_of_their_keys() {
    let map = BTreeMap::from(["b", "\u{1f600}", "\u{ffff}", "a"].map(|key| (key.to_owned(), "x".to_owned())));
    let payload = encode_metadata_map(&map).unwrap();
    assert_eq!(
        payload,
        b"\x84\xa1a\xa1x\xa1b\xa1x\xa3\xef\xbf\xbf\xa1x\xa4\xf0\x9f\x98\x80\xa1x"
    );
}

#[test]
fn no_metadata_is_an_empty_value() {
    for payload in [None, Some(b"".as_slice())] {
        assert!(decode_metadata_map(payload).unwrap().is_empty());
        assert!(decode_metadata_list(payload).unwrap().is_empty());
        assert!(decode_metadata_scalar_map(payload).unwrap().is_empty());
    }
}

#[test]
fn a_wrong_shape_names_its_codec() {
    let [nothing, number, list, map] = [b"\xc0".as_slice(), b"\x01", b"\x91\xa1a", b"\x81\xa1a\xa1b"];
    let [cut, more, binary] = [b"\x81\xa1a".as_slice(), b"\x80\x80", b"\x81\xa1a\xc4\x01b"];
    for payload in [
        nothing,
        number,
        list,
        cut,
        more,
        binary,
        b"\x81\x01\xa1b",
        b"\x81\xa1a\x01",
        b"\x81\xc4\x01a\xa1b",
    ] {
        assert_wrong("metadata_map: ", decode_metadata_map(Some(payload)));
    }
    for payload in [
        nothing,
        number,
        map,
        b"\x92\xa1a",
        b"\x90\xc0",
        b"\x91\x01",
        b"\x91\xc0",
        b"\x91\xc4\x01a",
    ] {
        assert_wrong("metadata_list: ", decode_metadata_list(Some(payload)));
    }
    let too_long = b"\x81\xa1a\xcf\xff\xff\xff\xff\xff\xff\xff\xff";
    for payload in [
        nothing,
        number,
        list,
        cut,
        more,
        b"\x81\xa1a\x90",
        b"\x81\x01\xc0",
        too_long,
    ] {
        assert_wrong("metadata_scalar_map: ", decode_metadata_scalar_map(Some(payload)));
    }
}

#[test]
fn schemas_are_as_they_are_written() {
    let names = |schema: &Schema| -> Vec<String> {
        let fields = schema.fields().iter();
        let shown = fields.map(|field| format!("{} {} {}", field.name(), field.data_type(), field.is_nullable()));
        shown.collect()
    };
    let entry = r#"Struct("key": non-null Utf8, "value_kind": non-null Utf8, "value": Utf8)"#;
    assert_eq!(map_entry_type(true).to_string(), entry);
    assert_eq!(
        map_entry_type(false).to_string(),
        r#"Struct("key": non-null Utf8, "value": Utf8)"#
    );
    let versioned = versioned_entries_schema(map_entry_type(true));
    assert_eq!(
        names(&versioned),
        ["version Int32 false", &format!("entries List({entry}) true")]
    );
    assert_eq!(names(&string_list_schema()), ["values List(Utf8) true"]);
}

#[test]
fn entries_are_sorted_texts_with_their_kinds() {
    let map = ScalarMap::from([
        ("z".to_owned(), Scalar::Float(1.0)),
        ("b".to_owned(), Scalar::Binary(vec![10, 255])),
        ("c".to_owned(), Scalar::Null),
        ("a".to_owned(), Scalar::Int(i64::MIN)),
        ("B".to_owned(), Scalar::Bool(true)),
        ("d".to_owned(), Scalar::Text("null".into())),
    ]);
    let batch = versioned_entries(&[(7, map)]).unwrap();
    let entries = batch.column(1).as_list::<i32>().value(0);
    let texts = |name: &str| -> Vec<Option<String>> {
        let column = entries.as_struct().column_by_name(name).expect("a column").clone();
        column
            .as_string::<i32>()
            .iter()
            .map(|text| text.map(str::to_owned))
            .collect()
    };
    let some = |texts: [&str; 6]| texts.map(|text| Some(text.to_owned())).to_vec();
    assert_eq!(texts("key"), some(["B", "a", "b", "c", "d", "z"]));
    assert_eq!(
        texts("value_kind"),
        some(["bool", "int64", "binary", "null", "string", "float64"])
    );
    let mut values = some(["true", "-9223372036854775808", "0aff", "", "null", "1.0"]);
    values[3] = None;
    assert_eq!(texts("value"), values);
}

#[test]
fn entries_are_read_as_the_values_that_they_were() {
    let versions = vec![(1, scalars()), (2, ScalarMap::new()), (i32::MIN, scalars())];
    let batch = versioned_entries(&versions).unwrap();
    assert_eq!(batch.num_rows(), 3);
    let read = read_versioned_entries(&batch).unwrap();
    assert_eq!(format!("{read:?}"), format!("{versions:?}"), "also -0.0");
}

#[test]
fn entries_of_another_schema_are_refused() {
    let batch = RecordBatch::new_empty(string_list_schema().into());
    assert_wrong("entries: ", read_versioned_entries(&batch));
    let other = DataType::Struct(vec![arrow::datatypes::Field::new("key", DataType::Utf8, false)].into());
    assert_wrong(
        "entries: ",
        read_versioned_entries(&RecordBatch::new_empty(versioned_entries_schema(other).into())),
    );
}

#[test]
fn a_kind_that_its_text_does_not_have_is_none() {
    for (kind, text) in [
        ("bool", "1"),
        ("int64", "1.0"),
        ("int64", ""),
        ("float64", "x"),
        ("binary", "0"),
        ("date", "a"),
        ("null", ""),
    ] {
        assert_eq!(Scalar::parse(kind, Some(text)), None, "{kind} {text}");
    }
    assert_eq!(Scalar::parse("string", None), None);
    assert_eq!(Scalar::parse("null", None), Some(Scalar::Null));
}
