//! One row of the API's table: a route and its description in one place, so that the document cannot say what the server does not do.
//!
//! Never a handler; those are beside what they speak of.

use axum::handler::Handler;
use people::permission::Act;

use crate::app::App;
use crate::web::access::{Gate, Route};

/// What may follow the `?`, or stand in a header.
pub(crate) struct Parameter {
    /// `query` or `header`.
    pub(crate) place: &'static str,
    pub(crate) name: &'static str,
    /// The type in JSON Schema: `string`, `integer`.
    pub(crate) kind: &'static str,
    pub(crate) says: &'static str,
}

/// A parameter after the `?`.
pub(crate) const fn query(name: &'static str, kind: &'static str, says: &'static str) -> Parameter {
    Parameter { place: "query", name, kind, says }
}

/// A header.
pub(crate) const fn header(name: &'static str, says: &'static str) -> Parameter {
    Parameter { place: "header", name, kind: "string", says }
}

/// An answer: its status, the schema of its body, what it means.
pub(crate) struct Answered {
    pub(crate) status: u16,
    pub(crate) schema: &'static str,
    pub(crate) says: &'static str,
}

/// One operation of the API.
pub(crate) struct Operation {
    pub(crate) route: Route,
    /// Its name for programs: `operationId`.
    pub(crate) id: &'static str,
    pub(crate) tag: &'static str,
    /// What it does, in a line, and in more words.
    pub(crate) summary: &'static str,
    pub(crate) more: &'static str,
    pub(crate) parameters: Vec<Parameter>,
    /// The schema of the body that is sent.
    pub(crate) sends: Option<&'static str>,
    pub(crate) answers: Vec<Answered>,
    /// The statuses of problems beyond those that every route may give.
    pub(crate) problems: Vec<u16>,
    /// Acts that its handler asks for beyond that of its gate.
    pub(crate) further: &'static [Act],
}

impl Operation {
    fn new(route: Route, tag: &'static str, id: &'static str, summary: &'static str) -> Self {
        let problems = if route.path.contains('{') { vec![404] } else { vec![] };
        Self {
            route,
            id,
            tag,
            summary,
            more: "",
            parameters: vec![],
            sends: None,
            answers: vec![],
            problems,
            further: &[],
        }
    }

    /// Something is read.
    pub(crate) fn get<H: Handler<T, App>, T: 'static>(
        path: &'static str,
        act: Act,
        handler: H,
        [tag, id, summary]: [&'static str; 3],
    ) -> Self {
        Self::new(Route::get(path, Gate::Token(act), handler), tag, id, summary)
    }

    /// Something new is recorded.
    pub(crate) fn post<H: Handler<T, App>, T: 'static>(
        path: &'static str,
        act: Act,
        handler: H,
        [tag, id, summary]: [&'static str; 3],
    ) -> Self {
        Self::new(Route::post(path, Gate::Token(act), handler), tag, id, summary)
            .problems(&[400, 409, 415, 422])
    }

    /// Something is put in its place.
    pub(crate) fn put<H: Handler<T, App>, T: 'static>(
        path: &'static str,
        act: Act,
        handler: H,
        [tag, id, summary]: [&'static str; 3],
    ) -> Self {
        Self::new(Route::put(path, Gate::Token(act), handler), tag, id, summary).problems(&[409])
    }

    pub(crate) fn more(mut self, more: &'static str) -> Self {
        self.more = more;
        self
    }

    pub(crate) fn asks(mut self, parameters: Vec<Parameter>) -> Self {
        self.parameters = parameters;
        if self.parameters.iter().any(|parameter| parameter.place == "query") {
            self.problems.push(400);
        }
        self
    }

    pub(crate) fn sends(mut self, schema: &'static str) -> Self {
        self.sends = Some(schema);
        self
    }

    pub(crate) fn answers(mut self, status: u16, schema: &'static str, says: &'static str) -> Self {
        self.answers.push(Answered { status, schema, says });
        self
    }

    pub(crate) fn also_needs(mut self, acts: &'static [Act]) -> Self {
        self.further = acts;
        self
    }

    /// It may also end so.
    pub(crate) fn problems(mut self, statuses: &[u16]) -> Self {
        self.problems.extend(statuses);
        self
    }

    /// The act that its gate asks for.
    pub(crate) fn act(&self) -> Option<Act> {
        match self.route.gate {
            Gate::Token(act) => Some(act),
            _ => None,
        }
    }

    /// The names in its path, in order.
    pub(crate) fn names(&self) -> impl Iterator<Item = &'static str> {
        let segments = self.route.path.split('/');
        segments.filter_map(|segment| segment.strip_prefix('{')?.strip_suffix('}'))
    }
}
