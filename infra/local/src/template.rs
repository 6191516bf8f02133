//! Reads `template.yaml` and makes it what CloudFormation takes as JSON.
//!
//! YAML's short forms (`!Ref`, `!Sub`, `!GetAtt` and the rest) become their long ones. Nothing else changes but the functions'
//! `CodeUri`, which names the uploaded bootstrap.

use std::collections::BTreeMap;

use serde_json::{Map, Value, json};
use serde_norway::value::TaggedValue;

use crate::Failure;

/// The project's template, in CloudFormation's JSON.
#[derive(Debug, Clone)]
pub struct Template {
    document: Value,
}

impl Template {
    /// Reads the template's YAML.
    ///
    /// # Errors
    /// Where the text is no YAML, or uses a short form wrongly.
    pub fn parse(yaml: &str) -> Result<Self, Failure> {
        let document = serde_norway::from_str(yaml)
            .map_err(|error| error.to_string())
            .and_then(to_json)
            .map_err(|reason| unreadable(&reason))?;
        Ok(Self { document })
    }

    /// All of it.
    pub fn document(&self) -> &Value {
        &self.document
    }

    /// The binaries of all functions, each once, in alphabetical order.
    pub(crate) fn binaries(&self) -> Result<Vec<String>, Failure> {
        let mut binaries = Vec::new();
        for (logical_id, function) in self.functions() {
            let binary = binary_of(function)
                .ok_or_else(|| unreadable(&format!("{logical_id} has no Metadata.BuildProperties.Binary")))?;
            binaries.push(binary.to_owned());
        }
        binaries.sort();
        binaries.dedup();
        Ok(binaries)
    }

    /// The same template with the code of each function at the URI of its binary.
    pub(crate) fn with_code_at(mut self, uris: &BTreeMap<String, String>) -> Self {
        let resources = self.document.get_mut("Resources").and_then(Value::as_object_mut);
        for resource in resources.into_iter().flat_map(Map::values_mut) {
            let Some(uri) = binary_of(resource).and_then(|binary| uris.get(binary)) else { continue };
            if let Some(properties) = resource.get_mut("Properties").and_then(Value::as_object_mut) {
                properties.insert("CodeUri".to_owned(), json!(uri));
            }
        }
        self
    }

    pub(crate) fn to_json(&self) -> String {
        self.document.to_string()
    }

    pub(crate) fn resource_count(&self) -> usize {
        self.resources().count()
    }

    fn functions(&self) -> impl Iterator<Item = (&String, &Value)> {
        self.resources().filter(|(_, resource)| {
            resource.get("Type").and_then(Value::as_str) == Some("AWS::Serverless::Function")
        })
    }

    fn resources(&self) -> impl Iterator<Item = (&String, &Value)> {
        self.document.get("Resources").and_then(Value::as_object).into_iter().flatten()
    }
}

fn binary_of(resource: &Value) -> Option<&str> {
    resource.pointer("/Metadata/BuildProperties/Binary").and_then(Value::as_str)
}

fn unreadable(reason: &str) -> Failure {
    Failure::new(format!("template.yaml cannot be read: {reason}."), "Mend it and start again.")
}

fn to_json(yaml: serde_norway::Value) -> Result<Value, String> {
    use serde_norway::Value as Yaml;

    Ok(match yaml {
        Yaml::Sequence(items) => Value::Array(items.into_iter().map(to_json).collect::<Result<_, _>>()?),
        Yaml::Mapping(entries) => Value::Object(
            entries
                .into_iter()
                .map(|(name, value)| Ok((to_name(name)?, to_json(value)?)))
                .collect::<Result<_, String>>()?,
        ),
        Yaml::Tagged(tagged) => to_long_form(*tagged)?,
        scalar => serde_json::to_value(scalar).map_err(|error| error.to_string())?,
    })
}

