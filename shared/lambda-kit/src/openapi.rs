//! What operations say of themselves, for the OpenAPI document.
//!
//! A test makes the document and holds the committed one against it. No function calls anything of this, so the linker leaves
//! it out of every bootstrap.

use std::collections::BTreeMap;

use domain::Quota;
use http::{Method, StatusCode};
use schemars::{JsonSchema, Schema, SchemaGenerator};
use tenant_context::{Denied, Permission, TenancyState, permission::Effect};

use crate::{Problem, reply, request};

mod document;

pub use document::{Capability, Document, NameTaken, Server};

/// What one route does: what its file's head says, and what the operation's `describe` adds.
pub struct Operation {
    method: Method,
    path: &'static str,
    id: &'static str,
    words: String,
    access: Access,
    parameters: Vec<Parameter>,
    /// The same thing in one media type or another; none where nothing is taken.
    body: Vec<Content>,
    answers: BTreeMap<u16, Answer>,
    problems: BTreeMap<u16, Vec<Problem>>,
}

/// Makes a schema.
pub type SchemaOf = fn(&mut SchemaGenerator) -> Schema;

enum Access {
    Everybody,
    SignedIn,
    Permitted(&'static str),
}

enum Parameter {
    /// One of many operations, by its name among the components.
    Shared(&'static str),
    Own {
        place: &'static str,
        name: &'static str,
        schema: SchemaOf,
    },
}

struct Content {
    media_type: &'static str,
    schema: SchemaOf,
}

struct Answer {
    description: &'static str,
    /// The same in one media type or another; none without a body.
    content: Vec<Content>,
    headers: Vec<Header>,
}

struct Header {
    /// Among the components.
    name: &'static str,
    is_always_there: bool,
}

impl Operation {
    /// An operation that is open to everybody and takes nothing. `source` is its file: the first paragraph of the `//!` comment,
    /// behind method and path, says what it is.
    pub fn new(method: Method, path: &'static str, id: &'static str, source: &str) -> Self {
        Self {
            method,
            path,
            id,
            words: words(source),
            access: Access::Everybody,
            parameters: Vec::new(),
            body: Vec::new(),
            answers: BTreeMap::new(),
            problems: BTreeMap::new(),
        }
    }

    /// Takes a context token, whatever it allows.
    #[must_use]
    pub fn signed_in(mut self) -> Self {
        self.access = Access::SignedIn;
        let operation = self.problem(Problem::unauthenticated()).problem(Problem::not_found());
        if operation.method == Method::GET {
            operation
        } else {
            operation.problem(Problem::changed_meanwhile())
        }
    }

    /// Takes a context token that allows `P`.
    #[must_use]
    pub fn needs<P: Permission>(self) -> Self {
        let operation = self.signed_in().problem(Denied::NotAllowed(P::ACTION).into());
        let operation = match P::ACTION.effect() {
            Effect::Administers | Effect::Destroys => {
                operation.problem(Denied::MfaRequired(P::ACTION).into())
            }
            Effect::Reads | Effect::Writes | Effect::Works => operation,
        };
        let leaving = [TenancyState::Closing, TenancyState::Sealed];
        let refused = leaving.into_iter().filter(|state| !state.lets(P::ACTION));
        let operation = refused
            .fold(operation, |operation, state| operation.problem(Denied::Leaving(P::ACTION, state).into()));
        Self { access: Access::Permitted(P::ACTION.as_str()), ..operation }
    }

    /// `{name}` in the path is a `T`.
    #[must_use]
    pub fn path_parameter<T: JsonSchema>(self, name: &'static str) -> Self {
        self.parameter(Parameter::Own { place: "path", name, schema: plain::<T> })
    }

    /// `?name=` may be a `T`.
    #[must_use]
    pub fn query_parameter<T: JsonSchema>(self, name: &'static str) -> Self {
        self.parameter(Parameter::Own { place: "query", name, schema: plain::<T> }).problem(bad_request())
    }

    /// Reads `T` with [`crate::Request::json`].
    #[must_use]
    pub fn takes<T: JsonSchema>(self) -> Self {
        self.takes_as::<T>("application/json")
            .problem(bad_request())
            .problem(Problem::unsupported_media_type())
            .problem(Problem::invalid(Vec::new()))
    }

    /// Reads `T` from a body of another type.
    #[must_use]
    pub fn takes_as<T: JsonSchema>(mut self, media_type: &'static str) -> Self {
        self.body.push(Content { media_type, schema: plain::<T> });
        self.problem(Problem::payload_too_large(request::LARGEST_BODY))
    }

