//! Values inside a JSON text, found without reading all of it.

use serde::de::{DeserializeOwned, IgnoredAny};
use serde_json::Deserializer;

/// One step down: the name of a member, or the place of an element, from the end where it is negative.
pub enum Step<'a> {
    Key(&'a str),
    Index(i64),
}

/// The text of the value that `steps` lead to; none where it isn't there or the text on the way is no JSON.
pub fn find<'a>(text: &'a str, steps: &[Step]) -> Option<&'a str> {
    let value = first_value(text)?;
    match steps {
        [] => Some(value),
        [Step::Key(key), rest @ ..] => {
            let member = Members::of(value)?.find(|(name, _)| name == key);
            find(member?.1, rest)
        }
        [Step::Index(index), rest @ ..] if *index >= 0 => find(Elements::of(value)?.nth(*index as usize)?, rest),
        [Step::Index(index), rest @ ..] => {
            let from_end = Elements::of(value)?.count().checked_sub(index.unsigned_abs() as usize);
            find(Elements::of(value)?.nth(from_end?)?, rest)
        }
    }
}

pub fn read<T: DeserializeOwned>(text: &str) -> Option<T> {
    serde_json::from_str(text).ok()
}

/// The value that the text begins with, without white space around it.
fn first_value(text: &str) -> Option<&str> {
    let text = text.trim_start();
    let mut values = Deserializer::from_str(text).into_iter::<IgnoredAny>();
    values.next()?.ok()?;
    text.get(..values.byte_offset())
}

/// The names and values of an object.
pub struct Members<'a>(&'a str);

impl<'a> Members<'a> {
    pub fn of(value: &'a str) -> Option<Self> {
        value.strip_prefix('{').map(Self)
    }
}

impl<'a> Iterator for Members<'a> {
    type Item = (String, &'a str);

    fn next(&mut self) -> Option<Self::Item> {
        let name = next_item(&mut self.0)?;
        self.0 = self.0.trim_start().strip_prefix(':')?;
        let value = first_value(self.0)?;
        self.0 = &self.0.trim_start()[value.len()..];
        Some((read(name)?, value))
    }
}

/// The values of an array.
pub struct Elements<'a>(&'a str);

impl<'a> Elements<'a> {
    pub fn of(value: &'a str) -> Option<Self> {
        value.strip_prefix('[').map(Self)
    }
}

impl<'a> Iterator for Elements<'a> {
    type Item = &'a str;

    fn next(&mut self) -> Option<&'a str> {
        next_item(&mut self.0)
    }
}

/// Takes the next value after the comma that may come first.
fn next_item<'a>(rest: &mut &'a str) -> Option<&'a str> {
    let text = rest.trim_start();
    let text = text.strip_prefix(',').unwrap_or(text).trim_start();
    let value = first_value(text)?;
    *rest = &text[value.len()..];
    Some(value)
}
