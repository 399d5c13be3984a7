//! Texts brought to one form, so that those that read alike are equal.

use std::sync::Arc;

use arrow::array::{ArrayRef, AsArray, StringArray};
use arrow::datatypes::DataType;
use caseless::default_case_fold_str;
use datafusion::common::{Result, exec_err};
use datafusion::logical_expr::{DocSection, Documentation};
use unicode_normalization::UnicodeNormalization;

use super::function::{Example, Function, as_declared};

const SECTION: DocSection = DocSection {
    include: true,
    label: "Text normalisation",
    description: None,
};

pub fn functions() -> Vec<Function> {
    vec![
        of_text(
            "casefold",
            |text| default_case_fold_str(text),
            "Folds the case of a text as Unicode does for comparing: 'Straße' and 'STRASSE' become the same.",
            &[Example {
                sql: "SELECT casefold('Straße') AS folded",
                rows: r#"[{"folded": "strasse"}]"#,
            }],
        ),
        of_text(
            "collapse_whitespace",
            collapsed,
            "Makes each run of white space one space and removes it at both ends.",
            &[Example {
                sql: "SELECT collapse_whitespace('  a \t b') AS text",
                rows: r#"[{"text": "a b"}]"#,
            }],
        ),
        of_text(
            "normalize_text",
            |text| {
                let composed: String = text.nfkc().collect();
                let folded: String = default_case_fold_str(&composed).nfkc().collect();
                collapsed(&folded)
            },
            "Brings a text to the form in which texts that read alike are equal: NFKC, folded case, single spaces.",
            &[Example {
                sql: "SELECT normalize_text('  Ｃafé  NOIR ') AS text",
                rows: r#"[{"text": "café noir"}]"#,
            }],
        ),
        Function::new(
            "unicode_normalize",
            as_declared,
            |_| Ok(DataType::Utf8),
            normalize,
            Documentation::builder(
                SECTION,
                "Brings a text to a Unicode normalisation form.",
                "unicode_normalize(text, form)",
            )
            .with_argument("text", "The text.")
            .with_argument("form", "'NFC', 'NFD', 'NFKC' or 'NFKD'.")
            .build(),
            &[Example {
                sql: "SELECT unicode_normalize('ﬁle', 'NFKC') AS text",
                rows: r#"[{"text": "file"}]"#,
            }],
        )
        .exact(vec![DataType::Utf8, DataType::Utf8]),
    ]
}

/// A function of one text.
fn of_text(
    name: &'static str,
    evaluate: fn(&str) -> String,
    description: &str,
    examples: &'static [Example],
) -> Function {
    let each = move |arguments: &[ArrayRef]| -> Result<ArrayRef> {
        let texts = arguments[0].as_string::<i32>().iter();
        Ok(Arc::new(texts.map(|text| text.map(evaluate)).collect::<StringArray>()))
    };
    let documentation = Documentation::builder(SECTION, description, format!("{name}(text)"))
        .with_argument("text", "The text.")
        .build();
    Function::new(name, as_declared, |_| Ok(DataType::Utf8), each, documentation, examples).exact(vec![DataType::Utf8])
}

fn collapsed(text: &str) -> String {
    text.split_whitespace().collect::<Vec<_>>().join(" ")
}

fn normalize(arguments: &[ArrayRef]) -> Result<ArrayRef> {
    let [texts, forms] = [&arguments[0], &arguments[1]].map(|array| array.as_string::<i32>());
    let normalized = texts.iter().zip(forms).map(|pair| match pair {
        (Some(text), Some(form)) => in_form(text, form).map(Some),
        _ => Ok(None),
    });
    Ok(Arc::new(normalized.collect::<Result<StringArray>>()?))
}

fn in_form(text: &str, form: &str) -> Result<String> {
    Ok(match form {
        "NFC" => text.nfc().collect(),
        "NFD" => text.nfd().collect(),
        "NFKC" => text.nfkc().collect(),
        "NFKD" => text.nfkd().collect(),
        _ => return exec_err!("There is no normalisation form '{form}': there are NFC, NFD, NFKC and NFKD"),
    })
}