    /// Asks [`crate::Api::reserve`] for the new thing's id.
    #[must_use]
    pub fn idempotent(self) -> Self {
        self.parameter(Parameter::Shared("IdempotencyKey"))
            .problem(bad_request())
            .problem(Problem::idempotency_key_reused())
    }

    /// Makes something that a tenancy may have so many of.
    #[must_use]
    pub fn counted(self, quota: Quota) -> Self {
        self.problem(Problem::quota_exceeded(quota, quota.default_limit()))
    }

    /// May take somebody's access.
    #[must_use]
    pub fn spares_the_last_owner(self) -> Self {
        self.problem(Problem::last_owner())
    }

    /// Destroys something that may be held.
    #[must_use]
    pub fn heeds_legal_holds(self) -> Self {
        self.problem(Problem::legal_hold())
    }

    /// Asks [`crate::Request::check_if_match`].
    #[must_use]
    pub fn conditional(self) -> Self {
        self.parameter(Parameter::Shared("IfMatch")).problem(Problem::precondition_failed())
    }

    /// Answers with [`crate::ok`].
    #[must_use]
    pub fn ok<T: JsonSchema>(self) -> Self {
        self.answers(StatusCode::OK, "As it is now.", Some(json(data::<T>)))
    }

    /// Answers with [`crate::ok_at_version`].
    #[must_use]
    pub fn ok_at_version<T: JsonSchema>(self) -> Self {
        self.ok::<T>().with_header("ETag")
    }

    /// Answers with [`crate::created`].
    #[must_use]
    pub fn created<T: JsonSchema>(self) -> Self {
        self.answers(StatusCode::CREATED, "Made.", Some(json(data::<T>))).with_header("Location")
    }

    /// Answers with [`crate::created`] and a version.
    #[must_use]
    pub fn created_at_version<T: JsonSchema>(self) -> Self {
        self.created::<T>().with_header("ETag")
    }

    /// Answers with [`crate::accepted`].
    #[must_use]
    pub fn accepted<T: JsonSchema>(self) -> Self {
        self.answers(StatusCode::ACCEPTED, "Started.", Some(json(data::<T>))).with_header("Location")
    }

    /// Reads [`crate::Request::page`], and answers with [`crate::Request::listed`].
    #[must_use]
    pub fn listed<T: JsonSchema>(self) -> Self {
        self.by_the_page(listing::<T>)
    }

    /// Reads [`crate::Request::page_of`], of which `limit` tells how much, and answers with [`crate::Request::paged`].
    #[must_use]
    pub fn paged<T: JsonSchema>(self, limit: SchemaOf) -> Self {
        self.parameter(Parameter::Own { place: "query", name: "limit", schema: limit })
            .parameter(Parameter::Shared("Cursor"))
            .problem(bad_request())
            .answers(StatusCode::OK, "As far as it is known.", Some(json(paged::<T>)))
    }

    /// Reads [`crate::Request::page`], and answers with [`crate::Request::paged`]: the page is in one thing with what is said of all.
    #[must_use]
    pub fn listed_within<T: JsonSchema>(self) -> Self {
        self.by_the_page(paged::<T>)
    }

    fn by_the_page(self, schema: SchemaOf) -> Self {
        self.parameter(Parameter::Shared("Limit"))
            .parameter(Parameter::Shared("Cursor"))
            .problem(bad_request())
            .answers(StatusCode::OK, "A page.", Some(json(schema)))
    }

    /// Answers everything at once with [`crate::Request::listed`].
    #[must_use]
    pub fn listed_whole<T: JsonSchema>(self) -> Self {
        self.answers(StatusCode::OK, "All of them.", Some(json(listing::<T>)))
    }

    /// The answers so far may be `T` in another media type, for those who ask for it.
    #[must_use]
    pub fn or_as<T: JsonSchema>(mut self, media_type: &'static str) -> Self {
        for answer in self.answers.values_mut() {
            answer.content.push(Content { media_type, schema: plain::<T> });
        }
        self
    }

    /// Answers with [`crate::no_content`].
    #[must_use]
    pub fn no_content(self) -> Self {
        self.answers(StatusCode::NO_CONTENT, "Done.", None)
    }

    /// Answers with [`crate::json`], or with a document that is not JSON: what it looks like is for a standard to say.
    #[must_use]
    pub fn document<T: JsonSchema>(
        self,
        status: StatusCode,
        media_type: &'static str,
        description: &'static str,
    ) -> Self {
        self.answers(status, description, Some(Content { media_type, schema: plain::<T> }))
    }

