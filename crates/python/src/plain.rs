//! Converts Python values to JSON, however deeply nested.
//!
//! A value of Python may contain itself, be nested without end, or repeat one part so often that written out it fills all
//! memory. Such a value is refused with a `TypeError` that says where; it must not end the process that asked.

use std::fmt::Write as _;

use pyo3::exceptions::PyTypeError;
use pyo3::prelude::*;
use pyo3::types::{
    PyBool, PyByteArray, PyBytes, PyDict, PyFloat, PyFrozenSet, PyInt, PyList, PyMapping, PySequence, PySet,
    PyString, PyTuple, PyType,
};
use serde_json::{Map, Value};

/// As deep as JSON texts may be nested where they are read, so that Python can hold what HTTP can carry, and no more.
const MAX_DEPTH: usize = 127;
/// More values than this are refused: one that is shared many times counts each time.
const MAX_VALUES: usize = 1_000_000;
/// A path in a message is cut after so many steps.
const MAX_STEPS: usize = 8;

/// What `object` is as JSON; `what` it should be is told where it cannot be that.
///
/// # Errors
/// `TypeError` with the place of what JSON cannot hold. What the caller's own classes raise is passed on.
pub(crate) fn plain(object: &Bound<'_, PyAny>, what: &str) -> PyResult<Value> {
    let mut walk = Walk { path: Vec::new(), n_values: 0 };
    walk.value(object).map_err(|refused| match refused {
        Refused::Raised(error) => error,
        Refused::Because(why) => {
            PyTypeError::new_err(format!("{what} is what JSON can hold, but {} {why}", walk.place()))
        }
    })
}

/// As [`plain`], of a mapping.
///
/// # Errors
/// As [`plain`], and where it is no mapping.
pub(crate) fn mapping(object: &Bound<'_, PyAny>, what: &str) -> PyResult<Map<String, Value>> {
    match plain(object, what)? {
        Value::Object(fields) => Ok(fields),
        _ => Err(PyTypeError::new_err(format!(
            "{what} is a mapping that JSON can hold, but this is {}",
            kind(object)
        ))),
    }
}

/// Why a value is none of JSON.
enum Refused {
    /// Python raised.
    Raised(PyErr),
    /// For this reason.
    Because(String),
}

impl From<PyErr> for Refused {
    fn from(error: PyErr) -> Self {
        Self::Raised(error)
    }
}

/// A way into a value: the objects passed, and how each was reached.
struct Walk {
    path: Vec<(usize, Step)>,
    n_values: usize,
}

enum Step {
    Root,
    Field(String),
    Item(usize),
}

impl Walk {
    fn value(&mut self, object: &Bound<'_, PyAny>) -> Result<Value, Refused> {
        self.n_values += 1;
        if self.n_values > MAX_VALUES {
            return Err(Refused::Because(format!("is the value after the first {MAX_VALUES}")));
        }
        if object.is_none() {
            return Ok(Value::Null);
        }
        if object.is_instance_of::<PyBool>() {
            return Ok(Value::Bool(object.is_truthy()?));
        }
        if let Ok(text) = object.cast::<PyString>() {
            return text.to_cow().map(|text| Value::from(&*text)).map_err(|_| not_unicode());
        }
        if object.is_instance_of::<PyInt>() {
            return integer(object);
        }
        if object.is_instance_of::<PyFloat>() {
            // What is no number is no value: a test of it is unknown, like one of a missing field.
            return Ok(Value::from(object.extract::<f64>()?));
        }
        self.nested(object)
    }

    fn nested(&mut self, object: &Bound<'_, PyAny>) -> Result<Value, Refused> {
        let identity = object.as_ptr() as usize;
        if self.path.iter().any(|(passed, _)| *passed == identity) {
            return Err(Refused::Because("contains itself".to_owned()));
        }
        if self.path.len() >= MAX_DEPTH {
            return Err(Refused::Because(format!("is nested more than {MAX_DEPTH} deep")));
        }
        self.path.push((identity, Step::Root));
        let value = match shape(object) {
            Some(Shape::Dict) => {
                self.fields(object.cast::<PyDict>().map_err(PyErr::from)?.items().as_any())?
            }
            Some(Shape::Mapping) => self.fields(&object.call_method0("items")?)?,
            Some(Shape::Items) => self.items(object)?,
            Some(Shape::Dataclass) => self.attributes(object)?,
            None => {
                self.path.pop();
                return Err(Refused::Because(format!("is {}", kind(object))));
            }
        };
        self.path.pop();
        Ok(value)
    }

