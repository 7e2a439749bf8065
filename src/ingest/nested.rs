//! Parquet's structs, lists and maps: fields become dotted names, lists and maps become JSON text,
//! whose keys can be read like those of any other cell.

use polars::prelude::{Column, DataType, IntoColumn as _, Series, StringChunked};
use serde_json::{Map, Value};

/// The columns of a schema with the fields of structs as columns of their own.
pub(super) fn flat(schema: &[(String, DataType)]) -> Vec<(String, DataType)> {
    let flatten = |(name, dtype): &(String, DataType)| match dtype {
        DataType::Struct(fields) => {
            let named = |field: &polars::prelude::Field| {
                (format!("{name}.{}", field.name()), field.dtype().clone())
            };
            flat(&fields.iter().map(named).collect::<Vec<_>>())
        }
        DataType::List(_) => vec![(name.clone(), DataType::String)],
        _ => vec![(name.clone(), dtype.clone())],
    };
    schema.iter().flat_map(flatten).collect()
}

/// The column of a file that a flat name belongs to.
pub(super) fn root<'a>(name: &'a str, in_file: &[(String, DataType)]) -> Option<&'a str> {
    let is_there = |name: &str| in_file.iter().any(|(own, _)| own == name);
    if is_there(name) {
        return Some(name);
    }
    let mut ends = name.match_indices('.').map(|(i, _)| &name[..i]);
    ends.find(|start| is_there(start))
}

/// The column of a flat name within its root, lists as text.
pub(super) fn pick(root: &Column, name: &str) -> Option<Column> {
    let path = name.strip_prefix(root.name().as_str())?;
    let series = match path.strip_prefix('.') {
        None => root.as_materialized_series().clone(),
        Some(path) => field(root.as_materialized_series(), path)?,
    };
    Some(without_lists(&series).into_column())
}

fn field(series: &Series, path: &str) -> Option<Series> {
    let fields = series.struct_().ok()?;
    if let Ok(found) = fields.field_by_name(path) {
        return Some(found);
    }
    let mut dots = path.match_indices('.').map(|(i, _)| i);
    dots.find_map(|i| field(&fields.field_by_name(&path[..i]).ok()?, &path[i + 1..]))
}

fn without_lists(series: &Series) -> Series {
    let Ok(lists) = series.list() else {
        return series.clone();
    };
    let texts = (0..lists.len()).map(|i| {
        let items = lists.get_as_series(i)?;
        Some(json_of_list(&items).to_string())
    });
    let texts: StringChunked = texts.collect();
    texts
        .with_name(series.name().clone())
        .into_column()
        .take_materialized_series()
}

/// A list of key and value is a map.
fn json_of_list(items: &Series) -> Value {
    let values: Vec<Value> = (0..items.len()).map(|i| json_at(items, i)).collect();
    let pair = |value: &Value| {
        let pair = value.as_object().filter(|pair| pair.len() == 2)?;
        Some((
            pair.get("key")?.as_str()?.to_owned(),
            pair.get("value")?.clone(),
        ))
    };
    let pairs: Option<Map<String, Value>> = values.iter().map(pair).collect();
    match pairs {
        Some(map) if !values.is_empty() => Value::Object(map),
        _ => Value::Array(values),
    }
}

fn json_at(series: &Series, i: usize) -> Value {
    if let Ok(fields) = series.struct_() {
        let entry = |field: Series| (field.name().to_string(), json_at(&field, i));
        return Value::Object(fields.fields_as_series().into_iter().map(entry).collect());
    }
    if let Ok(lists) = series.list() {
        let items = lists.get_as_series(i);
        return items.map_or(Value::Null, |items| json_of_list(&items));
    }
    let number = series
        .dtype()
        .is_numeric()
        .then(|| series.cast(&DataType::Float64));
    if let Some(Ok(numbers)) = number {
        let number = numbers.f64().ok().and_then(|n| n.get(i));
        return number.map_or(Value::Null, whole_or_float);
    }
    let text = series.cast(&DataType::String).ok();
    let text = text.as_ref().and_then(|t| t.str().ok()?.get(i));
    match (text, series.dtype()) {
        (None, _) => Value::Null,
        (Some(text), DataType::Boolean) => Value::Bool(text == "true"),
        (Some(text), _) => Value::from(text),
    }
}

/// 14 rather than 14.0, so that counts stay counts.
fn whole_or_float(value: f64) -> Value {
    if value.fract() == 0.0 && value.abs() < 9e15 {
        Value::from(value as i64)
    } else {
        Value::from(value)
    }
}