/// JSON's names are strings; YAML's may be numbers, as in the `200:` of an OpenAPI document.
fn to_name(name: serde_norway::Value) -> Result<String, String> {
    match to_json(name)? {
        Value::String(name) => Ok(name),
        name @ (Value::Number(_) | Value::Bool(_)) => Ok(name.to_string()),
        name => Err(format!("{name} is not a name")),
    }
}

fn to_long_form(tagged: TaggedValue) -> Result<Value, String> {
    let tag = tagged.tag.to_string();
    let function = tag.trim_start_matches('!');
    let argument = to_json(tagged.value)?;

    Ok(match (function, &argument) {
        ("Ref" | "Condition", _) => json!({ function: argument }),
        ("GetAtt", Value::String(path)) => match path.split_once('.') {
            Some((resource, attribute)) => json!({ "Fn::GetAtt": [resource, attribute] }),
            None => return Err(format!("!GetAtt {path} names no attribute")),
        },
        _ => json!({ format!("Fn::{function}"): argument }),
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn json_of(yaml: &str) -> Value {
        Template::parse(yaml).unwrap().document
    }

    #[test]
    fn short_forms_become_long_ones() {
        let document = json_of(
            "
            a: !Ref Table
            b: !GetAtt Table.Arn
            c: !GetAtt [Nested, Outputs.Url]
            d: !Sub '${AWS::StackName}-x'
            e: !Sub ['${x}', { x: !Ref Table }]
            f: !If [IsProd, !Ref A, !Ref 'AWS::NoValue']
            g: !Condition IsProd
            h: !Join ['', [a, !Select [0, !GetAZs '']]]
            i: { Fn::Sub: x }
            ",
        );

        assert_eq!(
            document,
            json!({
                "a": { "Ref": "Table" },
                "b": { "Fn::GetAtt": ["Table", "Arn"] },
                "c": { "Fn::GetAtt": ["Nested", "Outputs.Url"] },
                "d": { "Fn::Sub": "${AWS::StackName}-x" },
                "e": { "Fn::Sub": ["${x}", { "x": { "Ref": "Table" } }] },
                "f": { "Fn::If": ["IsProd", { "Ref": "A" }, { "Ref": "AWS::NoValue" }] },
                "g": { "Condition": "IsProd" },
                "h": { "Fn::Join": ["", ["a", { "Fn::Select": [0, { "Fn::GetAZs": "" }] }]] },
                "i": { "Fn::Sub": "x" },
            })
        );
    }

    #[test]
    fn scalars_stay_what_they_are() {
        let document = json_of("{ Version: 2012-10-17, 200: ok, size: 5, on: true, none: null, text: '5' }");

        assert_eq!(
            document,
            json!({ "Version": "2012-10-17", "200": "ok", "size": 5, "on": true, "none": null, "text": "5" })
        );
    }

    #[test]
    fn code_goes_to_the_functions_alone() {
        let template = Template::parse(
            "
            Resources:
              Shows:
                Type: AWS::Serverless::Function
                Metadata: { BuildMethod: rust-cargolambda, BuildProperties: { Binary: shows } }
                Properties: { CodeUri: . }
              Table: { Type: AWS::DynamoDB::Table, Properties: {} }
            ",
        )
        .unwrap();

        assert_eq!(template.binaries().unwrap(), ["shows"]);
        let uris = BTreeMap::from([("shows".to_owned(), "s3://bucket/key".to_owned())]);
        let deployed = template.with_code_at(&uris).document;
        assert_eq!(deployed["Resources"]["Shows"]["Properties"]["CodeUri"], "s3://bucket/key");
        assert_eq!(deployed["Resources"]["Table"]["Properties"], json!({}));
    }

    #[test]
    fn a_function_without_a_binary_is_named() {
        let template = Template::parse("Resources: { Shows: { Type: AWS::Serverless::Function } }").unwrap();

        let failure = template.binaries().unwrap_err();

        assert_eq!(
            failure.to_string(),
            "template.yaml cannot be read: Shows has no Metadata.BuildProperties.Binary. Mend it and start again."
        );
    }
}
