//! Views: statements with names, and the rows that are kept of them.

mod kept_rows;
mod memory;
mod sealed;
#[allow(clippy::module_inception)]
mod view;
mod views;

pub use kept_rows::KeptRows;
pub use memory::ViewMemory;
pub use sealed::SealedView;
pub use view::View;
pub use views::Views;
