//! Rust comes to the verdicts of the golden vectors, and writes their bytes.

mod reading;

use std::path::Path;
use std::{env, fs};

use lakegate_contract::{TITLES, visit_type};
use reading::{Reading, bytes, hex};
use serde_json::Value;

#[test]
fn golden_vectors() {
    let folder = Path::new(&env::var("CARGO_MANIFEST_DIR").expect("cargo runs this")).join("../../schemas/vectors");
    let mut types = 0;
    let mut vectors = 0;
    let mut faults = Vec::new();
    for entry in fs::read_dir(folder).expect("the folder of the vectors") {
        let text = fs::read_to_string(entry.expect("a file").path()).expect("a text");
        let file: Value = serde_json::from_str(&text).expect("JSON");
        let title = file["type"].as_str().expect("a title");
        if !TITLES.contains(&title) {
            continue;
        }
        types += 1;
        for vector in file["vectors"].as_array().expect("a list") {
            vectors += 1;
            if let Err(fault) = check(title, vector) {
                faults.push(format!("{title}, {}: {fault}", vector["name"]));
            }
        }
    }
    println!("{vectors} vectors of {types} types");
    assert_eq!(types, TITLES.len(), "a type has no vectors");
    assert!(faults.is_empty(), "{} faults:\n{}", faults.len(), faults.join("\n"));
}

fn check(title: &str, vector: &Value) -> Result<(), String> {
    let json = vector["json"].to_string();
    let msgpack = vector["msgpack"].as_str().map(bytes);
    let reading = Reading {
        json: &json,
        msgpack: msgpack.as_deref(),
    };
    let outcome = visit_type(title, reading).expect("a known type");
    match (outcome, vector["complete"].as_str()) {
        (Ok(complete), Some(wanted)) if hex(&complete) == wanted => Ok(()),
        (Ok(complete), Some(wanted)) => Err(format!("writes {}, not {wanted}", hex(&complete))),
        (Ok(_), None) => Err(format!("takes {json}, which breaks {}", vector["keyword"])),
        (Err(reason), Some(_)) => Err(format!("refuses {json}: {reason}")),
        (Err(_), None) => Ok(()),
    }
}
