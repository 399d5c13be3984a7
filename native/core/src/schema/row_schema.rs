//! Columns as answers describe them.

use arrow::datatypes::Schema;

use crate::generated::{FieldDescription, RowSchema};
use crate::type_name::type_name;

pub fn row_schema(schema: &Schema) -> RowSchema {
    let fields = schema.fields().iter().map(|field| FieldDescription {
        name: field.name().clone(),
        r#type: type_name(field.data_type()),
        nullable: field.is_nullable(),
    });
    RowSchema {
        fields: fields.collect(),
    }
}
