//! A scalar function of Lakegate's own: what it takes and gives, what it does, and how it is explained.

use std::fmt;
use std::hash::{Hash, Hasher};

use arrow::array::ArrayRef;
use arrow::datatypes::DataType;
use datafusion::common::{Result, ScalarValue, internal_err};
use datafusion::logical_expr::{
    ColumnarValue, Documentation, ScalarFunctionArgs, ScalarUDF, ScalarUDFImpl, Signature, Volatility,
};

/// A call and the rows that it gives, as JSON; a test runs each.
#[derive(Debug, Clone, Copy)]
pub struct Example {
    pub sql: &'static str,
    pub rows: &'static str,
}

/// The result depends on the arguments alone.
pub struct Function {
    name: &'static str,
    signature: Signature,
    coerce: Coerce,
    returns: Returns,
    evaluate: Evaluate,
    documentation: Documentation,
    pub examples: &'static [Example],
}

type Coerce = fn(&[DataType]) -> Result<Vec<DataType>>;
type Returns = Box<dyn Fn(&[DataType]) -> Result<DataType> + Send + Sync>;
/// All arguments have the same length, which the result has too.
type Evaluate = Box<dyn Fn(&[ArrayRef]) -> Result<ArrayRef> + Send + Sync>;

impl Function {
    pub fn new(
        name: &'static str,
        coerce: Coerce,
        returns: impl Fn(&[DataType]) -> Result<DataType> + Send + Sync + 'static,
        evaluate: impl Fn(&[ArrayRef]) -> Result<ArrayRef> + Send + Sync + 'static,
        documentation: Documentation,
        examples: &'static [Example],
    ) -> Self {
        Self {
            name,
            signature: Signature::user_defined(Volatility::Immutable),
            coerce,
            returns: Box::new(returns),
            evaluate: Box::new(evaluate),
            documentation: Documentation {
                sql_example: examples.first().map(|example| example.sql.to_owned()),
                ..documentation
            },
            examples,
        }
    }

    /// A function whose arguments have these very types.
    pub fn exact(mut self, types: Vec<DataType>) -> Self {
        self.signature = Signature::exact(types, Volatility::Immutable);
        self
    }

    pub fn udf(self) -> ScalarUDF {
        ScalarUDF::from(self)
    }
}

/// For functions of exact types, which never ask.
pub fn as_declared(types: &[DataType]) -> Result<Vec<DataType>> {
    internal_err!("{types:?} are coerced by the signature")
}

impl fmt::Debug for Function {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.name)
    }
}

impl PartialEq for Function {
    fn eq(&self, other: &Self) -> bool {
        self.name == other.name
    }
}

impl Eq for Function {}

impl Hash for Function {
    fn hash<H: Hasher>(&self, state: &mut H) {
        self.name.hash(state);
    }
}

impl ScalarUDFImpl for Function {
    fn name(&self) -> &str {
        self.name
    }

    fn signature(&self) -> &Signature {
        &self.signature
    }

    fn return_type(&self, types: &[DataType]) -> Result<DataType> {
        (self.returns)(types)
    }

    fn coerce_types(&self, types: &[DataType]) -> Result<Vec<DataType>> {
        (self.coerce)(types)
    }

    fn invoke_with_args(&self, args: ScalarFunctionArgs) -> Result<ColumnarValue> {
        let constant = args.args.iter().all(|arg| matches!(arg, ColumnarValue::Scalar(_)));
        let rows = if constant { 1 } else { args.number_rows };
        let arrays = args.args.iter().map(|arg| arg.to_array(rows));
        let result = (self.evaluate)(&arrays.collect::<Result<Vec<_>>>()?)?;
        Ok(match constant {
            true => ColumnarValue::Scalar(ScalarValue::try_from_array(&result, 0)?),
            false => ColumnarValue::Array(result),
        })
    }

    fn documentation(&self) -> Option<&Documentation> {
        Some(&self.documentation)
    }
}
