//! A `sum` of integers and decimals that fails on overflow: DataFusion's wraps around and answers a wrong number.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use arrow::array::{Array, ArrayRef, ArrowNativeTypeOp, ArrowNumericType, AsArray, BooleanArray};
use arrow::compute::sum_checked;
use arrow::datatypes::{DataType, Decimal128Type, FieldRef, Int64Type, UInt64Type};
use arrow::error::ArrowError;
use datafusion::common::{Result, ScalarValue};
use datafusion::logical_expr::function::{AccumulatorArgs, StateFieldsArgs};
use datafusion::logical_expr::utils::AggregateOrderSensitivity;
use datafusion::logical_expr::{
    Accumulator, AggregateUDF, AggregateUDFImpl, Documentation, EmitTo, GroupsAccumulator, ReversedUDAF,
    SetMonotonicity, Signature,
};
use datafusion_functions_aggregate_common::aggregate::groups_accumulator::prim_op::PrimitiveGroupsAccumulator;

/// DataFusion's `sum`, with other accumulators where its own can wrap around.
#[derive(Debug, PartialEq, Eq, Hash)]
pub struct CheckedSum(Arc<AggregateUDF>);

impl CheckedSum {
    pub fn new(sum: Arc<AggregateUDF>) -> Self {
        Self(sum)
    }
}

/// `$for_type` of the type that is summed, else `$otherwise`.
macro_rules! by_type {
    ($arguments:ident, $for_type:ident, $otherwise:expr) => {
        match $arguments.return_field.data_type() {
            _ if $arguments.is_distinct => $otherwise,
            DataType::Int64 => Ok($for_type::<Int64Type>($arguments.return_field.data_type())),
            DataType::UInt64 => Ok($for_type::<UInt64Type>($arguments.return_field.data_type())),
            DataType::Decimal128(..) => Ok($for_type::<Decimal128Type>($arguments.return_field.data_type())),
            _ => $otherwise,
        }
    };
}

impl AggregateUDFImpl for CheckedSum {
    fn name(&self) -> &str {
        self.0.name()
    }

    fn signature(&self) -> &Signature {
        self.0.signature()
    }

    fn return_type(&self, types: &[DataType]) -> Result<DataType> {
        self.0.return_type(types)
    }

    fn state_fields(&self, arguments: StateFieldsArgs) -> Result<Vec<FieldRef>> {
        self.0.state_fields(arguments)
    }

    fn accumulator(&self, arguments: AccumulatorArgs) -> Result<Box<dyn Accumulator>> {
        by_type!(arguments, total, self.0.accumulator(arguments))
    }

    fn groups_accumulator_supported(&self, arguments: AccumulatorArgs) -> bool {
        self.0.groups_accumulator_supported(arguments)
    }

    fn create_groups_accumulator(&self, arguments: AccumulatorArgs) -> Result<Box<dyn GroupsAccumulator>> {
        by_type!(arguments, groups, self.0.create_groups_accumulator(arguments))
    }

    fn create_sliding_accumulator(&self, arguments: AccumulatorArgs) -> Result<Box<dyn Accumulator>> {
        by_type!(arguments, total, self.0.create_sliding_accumulator(arguments))
    }

    fn reverse_expr(&self) -> ReversedUDAF {
        self.0.reverse_udf()
    }

    fn order_sensitivity(&self) -> AggregateOrderSensitivity {
        self.0.order_sensitivity()
    }

    fn documentation(&self) -> Option<&Documentation> {
        self.0.documentation()
    }

    fn set_monotonicity(&self, data_type: &DataType) -> SetMonotonicity {
        self.0.inner().set_monotonicity(data_type)
    }
}

/// The sum of all rows, or of those in a window.
#[derive(Debug)]
struct Total<T: ArrowNumericType> {
    sum: T::Native,
    /// How many values it is made of.
    count: u64,
    data_type: DataType,
}

fn total<T: ArrowNumericType + std::fmt::Debug>(data_type: &DataType) -> Box<dyn Accumulator> {
    Box::new(Total::<T> {
        sum: T::default_value(),
        count: 0,
        data_type: data_type.clone(),
    })
}

impl<T: ArrowNumericType + std::fmt::Debug> Accumulator for Total<T> {
    fn update_batch(&mut self, values: &[ArrayRef]) -> Result<()> {
        let values = values[0].as_primitive::<T>();
        if let Some(sum) = sum_checked(values)? {
            self.sum = self.sum.add_checked(sum)?;
            self.count += (values.len() - values.null_count()) as u64;
        }
        Ok(())
    }

    fn merge_batch(&mut self, states: &[ArrayRef]) -> Result<()> {
        self.update_batch(states)
    }

    fn retract_batch(&mut self, values: &[ArrayRef]) -> Result<()> {
        let values = values[0].as_primitive::<T>();
        if let Some(sum) = sum_checked(values)? {
            self.sum = self.sum.sub_checked(sum)?;
            self.count -= (values.len() - values.null_count()) as u64;
        }
        Ok(())
    }

    fn supports_retract_batch(&self) -> bool {
        true
    }

    fn state(&mut self) -> Result<Vec<ScalarValue>> {
        Ok(vec![self.evaluate()?])
    }

    fn evaluate(&mut self) -> Result<ScalarValue> {
        ScalarValue::new_primitive::<T>((self.count > 0).then_some(self.sum), &self.data_type)
    }

    fn size(&self) -> usize {
        size_of_val(self)
    }
}

/// The sums of groups; a group whose sum overflows fails all.
struct Groups {
    sums: Box<dyn GroupsAccumulator>,
    overflowed: Arc<AtomicBool>,
}

fn groups<T: ArrowNumericType + Send>(data_type: &DataType) -> Box<dyn GroupsAccumulator> {
    let overflowed = Arc::new(AtomicBool::new(false));
    let flag = overflowed.clone();
    let add = move |sum: &mut T::Native, value: T::Native| match sum.add_checked(value) {
        Ok(added) => *sum = added,
        Err(_) => flag.store(true, Ordering::Relaxed),
    };
    let sums = Box::new(PrimitiveGroupsAccumulator::<T, _>::new(data_type, add));
    Box::new(Groups { sums, overflowed })
}

impl Groups {
    fn checked(&self) -> Result<()> {
        match self.overflowed.load(Ordering::Relaxed) {
            true => Err(ArrowError::ArithmeticOverflow("Overflow happened on: sum".to_owned()).into()),
            false => Ok(()),
        }
    }
}

impl GroupsAccumulator for Groups {
    fn update_batch(
        &mut self,
        values: &[ArrayRef],
        groups: &[usize],
        filter: Option<&BooleanArray>,
        count: usize,
    ) -> Result<()> {
        self.sums.update_batch(values, groups, filter, count)?;
        self.checked()
    }

    fn merge_batch(&mut self, states: &[ArrayRef], groups: &[usize], count: usize) -> Result<()> {
        self.sums.merge_batch(states, groups, count)?;
        self.checked()
    }

    fn evaluate(&mut self, groups: EmitTo) -> Result<ArrayRef> {
        self.sums.evaluate(groups)
    }

    fn state(&mut self, groups: EmitTo) -> Result<Vec<ArrayRef>> {
        self.sums.state(groups)
    }

    fn convert_to_state(&self, values: &[ArrayRef], filter: Option<&BooleanArray>) -> Result<Vec<ArrayRef>> {
        self.sums.convert_to_state(values, filter)
    }

    fn size(&self) -> usize {
        self.sums.size()
    }
}
