//! The views that are registered, by name.

use std::collections::BTreeMap;
use std::sync::{Arc, RwLock};

use super::view::View;
use crate::generated::ViewSpec;

#[derive(Default)]
pub struct Views(RwLock<BTreeMap<String, Arc<View>>>);

impl Views {
    pub fn attach(&self, name: &str, spec: ViewSpec) {
        let view = Arc::new(View::new(name, spec));
        self.0.write().expect("no writer panics").insert(name.to_owned(), view);
    }

    /// Whether there was one.
    pub fn detach(&self, name: &str) -> bool {
        self.0.write().expect("no writer panics").remove(name).is_some()
    }

    pub fn get(&self, name: &str) -> Option<Arc<View>> {
        self.0.read().expect("no writer panics").get(name).cloned()
    }

    /// Whether `view` still is what its name stands for.
    pub fn serves(&self, view: &Arc<View>) -> bool {
        self.get(&view.name).is_some_and(|known| Arc::ptr_eq(&known, view))
    }

    pub fn names(&self) -> Vec<String> {
        self.0.read().expect("no writer panics").keys().cloned().collect()
    }
}
