//! What the functions of a session are: their signatures, documentation and examples, as far as DataFusion tells.

use std::collections::HashSet;
use std::sync::Arc;

use arrow::datatypes::{DataType, Field, FieldRef};
use datafusion::common::types::NativeType;
use datafusion::execution::SessionState;
use datafusion::logical_expr::function::WindowUDFFieldArgs;
use datafusion::logical_expr::{
    AggregateUDF, Documentation, ReturnFieldArgs, ScalarUDF, Signature, TypeSignature, Volatility, WindowUDF,
};

use super::function::{Example, Function};
use crate::error::{Error, Result};
use crate::generated::{
    ArgumentDocumentation, FunctionArgument, FunctionDefinition, FunctionDocumentation, FunctionExample, FunctionInfo,
    FunctionKind, FunctionSignature, FunctionVolatility,
};
use crate::type_name::type_name;

/// Types are listed up to here; a function that takes more combinations is told by one of each.
const SIGNATURES: usize = 32;

/// The built-in functions that SQL can call, by name.
pub fn describe(state: &SessionState) -> Result<Vec<FunctionInfo>> {
    let scalars = distinct(state.scalar_functions().values(), |function| function.name());
    let aggregates = distinct(state.aggregate_functions().values(), |function| function.name());
    let windows = distinct(state.window_functions().values(), |function| function.name());
    let mut functions = Vec::new();
    for function in scalars {
        functions.push(scalar(function)?);
    }
    functions.extend(aggregates.into_iter().map(aggregate));
    functions.extend(windows.into_iter().map(window));
    functions.extend(state.table_functions().keys().map(|name| table(name)));
    functions.sort_by(|one, other| (&one.name, one.kind).cmp(&(&other.name, other.kind)));
    Ok(functions)
}

/// What a macro of a definition is.
pub fn describe_macro(name: &str, definition: &FunctionDefinition) -> FunctionInfo {
    let arguments = definition.parameters.iter().map(|parameter| FunctionArgument {
        name: Some(parameter.name.clone()),
        r#type: None,
        default: parameter.default.clone(),
    });
    let arguments: Vec<_> = arguments.collect();
    let written = arguments
        .iter()
        .map(|argument| match (&argument.name, &argument.default) {
            (Some(name), Some(default)) => format!("{name} => {default}"),
            (name, _) => name.clone().unwrap_or_default(),
        });
    let syntax = format!("{name}({})", written.collect::<Vec<_>>().join(", "));
    let documentation = definition
        .description
        .as_ref()
        .map(|description| FunctionDocumentation {
            description: description.clone(),
            syntax,
            alternative_syntax: Vec::new(),
            arguments: Vec::new(),
            example: None,
            related: Vec::new(),
        });
    FunctionInfo {
        signatures: vec![FunctionSignature {
            arguments,
            variadic: false,
            return_type: None,
        }],
        documentation,
        examples: definition.examples.clone(),
        definition: Some(definition.clone()),
        ..info(name, FunctionKind::Macro)
    }
}

fn info(name: &str, kind: FunctionKind) -> FunctionInfo {
    FunctionInfo {
        name: name.to_owned(),
        aliases: Vec::new(),
        kind,
        volatility: None,
        signatures: Vec::new(),
        documentation: None,
        examples: Vec::new(),
        definition: None,
    }
}

/// Functions are registered under each of their names.
fn distinct<'a, T>(functions: impl Iterator<Item = &'a Arc<T>>, name: fn(&T) -> &str) -> Vec<&'a Arc<T>> {
    let mut names = HashSet::new();
    functions
        .filter(|function| names.insert(name(function).to_owned()))
        .collect()
}

fn scalar(function: &Arc<ScalarUDF>) -> Result<FunctionInfo> {
    let returns = |types: &[DataType]| {
        let arg_fields = fields(types);
        let scalar_arguments = vec![None; types.len()];
        let field = function.return_field_from_args(ReturnFieldArgs {
            arg_fields: &arg_fields,
            scalar_arguments: &scalar_arguments,
        });
        field.ok().map(|field| type_name(field.data_type()))
    };
    let own = function.inner().downcast_ref::<Function>();
    let examples = own.map_or(&[][..], |own| own.examples).iter().map(example);
    Ok(FunctionInfo {
        aliases: aliases(function.name(), function.aliases()),
        volatility: Some(volatility(function.signature())),
        signatures: signatures(function.signature(), function.documentation(), returns),
        documentation: function.documentation().map(documentation),
        examples: examples.collect::<Result<_>>()?,
        ..info(function.name(), FunctionKind::Scalar)
    })
}

fn aggregate(function: &Arc<AggregateUDF>) -> FunctionInfo {
    let returns = |types: &[DataType]| {
        let field = function.return_field(&fields(types));
        field.ok().map(|field| type_name(field.data_type()))
    };
    FunctionInfo {
        aliases: aliases(function.name(), function.aliases()),
        volatility: Some(volatility(function.signature())),
        signatures: signatures(function.signature(), function.documentation(), returns),
        documentation: function.documentation().map(documentation),
        ..info(function.name(), FunctionKind::Aggregate)
    }
}

