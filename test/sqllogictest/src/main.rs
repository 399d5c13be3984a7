//! `lakegate-sqllogictest URL FOLDER FILE...` asks the server at URL what the files of FOLDER ask, and prints what came of it as JSON.

mod cells;
mod database;
mod fault;
mod judge;
mod names;
mod reason;
mod relations;
mod server;
mod settings;
mod shared;
mod statement;
mod table;
mod tally;

use std::error::Error;
use std::path::Path;

use sqllogictest::{Record, Runner, parse_file, strict_column_validator};

use crate::cells::Kind;
use crate::judge::{Asked, judge};
use crate::reason::Reason;
use crate::server::Server;
use crate::shared::Shared;
use crate::tally::{Tally, Verdict};

/// Files are written for this engine.
const LABEL: &str = "Datafusion";
const SPARK: &str = "spark/";

fn main() -> Result<(), Box<dyn Error>> {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    let [url, folder, files @ ..] = arguments.as_slice() else {
        return Err("the URL of a server, a folder and its files are needed".into());
    };
    let database = Shared::new(Server::new(url));
    let mut tally = Tally::default();
    for file in files {
        tally.file();
        let records = parse_file::<Kind>(Path::new(folder).join(file))?;
        match file.starts_with(SPARK) {
            true => set_aside(records, &mut tally),
            false => run(records, &database, &mut tally),
        }
        database.with(|database| database.clear());
    }
    println!("{}", serde_json::to_string(&tally)?);
    Ok(())
}

fn set_aside(records: Vec<Record<Kind>>, tally: &mut Tally) {
    let asked = records.iter().filter_map(Asked::of);
    asked.for_each(|_| tally.add(Verdict::Inapplicable(Reason::Spark)));
}

fn run(records: Vec<Record<Kind>>, database: &Shared, tally: &mut Tally) {
    let mut runner = Runner::new(|| async { Ok(database.clone()) });
    runner.add_label(LABEL);
    runner.with_column_validator(strict_column_validator);
    runner.with_normalizer(|line| line.trim_end().to_owned());
    runner.with_validator(is_expected);
    for record in records {
        match &record {
            Record::Halt { .. } => break,
            Record::System { .. } => tally.add(Verdict::Inapplicable(Reason::Shell)),
            _ => match Asked::of(&record) {
                None => drop(runner.run(record)),
                Some(asked) if asked.shall_fail && !database.with(|database| database.asks(&asked.sql)) => {
                    tally.add(Verdict::Inapplicable(Reason::RefusedWrite));
                }
                Some(asked) => {
                    let ran = runner.run(record).map(drop);
                    tally.add(database.with(|database| judge(asked, database.take_outcome(), ran, database)));
                }
            },
        }
    }
}

/// Part of an expected line that may be anything.
const ANYTHING: &str = "<slt:ignore>";

fn is_expected(normalizer: fn(&String) -> String, actual: &[Vec<String>], expected: &[String]) -> bool {
    let expected: Vec<String> = expected.iter().map(normalizer).collect();
    let actual: Vec<String> = actual.iter().map(|row| row.join(" ").trim_end().to_owned()).collect();
    if !expected.iter().any(|line| line.contains(ANYTHING)) {
        return actual == expected;
    }
    let (expected, actual) = (expected.join("\n"), actual.join("\n"));
    let mut rest = actual.as_str();
    expected
        .split(ANYTHING)
        .enumerate()
        .all(|(index, part)| match rest.find(part) {
            Some(place) if index > 0 || place == 0 => {
                rest = &rest[place + part.len()..];
                true
            }
            _ => false,
        })
}