    /// Notes how the next value was reached from the innermost object.
    fn step(&mut self, step: Step) {
        if let Some((_, last)) = self.path.last_mut() {
            *last = step;
        }
    }

    /// `pairs` are names and values.
    fn fields(&mut self, pairs: &Bound<'_, PyAny>) -> Result<Value, Refused> {
        let mut fields = Map::new();
        for pair in pairs.try_iter()? {
            let (name, value): (Bound<'_, PyAny>, Bound<'_, PyAny>) = pair?.extract()?;
            self.step(Step::Root);
            let Ok(text) = name.cast::<PyString>() else {
                return Err(Refused::Because(format!("has a key that is {}", kind(&name))));
            };
            let name = text.to_cow().map_err(|_| not_unicode())?.into_owned();
            self.step(Step::Field(name.clone()));
            fields.insert(name, self.value(&value)?);
        }
        Ok(Value::Object(fields))
    }

    /// The fields of a dataclass.
    fn attributes(&mut self, object: &Bound<'_, PyAny>) -> Result<Value, Refused> {
        let mut fields = Map::new();
        for name in object.getattr(DATACLASS)?.try_iter()? {
            let name: String = name?.extract()?;
            self.step(Step::Field(name.clone()));
            let value = object.getattr(name.as_str())?;
            fields.insert(name, self.value(&value)?);
        }
        Ok(Value::Object(fields))
    }

    fn items(&mut self, object: &Bound<'_, PyAny>) -> Result<Value, Refused> {
        let mut items = Vec::new();
        for (at, item) in object.try_iter()?.enumerate() {
            self.step(Step::Item(at));
            items.push(self.value(&item?)?);
        }
        Ok(Value::Array(items))
    }

    /// `user.tags[3]`, or what stands for the whole.
    fn place(&self) -> String {
        let mut place = String::new();
        for (_, step) in self.path.iter().take(MAX_STEPS) {
            match step {
                Step::Root => {}
                Step::Field(name) => {
                    let dot = if place.is_empty() { "" } else { "." };
                    place.push_str(dot);
                    place.extend(name.chars().take(100).filter(|c| !c.is_control()));
                }
                Step::Item(at) => {
                    // Writing to a text does not fail.
                    let _ = write!(place, "[{at}]");
                }
            }
        }
        if self.path.len() > MAX_STEPS {
            place.push_str(" ...");
        }
        if place.is_empty() { "this".to_owned() } else { place }
    }
}

/// A whole number beyond what 64 bits hold is as near as a float comes, as where it is read from a text.
fn integer(object: &Bound<'_, PyAny>) -> Result<Value, Refused> {
    if let Ok(number) = object.extract::<i64>() {
        return Ok(Value::from(number));
    }
    if let Ok(number) = object.extract::<u64>() {
        return Ok(Value::from(number));
    }
    let float = object.call_method0("__float__").and_then(|float| float.extract::<f64>());
    float.map(Value::from).map_err(|_| Refused::Because("is a number that no float can hold".to_owned()))
}

/// How a value holds others.
enum Shape {
    Dict,
    Mapping,
    Items,
    Dataclass,
}

const DATACLASS: &str = "__dataclass_fields__";

fn shape(object: &Bound<'_, PyAny>) -> Option<Shape> {
    let is_bytes = object.is_instance_of::<PyBytes>() || object.is_instance_of::<PyByteArray>();
    let is_list = object.is_instance_of::<PyList>() || object.is_instance_of::<PyTuple>();
    let is_set = object.is_instance_of::<PySet>() || object.is_instance_of::<PyFrozenSet>();
    if object.is_instance_of::<PyDict>() {
        Some(Shape::Dict)
    } else if is_list || is_set {
        Some(Shape::Items)
    } else if is_bytes || object.is_instance_of::<PyType>() {
        None
    } else if object.cast::<PyMapping>().is_ok() {
        Some(Shape::Mapping)
    } else if object.cast::<PySequence>().is_ok() {
        Some(Shape::Items)
    } else {
        object.hasattr(DATACLASS).is_ok_and(|has| has).then_some(Shape::Dataclass)
    }
}

fn not_unicode() -> Refused {
    Refused::Because("holds a text that is not Unicode".to_owned())
}

/// The name of its type, as people know it.
fn kind(object: &Bound<'_, PyAny>) -> String {
    let name = object.get_type().qualname();
    name.map_or_else(|_| "of an unknown type".to_owned(), |name| format!("of the type {name}"))
}
