//! A second implementation of canonical MessagePack, on its own: it writes the bytes of every published vector.

use std::collections::BTreeMap;
use std::path::Path;
use std::{env, fs};

use serde_json::Value as Json;
use sha2::{Digest, Sha256};

const DEEPEST: usize = 128;

enum Value {
    Null,
    Bool(bool),
    Int(i128),
    Float(f64),
    Text(String),
    Bytes(Vec<u8>),
    List(Vec<Value>),
    /// Rust compares texts by their bytes in UTF-8.
    Map(BTreeMap<String, Value>),
}

#[test]
fn vectors() {
    let path = Path::new(&env::var("CARGO_MANIFEST_DIR").expect("cargo runs this"))
        .join("../../schemas/canonical/vectors.json");
    let file: Json = serde_json::from_str(&fs::read_to_string(path).expect("a text")).expect("JSON");
    let vectors = file["vectors"].as_array().expect("a list");
    let faults: Vec<String> = vectors.iter().filter_map(|vector| check(vector).err()).collect();
    println!("{} canonical vectors", vectors.len());
    assert!(vectors.len() > 100, "there are only {} vectors", vectors.len());
    assert!(faults.is_empty(), "{} faults:\n{}", faults.len(), faults.join("\n"));
}

fn check(vector: &Json) -> Result<(), String> {
    let name = &vector["name"];
    let written = value(&vector["value"]).and_then(|value| canonical(&value));
    let bytes = match (written, vector["refused"] == true) {
        (Err(_), true) => return Ok(()),
        (Ok(_), true) => return Err(format!("{name} is taken")),
        (Err(reason), false) => return Err(format!("{name} is refused: {reason}")),
        (Ok(bytes), false) => bytes,
    };
    if let Some(wanted) = vector["bytes"].as_str().filter(|wanted| *wanted != hex(&bytes)) {
        return Err(format!("{name} is {}, not {wanted}", hex(&bytes)));
    }
    match hex(&Sha256::digest(&bytes)) {
        digest if vector["sha256"] == digest.as_str() => Ok(()),
        digest => Err(format!("{name} has the SHA-256 {digest}, not {}", vector["sha256"])),
    }
}

/// The value that a notation stands for.
fn value(notation: &Json) -> Result<Value, String> {
    let (kind, content) = notation.as_object().and_then(|map| map.iter().next()).expect("one key");
    Ok(match kind.as_str() {
        "null" => Value::Null,
        "bool" => Value::Bool(content.as_bool().expect("a bool")),
        "int" => Value::Int(text(content).parse().expect("an integer")),
        "float" => Value::Float(text(content).parse().expect("a float")),
        "bytes" => Value::Bytes(bytes(text(content))),
        "list" => Value::List(items(content).iter().map(value).collect::<Result<_, _>>()?),
        "map" => Value::Map(items(content).iter().map(entry).collect::<Result<_, _>>()?),
        "text_of" => Value::Text(text(&content[0]).repeat(count(&content[1]))),
        "bytes_of" => Value::Bytes(bytes(text(&content[0])).repeat(count(&content[1]))),
        "list_of" => Value::List(
            (0..count(&content[1]))
                .map(|_| value(&content[0]))
                .collect::<Result<_, _>>()?,
        ),
        "map_of" => Value::Map(
            (0..count(content))
                .map(|n| (n.to_string(), Value::Int(n as i128)))
                .collect(),
        ),
        "nested" => (1..count(content)).fold(Value::List(vec![]), |inner, _| Value::List(vec![inner])),
        "undefined" => return Err("there is no such value".into()),
        _ => Value::Text(name(notation)?),
    })
}

fn entry(pair: &Json) -> Result<(String, Value), String> {
    Ok((name(&pair[0])?, value(&pair[1])?))
}

fn name(notation: &Json) -> Result<String, String> {
    if let Some(plain) = notation["text"].as_str() {
        return Ok(plain.into());
    }
    let units = bytes(text(&notation["utf16"]));
    let units: Vec<u16> = units
        .chunks(2)
        .map(|pair| u16::from_be_bytes([pair[0], pair[1]]))
        .collect();
    String::from_utf16(&units).map_err(|error| error.to_string())
}