    /// Answers without a body.
    #[must_use]
    pub fn bodiless(self, status: StatusCode, description: &'static str) -> Self {
        self.answers(status, description, None)
    }

    /// Each answer so far has a header, one of the components'.
    #[must_use]
    pub fn with_header(self, name: &'static str) -> Self {
        self.header(Header { name, is_always_there: true })
    }

    /// Each answer so far may have a header, one of the components'.
    #[must_use]
    pub fn with_header_or_without(self, name: &'static str) -> Self {
        self.header(Header { name, is_always_there: false })
    }

    /// Asks [`crate::Request::known_as`], and answers 304 where it is.
    #[must_use]
    pub fn cached(self) -> Self {
        self.parameter(Parameter::Shared("IfNoneMatch"))
            .answers(StatusCode::NOT_MODIFIED, "The caller has it already.", None)
            .with_header("ETag")
    }

    /// GET, of what 200 answers as said so far, takes `Range` and `If-Range` and may answer a part.
    #[must_use]
    pub fn ranged(mut self) -> Self {
        let whole = self.answers.get(&StatusCode::OK.as_u16()).filter(|_| self.method == Method::GET);
        let Some(whole) = whole else { return self };
        let content = whole.content.iter().map(|content| Content { ..*content }).collect();
        let headers = whole.headers.iter().map(|header| Header { ..*header });
        let headers = headers.chain([Header { name: "Content-Range", is_always_there: true }]).collect();
        let part = Answer { description: "The part that Range asks for.", content, headers };
        self.answers.insert(StatusCode::PARTIAL_CONTENT.as_u16(), part);
        self.parameter(Parameter::Shared("Range"))
            .parameter(Parameter::Shared("IfRange"))
            .problem(Problem::range_not_satisfiable())
    }

    /// May answer a problem, of which status, code and words are told.
    #[must_use]
    pub fn problem(mut self, problem: Problem) -> Self {
        let of_status = self.problems.entry(problem.status.as_u16()).or_default();
        if of_status.iter().all(|known| known.code != problem.code) {
            of_status.push(problem);
        }
        self
    }

    /// Whether `{name}` is in the path.
    pub fn is_about(&self, name: &str) -> bool {
        self.path.split('/').any(|segment| segment == format!("{{{name}}}"))
    }

    fn header(mut self, header: Header) -> Self {
        for answer in self.answers.values_mut() {
            answer.headers.push(Header { ..header });
        }
        self
    }

    fn parameter(mut self, parameter: Parameter) -> Self {
        self.parameters.push(parameter);
        self
    }

    fn answers(mut self, status: StatusCode, description: &'static str, content: Option<Content>) -> Self {
        let content = content.into_iter().collect();
        self.answers.insert(status.as_u16(), Answer { description, content, headers: Vec::new() });
        self
    }
}

/// The first paragraph of a file's head, without the method and path that it starts with.
fn words(source: &str) -> String {
    let lines = source.lines().map_while(|line| line.strip_prefix("//!")).map(str::trim);
    let paragraph = lines.take_while(|line| !line.is_empty()).collect::<Vec<_>>().join(" ");
    paragraph.split_once("`: ").map(|(_, words)| capitalized(words)).unwrap_or_default()
}

fn capitalized(text: &str) -> String {
    let mut letters = text.chars();
    letters.next().map(|first| first.to_uppercase().chain(letters).collect()).unwrap_or_default()
}

fn bad_request() -> Problem {
    Problem::bad_request("Something is not as HTTP, JSON or this operation's parameters ask for.")
}

fn json(schema: SchemaOf) -> Content {
    Content { media_type: "application/json", schema }
}

fn plain<T: JsonSchema>(schemas: &mut SchemaGenerator) -> Schema {
    schemas.subschema_for::<T>()
}

fn data<T: JsonSchema>(schemas: &mut SchemaGenerator) -> Schema {
    reply::Data::<T>::json_schema(schemas)
}

fn listing<T: JsonSchema>(schemas: &mut SchemaGenerator) -> Schema {
    reply::Paged::<Vec<T>>::json_schema(schemas)
}

fn paged<T: JsonSchema>(schemas: &mut SchemaGenerator) -> Schema {
    reply::Paged::<T>::json_schema(schemas)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_file_s_head_says_what_its_operation_is() {
        let source = "//! `POST /v1/shows`: a show under a\n//! slug. Its own.\n//!\n//! How.\n\nuse x;\n";
        assert_eq!(words(source), "A show under a slug. Its own.");
        for nothing in ["", "use x;\n", "//! `GET /v1/shows`.\n"] {
            assert_eq!(words(nothing), "");
        }
    }
}