fn window(function: &Arc<WindowUDF>) -> FunctionInfo {
    let returns = |types: &[DataType]| {
        let field = function.field(WindowUDFFieldArgs::new(&fields(types), function.name()));
        field.ok().map(|field| type_name(field.data_type()))
    };
    FunctionInfo {
        aliases: aliases(function.name(), function.aliases()),
        volatility: Some(volatility(function.signature())),
        signatures: signatures(function.signature(), function.documentation(), returns),
        documentation: function.documentation().map(documentation),
        ..info(function.name(), FunctionKind::Window)
    }
}

fn table(name: &str) -> FunctionInfo {
    let argument = |name: &str| FunctionArgument {
        name: Some(name.to_owned()),
        r#type: None,
        default: None,
    };
    let given = [vec!["stop"], vec!["start", "stop"], vec!["start", "stop", "step"]];
    let signatures = given.map(|names| FunctionSignature {
        arguments: names.into_iter().map(argument).collect(),
        variadic: false,
        return_type: None,
    });
    FunctionInfo {
        volatility: Some(FunctionVolatility::Immutable),
        signatures: signatures.into(),
        ..info(name, FunctionKind::Table)
    }
}

fn aliases(name: &str, aliases: &[String]) -> Vec<String> {
    aliases.iter().filter(|alias| *alias != name).cloned().collect()
}

fn fields(types: &[DataType]) -> Vec<FieldRef> {
    let named = types.iter().enumerate();
    named
        .map(|(place, data_type)| Arc::new(Field::new(format!("arg_{place}"), data_type.clone(), true)))
        .collect()
}

fn volatility(signature: &Signature) -> FunctionVolatility {
    match signature.volatility {
        Volatility::Immutable => FunctionVolatility::Immutable,
        Volatility::Stable => FunctionVolatility::Stable,
        Volatility::Volatile => FunctionVolatility::Volatile,
    }
}

fn signatures(
    signature: &Signature,
    documentation: Option<&Documentation>,
    returns: impl Fn(&[DataType]) -> Option<String>,
) -> Vec<FunctionSignature> {
    let documented = documentation.and_then(|documentation| documentation.arguments.as_ref());
    let documented = documented.map(|arguments| arguments.iter().map(|(name, _)| name.clone()).collect());
    let names: Vec<String> = signature.parameter_names.clone().or(documented).unwrap_or_default();
    let variadic = is_variadic(&signature.type_signature);
    let examples = signature.type_signature.get_example_types();
    if examples.is_empty() {
        return untyped(&signature.type_signature, &names, variadic)
            .into_iter()
            .collect();
    }
    let mut seen = HashSet::new();
    let alike = |types: &Vec<DataType>| {
        types
            .iter()
            .map(|one| NativeType::from(one.clone()))
            .collect::<Vec<_>>()
    };
    let distinct = examples.into_iter().filter(|types| seen.insert(alike(types)));
    let told = distinct.take(SIGNATURES).map(|types| FunctionSignature {
        return_type: returns(&types),
        arguments: typed(&types, &names),
        variadic,
    });
    told.collect()
}

fn typed(types: &[DataType], names: &[String]) -> Vec<FunctionArgument> {
    let arguments = types.iter().enumerate().map(|(place, data_type)| FunctionArgument {
        name: names.get(place).cloned(),
        r#type: Some(type_name(data_type)),
        default: None,
    });
    arguments.collect()
}

/// The signature of a function that says nothing of its types.
fn untyped(signature: &TypeSignature, names: &[String], variadic: bool) -> Option<FunctionSignature> {
    let count = match signature {
        TypeSignature::Nullary => 0,
        TypeSignature::Any(count) | TypeSignature::Comparable(count) => *count,
        _ if names.is_empty() => return None,
        _ => names.len(),
    };
    let arguments = (0..count).map(|place| FunctionArgument {
        name: names.get(place).cloned(),
        r#type: None,
        default: None,
    });
    Some(FunctionSignature {
        arguments: arguments.collect(),
        variadic,
        return_type: None,
    })
}

fn is_variadic(signature: &TypeSignature) -> bool {
    match signature {
        TypeSignature::Variadic(_) | TypeSignature::VariadicAny => true,
        TypeSignature::OneOf(signatures) => signatures.iter().any(is_variadic),
        _ => false,
    }
}

fn documentation(documentation: &Documentation) -> FunctionDocumentation {
    let arguments = documentation.arguments.iter().flatten();
    FunctionDocumentation {
        description: documentation.description.clone(),
        syntax: documentation.syntax_example.clone(),
        alternative_syntax: documentation.alternative_syntax.clone().unwrap_or_default(),
        arguments: arguments
            .map(|(name, description)| ArgumentDocumentation {
                name: name.clone(),
                description: description.clone(),
            })
            .collect(),
        example: documentation.sql_example.clone(),
        related: documentation.related_udfs.clone().unwrap_or_default(),
    }
}

fn example(example: &Example) -> Result<FunctionExample> {
    let rows = serde_json::from_str(example.rows);
    Ok(FunctionExample {
        sql: example.sql.to_owned(),
        rows: Some(rows.map_err(|error| Error::internal(format!("{}: {error}", example.sql)))?),
    })
}
