//! Functions that read times in given formats and name the session's zone: of columns DataFusion's forget to, and the batch is refused.

use std::sync::Arc;

use arrow::array::{Array, ArrayRef, make_array};
use arrow::datatypes::{DataType, FieldRef};
use datafusion::common::Result;
use datafusion::common::config::ConfigOptions;
use datafusion::logical_expr::{
    ColumnarValue, Documentation, ReturnFieldArgs, ScalarFunctionArgs, ScalarUDF, ScalarUDFImpl, Signature,
};

pub const FUNCTIONS: [&str; 5] = [
    "to_timestamp",
    "to_timestamp_seconds",
    "to_timestamp_millis",
    "to_timestamp_micros",
    "to_timestamp_nanos",
];

#[derive(Debug, PartialEq, Eq, Hash)]
pub struct Zoned {
    inner: Arc<ScalarUDF>,
}

impl Zoned {
    pub fn new(inner: Arc<ScalarUDF>) -> Self {
        Self { inner }
    }
}

/// The same instants: they were read in the zone, and only its name is missing.
fn with_zone(times: ArrayRef, wanted: &DataType) -> Result<ArrayRef> {
    match (times.data_type(), wanted) {
        (DataType::Timestamp(unit, None), DataType::Timestamp(wanted_unit, Some(_))) if unit == wanted_unit => {
            let zoned = times.to_data().into_builder().data_type(wanted.clone());
            Ok(make_array(zoned.build()?))
        }
        _ => Ok(times),
    }
}

impl ScalarUDFImpl for Zoned {
    fn name(&self) -> &str {
        self.inner.name()
    }

    fn aliases(&self) -> &[String] {
        self.inner.aliases()
    }

    fn signature(&self) -> &Signature {
        self.inner.signature()
    }

    fn return_type(&self, types: &[DataType]) -> Result<DataType> {
        self.inner.return_type(types)
    }

    fn return_field_from_args(&self, args: ReturnFieldArgs) -> Result<FieldRef> {
        self.inner.return_field_from_args(args)
    }

    fn with_updated_config(&self, config: &ConfigOptions) -> Option<ScalarUDF> {
        let inner = self.inner.inner().with_updated_config(config)?;
        Some(Self::new(Arc::new(inner)).into())
    }

    fn invoke_with_args(&self, args: ScalarFunctionArgs) -> Result<ColumnarValue> {
        let wanted = args.return_field.clone();
        match self.inner.invoke_with_args(args)? {
            ColumnarValue::Array(times) => Ok(ColumnarValue::Array(with_zone(times, wanted.data_type())?)),
            value => Ok(value),
        }
    }

    fn documentation(&self) -> Option<&Documentation> {
        self.inner.documentation()
    }
}