fn canonical(value: &Value) -> Result<Vec<u8>, String> {
    let mut bytes = Vec::new();
    write(&mut bytes, value, 0)?;
    Ok(bytes)
}

fn write(out: &mut Vec<u8>, value: &Value, depth: usize) -> Result<(), String> {
    match value {
        Value::Null => out.push(0xc0),
        Value::Bool(value) => out.push(0xc2 | u8::from(*value)),
        Value::Int(value) => write_int(out, *value)?,
        Value::Float(value) if value.is_nan() => return Err("NaN".into()),
        Value::Float(value) => {
            out.push(0xcb);
            out.extend(value.to_be_bytes());
        }
        Value::Text(text) => write_text(out, text),
        Value::Bytes(bytes) => {
            write_length(
                out,
                bytes.len(),
                &[
                    (u8::MAX as usize, 0xc4, 1),
                    (u16::MAX as usize, 0xc5, 2),
                    (usize::MAX, 0xc6, 4),
                ],
            );
            out.extend(bytes);
        }
        Value::List(_) | Value::Map(_) if depth == DEEPEST => return Err("too deep".into()),
        Value::List(items) => {
            write_length(
                out,
                items.len(),
                &[(15, 0x90, 0), (u16::MAX as usize, 0xdc, 2), (usize::MAX, 0xdd, 4)],
            );
            items.iter().try_for_each(|item| write(out, item, depth + 1))?;
        }
        Value::Map(entries) => {
            write_length(
                out,
                entries.len(),
                &[(15, 0x80, 0), (u16::MAX as usize, 0xde, 2), (usize::MAX, 0xdf, 4)],
            );
            for (name, value) in entries {
                write_text(out, name);
                write(out, value, depth + 1)?;
            }
        }
    }
    Ok(())
}

fn write_int(out: &mut Vec<u8>, value: i128) -> Result<(), String> {
    let (head, width) = match value {
        0..=0x7f | -0x20..=-1 => (None, 1),
        0x80..=0xff => (Some(0xcc), 1),
        0x100..=0xffff => (Some(0xcd), 2),
        0x1_0000..=0xffff_ffff => (Some(0xce), 4),
        0x1_0000_0000..=0xffff_ffff_ffff_ffff => (Some(0xcf), 8),
        -0x80..=-0x21 => (Some(0xd0), 1),
        -0x8000..=-0x81 => (Some(0xd1), 2),
        -0x8000_0000..=-0x8001 => (Some(0xd2), 4),
        -0x8000_0000_0000_0000..=-0x8000_0001 => (Some(0xd3), 8),
        _ => return Err("more than 64 bits".into()),
    };
    out.extend(head);
    out.extend(&value.to_be_bytes()[16 - width..]);
    Ok(())
}

fn write_text(out: &mut Vec<u8>, text: &str) {
    let forms = [
        (31, 0xa0, 0),
        (u8::MAX as usize, 0xd9, 1),
        (u16::MAX as usize, 0xda, 2),
        (usize::MAX, 0xdb, 4),
    ];
    write_length(out, text.len(), &forms);
    out.extend(text.as_bytes());
}

/// By the first form whose largest length is enough: its head, and how many bytes follow; with none, the head holds the length.
fn write_length(out: &mut Vec<u8>, length: usize, forms: &[(usize, u8, usize)]) {
    let (_, head, width) = forms.iter().find(|(largest, ..)| length <= *largest).expect("a form");
    out.push(if *width == 0 { head | length as u8 } else { *head });
    out.extend(&length.to_be_bytes()[8 - width..]);
}

fn text(json: &Json) -> &str {
    json.as_str().expect("a text")
}

fn items(json: &Json) -> &[Json] {
    json.as_array().expect("a list")
}

fn count(json: &Json) -> usize {
    json.as_u64().expect("a number") as usize
}

fn bytes(hex: &str) -> Vec<u8> {
    let pairs = (0..hex.len()).step_by(2);
    pairs
        .map(|at| u8::from_str_radix(&hex[at..at + 2], 16).expect("hex"))
        .collect()
}

fn hex(bytes: &[u8]) -> String {
    bytes.iter().map(|byte| format!("{byte:02x}")).collect()
}
