//! From CEL's syntax tree to a tree of truths over values.
//!
//! A truth is: a constant, a name, `given(name)`, `!`, `&&`, `||`, `?:`, a comparison of two values or of two truths,
//! `value in [values]`, or a call that gives a truth (`startsWith`, `endsWith`, `contains`). A value is: a name, a number, a
//! text, arithmetic, `days(from, to)`, or a call of `size`, `int`, `double`, `string`. A truth may not stand inside a value, so
//! that no unknown can hide in one. Never evaluates anything (see `evaluate`).

use std::collections::BTreeSet;

use cel::common::ast::{CallExpr, Expr, IdedExpr, LiteralValue, SourceInfo, operators};
use cel::parser::Parser;

use super::{ConditionError, MOST_BYTES};

/// Deeper nesting is refused, so that no text can exhaust the stack.
const MOST_DEPTH: u16 = 32;
/// More operators of one kind are refused for the same reason: `a - a - a` nests as deep as it is long.
const MOST_OPERATORS: usize = 100;

/// Functions that give a value.
const VALUE_FUNCTIONS: [&str; 5] = ["days", "size", "int", "double", "string"];
/// Functions of a text that give a truth.
const TRUTH_FUNCTIONS: [&str; 3] = ["startsWith", "endsWith", "contains"];

/// What is true, false or unknown.
#[derive(Clone, Debug)]
pub enum Truth {
    Constant(bool),
    Name(String),
    Given(String),
    Not(Box<Truth>),
    And(Box<Truth>, Box<Truth>),
    Or(Box<Truth>, Box<Truth>),
    If(Box<Truth>, Box<Truth>, Box<Truth>),
    Same(Box<Truth>, Box<Truth>),
    Compare(Comparison, Operand, Operand),
    Member(Operand, Vec<Operand>),
    Call(Leaf),
}

/// How two values compare; the other comparisons are made of these by swapping and negating.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Comparison {
    Equal,
    Less,
    LessOrEqual,
}

/// What a value is taken from.
#[derive(Clone, Debug)]
pub enum Operand {
    Name(String),
    Number(f64),
    Text(String),
    /// Days from the first date to the second.
    Days(Box<Operand>, Box<Operand>),
    Cel(Leaf),
}

/// An expression for the CEL interpreter. Its `days(...)` are taken out and stand under the names `days#0`, ...
#[derive(Clone, Debug)]
pub struct Leaf {
    pub expr: IdedExpr,
    pub names: Vec<String>,
    pub days: Vec<(Operand, Operand)>,
}

/// The name under which the `index`-th `days(...)` of a leaf stands; no CEL text can spell it.
pub fn days_name(index: usize) -> String {
    format!("days#{index}")
}

pub fn compile(text: &str) -> Result<Truth, Vec<ConditionError>> {
    if text.len() > MOST_BYTES {
        let message =
            format!("a condition of {} bytes; at most {MOST_BYTES} can be read by a reviewer", text.len());
        return Err(vec![ConditionError { message, at: None }]);
    }
    if text.trim().is_empty() {
        let message = "an empty condition; write `true` for one that always holds".to_owned();
        return Err(vec![ConditionError { message, at: None }]);
    }
    if let Some(message) = too_deep(text) {
        return Err(vec![ConditionError { message, at: None }]);
    }
    let (expr, info) = Parser::new()
        .max_recursion_depth(MOST_DEPTH)
        .parse_with_source_info(text)
        .map_err(|errors| syntax_errors(text, &errors))?;
    let mut compiler = Compiler { text, info, errors: Vec::new() };
    let truth = compiler.truth(&expr);
    if compiler.errors.is_empty() { Ok(truth) } else { Err(compiler.errors) }
}

/// Why a text nests too deep for a parser that recurses; told from its characters alone, quoted ones included, since a
/// lexer that disagreed with CEL's would be a hole.
fn too_deep(text: &str) -> Option<String> {
    let (mut open, mut deepest, mut unary, mut longest) = (0_usize, 0_usize, 0_usize, 0_usize);
    for c in text.chars() {
        match c {
            '(' | '[' | '{' => open += 1,
            ')' | ']' | '}' => open = open.saturating_sub(1),
            _ => {}
        }
        unary = match c {
            '!' | '-' => unary + 1,
            c if c.is_whitespace() => unary,
            _ => 0,
        };
        deepest = deepest.max(open);
        longest = longest.max(unary);
    }
    if deepest > usize::from(MOST_DEPTH) || longest > usize::from(MOST_DEPTH) {
        return Some(format!(
            "a condition nested deeper than {MOST_DEPTH}; write it flat, or as several conditions"
        ));
    }
    let too_many = |kinds: &str| text.chars().filter(|c| kinds.contains(*c)).count() > MOST_OPERATORS;
    ["+-*/%", "<>", "=!", "?", ".", ":"].into_iter().any(too_many).then(|| {
        format!("a condition of more than {MOST_OPERATORS} operators of one kind; write several conditions")
    })
}

fn syntax_errors(text: &str, errors: &cel::ParseErrors) -> Vec<ConditionError> {
    let mut found: Vec<ConditionError> = errors
        .errors
        .iter()
        .map(|error| ConditionError {
            message: format!("{}; a condition is CEL, as in `ecog.ECOG <= 2`", plain(&error.msg)),
            at: byte_at(text, error.pos),
        })
        .collect();
    if found.is_empty() {
        found.push(ConditionError { message: "no CEL expression, as in `ecog.ECOG <= 2`".into(), at: None });
    }
    found
}

/// What a parser says, without the tokens it hoped for.
fn plain(message: &str) -> String {
    let message = message.trim();
    if message.contains("'<EOF>'") {
        return "it breaks off here".into();
    }
    let said = [
        "mismatched input",
        "extraneous input",
        "no viable alternative at input",
        "token recognition error at:",
    ];
    let quoted = || message.split('\'').nth(1).filter(|token| !token.is_empty());
    match said.iter().any(|known| message.contains(known)).then(quoted).flatten() {
        Some(token) => format!("`{token}` does not fit here"),
        None => message.trim_start_matches("Syntax error: ").to_owned(),
    }
}

/// The byte of a line and column, both from 1, the column in characters.
fn byte_at(text: &str, (line, column): (isize, isize)) -> Option<usize> {
    let line = usize::try_from(line).ok()?.checked_sub(1)?;
    let column = usize::try_from(column).ok()?.saturating_sub(1);
    let start: usize = text.split_inclusive('\n').take(line).map(str::len).sum();
    let rest = text.get(start..)?;
    Some(start + rest.char_indices().nth(column).map_or(rest.len(), |(at, _)| at))
}

struct Compiler<'a> {
    text: &'a str,
    info: SourceInfo,
    errors: Vec<ConditionError>,
}

impl Compiler<'_> {
    fn refuse(&mut self, expr: &IdedExpr, message: impl Into<String>) {
        let at = self
            .info
            .offset_for(expr.id)
            .and_then(|(start, _)| self.text.char_indices().nth(start as usize).map(|(at, _)| at));
        self.errors.push(ConditionError { message: message.into(), at });
    }

    fn truth(&mut self, expr: &IdedExpr) -> Truth {
        match &expr.expr {
            Expr::Literal(LiteralValue::Boolean(value)) => Truth::Constant(*value.inner()),
            Expr::Select(select) if select.test => {
                self.no_truth(expr, "`has`, for which conditions have `given(name)`:")
            }
            Expr::Ident(_) | Expr::Select(_) => match name_of(expr) {
                Some(name) => Truth::Name(name),
                None => self.no_truth(expr, "a member of something that is no name"),
            },
            Expr::Call(call) => self.truth_of_call(expr, call),
            Expr::Literal(_) => self.no_truth(expr, "a value"),
            Expr::List(_) => self.no_truth(expr, "a list"),
            _ => self.no_truth(expr, "an expression over lists or maps"),
        }
    }

    fn no_truth(&mut self, expr: &IdedExpr, what: &str) -> Truth {
        self.refuse(
            expr,
            format!(
                "{what} where a truth is asked; compare it, as in `ecog.ECOG <= 2` or `x in [\"A\", \"B\"]`"
            ),
        );
        Truth::Constant(false)
    }

    fn truth_of_call(&mut self, expr: &IdedExpr, call: &CallExpr) -> Truth {
        let mut pair = |f: fn(Box<Truth>, Box<Truth>) -> Truth, args: &[IdedExpr]| {
            f(Box::new(self.truth(&args[0])), Box::new(self.truth(&args[1])))
        };
        match (call.func_name.as_str(), call.args.as_slice()) {
            (operators::LOGICAL_AND, args @ [_, _]) => pair(Truth::And, args),
            (operators::LOGICAL_OR, args @ [_, _]) => pair(Truth::Or, args),
            (operators::LOGICAL_NOT, [of]) => Truth::Not(Box::new(self.truth(of))),
            (operators::CONDITIONAL, [of, yes, no]) => {
                Truth::If(Box::new(self.truth(of)), Box::new(self.truth(yes)), Box::new(self.truth(no)))
            }
            (operators::EQUALS, [a, b]) => self.equal(a, b),
            (operators::NOT_EQUALS, [a, b]) => Truth::Not(Box::new(self.equal(a, b))),
            (operators::LESS, [a, b]) => self.compare(Comparison::Less, a, b),
            (operators::LESS_EQUALS, [a, b]) => self.compare(Comparison::LessOrEqual, a, b),
            (operators::GREATER, [a, b]) => self.compare(Comparison::Less, b, a),
            (operators::GREATER_EQUALS, [a, b]) => self.compare(Comparison::LessOrEqual, b, a),
            (operators::IN, [value, list]) => match &list.expr {
                Expr::List(list) => Truth::Member(
                    self.operand(value),
                    list.elements.iter().map(|element| self.operand(element)).collect(),
                ),
                _ => self.no_truth(list, "`in` without a list, as in `x in [\"A\", \"B\"]`:"),
            },
            ("given", [of]) if call.target.is_none() => match name_of(of) {
                Some(name) => Truth::Given(name),
                None => self.no_truth(of, "given() of something that is no name, as in `given(ecog.ECOG)`:"),
            },
            (name, _) if TRUTH_FUNCTIONS.contains(&name) && call.target.is_some() => {
                Truth::Call(self.leaf(expr))
            }
            (name, _) if TRUTH_FUNCTIONS.contains(&name) => {
                self.no_truth(expr, &format!("{name} without its text, as in `x.{name}(\"A\")`:"))
            }
            (name, _) if VALUE_FUNCTIONS.contains(&name) || is_arithmetic(name) => {
                self.no_truth(expr, "a value")
            }
            (name, _) => self.unknown_function(expr, name),
        }
    }

    fn unknown_function(&mut self, expr: &IdedExpr, name: &str) -> Truth {
        let known: Vec<&str> =
            VALUE_FUNCTIONS.iter().chain(&TRUTH_FUNCTIONS).copied().chain(["given"]).collect();
        let shown = name.trim_matches('_');
        let near = crate::protocol::near(name, known.iter().copied()).map_or_else(
            || format!("a condition may call {}", known.join(", ")),
            |near| format!("did you mean `{near}`?"),
        );
        self.refuse(expr, format!("`{shown}` is not for conditions; {near}"));
        Truth::Constant(false)
    }

    fn equal(&mut self, a: &IdedExpr, b: &IdedExpr) -> Truth {
        if is_truth(a) || is_truth(b) {
            Truth::Same(Box::new(self.truth(a)), Box::new(self.truth(b)))
        } else {
            self.compare(Comparison::Equal, a, b)
        }
    }

    fn compare(&mut self, how: Comparison, a: &IdedExpr, b: &IdedExpr) -> Truth {
        Truth::Compare(how, self.operand(a), self.operand(b))
    }

    fn operand(&mut self, expr: &IdedExpr) -> Operand {
        match &expr.expr {
            Expr::Literal(LiteralValue::String(text)) => Operand::Text(text.inner().to_owned()),
            Expr::Literal(literal) => match number(literal) {
                Some(number) => Operand::Number(number),
                None => self.no_operand(expr, "null, bytes or a truth"),
            },
            Expr::Ident(_) | Expr::Select(_) => match name_of(expr) {
                Some(name) => Operand::Name(name),
                None => self.no_operand(expr, "a member of something that is no name"),
            },
            Expr::Call(call) if is_days(call) => match self.days(expr, call) {
                Some((from, to)) => Operand::Days(Box::new(from), Box::new(to)),
                None => Operand::Number(0.0),
            },
            Expr::Call(_) => Operand::Cel(self.leaf(expr)),
            Expr::List(_) => self.no_operand(expr, "a list (it may stand after `in` only)"),
            _ => self.no_operand(expr, "an expression over lists or maps"),
        }
    }

    fn no_operand(&mut self, expr: &IdedExpr, what: &str) -> Operand {
        self.refuse(expr, format!("{what} where a number, a text or a date is asked"));
        Operand::Number(0.0)
    }

    fn days(&mut self, expr: &IdedExpr, call: &CallExpr) -> Option<(Operand, Operand)> {
        let args: Vec<&IdedExpr> = call.target.iter().map(AsRef::as_ref).chain(&call.args).collect();
        let [from, to] = args.as_slice() else {
            self.refuse(expr, format!("days with {} arguments; write `days(from, to)`", args.len()));
            return None;
        };
        let mut date = |expr: &IdedExpr| match self.operand(expr) {
            Operand::Text(text) if crate::date::PartialDate::parse(&text).is_err() => {
                self.refuse(expr, format!("{text:?} is no date: write YYYY-MM-DD"));
                Operand::Text(text)
            }
            operand @ (Operand::Name(_) | Operand::Text(_)) => operand,
            operand => {
                self.refuse(expr, "days counts between dates: names of items, or texts YYYY-MM-DD");
                operand
            }
        };
        Some((date(from), date(to)))
    }

    fn leaf(&mut self, expr: &IdedExpr) -> Leaf {
        let mut leaf = Leaf { expr: IdedExpr::default(), names: Vec::new(), days: Vec::new() };
        leaf.expr = self.value(expr, &mut leaf);
        leaf.names.sort();
        leaf.names.dedup();
        leaf
    }

    /// Makes ready for the interpreter: every number is a decimal, since JSON and a form know no other difference.
    fn value(&mut self, expr: &IdedExpr, leaf: &mut Leaf) -> IdedExpr {
        let made = |made: Expr| IdedExpr { id: expr.id, expr: made };
        match &expr.expr {
            Expr::Literal(LiteralValue::String(_)) => expr.clone(),
            Expr::Literal(literal) => {
                if let Some(number) = number(literal) {
                    return made(Expr::Literal(LiteralValue::Double(number.into())));
                }
                self.no_operand(expr, "null, bytes or a truth");
                expr.clone()
            }
            Expr::Ident(_) | Expr::Select(_) => {
                match name_of(expr) {
                    Some(name) => leaf.names.push(name),
                    None => {
                        self.no_operand(expr, "a member of something that is no name");
                    }
                }
                expr.clone()
            }
            Expr::Call(call) if is_days(call) => {
                if let Some((from, to)) = self.days(expr, call) {
                    let mut names = BTreeSet::new();
                    from.names(&mut names);
                    to.names(&mut names);
                    leaf.names.extend(names);
                    leaf.days.push((from, to));
                }
                made(Expr::Ident(days_name(leaf.days.len().saturating_sub(1))))
            }
            Expr::Call(call) => {
                let name = call.func_name.as_str();
                let allowed =
                    is_arithmetic(name) || VALUE_FUNCTIONS.contains(&name) || TRUTH_FUNCTIONS.contains(&name);
                if is_connective(name) {
                    self.refuse(expr, "a truth where a value is asked; compare outside of the value");
                } else if !allowed {
                    self.unknown_function(expr, name);
                }
                let call = CallExpr {
                    func_name: call.func_name.clone(),
                    target: call.target.as_ref().map(|target| Box::new(self.value(target, leaf))),
                    args: call.args.iter().map(|arg| self.value(arg, leaf)).collect(),
                };
                let whole = matches!(name, "size" | "int");
                let made = made(Expr::Call(call));
                if !whole {
                    return made;
                }
                let double = CallExpr { func_name: "double".into(), target: None, args: vec![made] };
                IdedExpr { id: expr.id, expr: Expr::Call(double) }
            }
            _ => {
                self.no_operand(expr, "a list or a map");
                expr.clone()
            }
        }
    }
}

/// The dotted name an expression spells.
fn name_of(expr: &IdedExpr) -> Option<String> {
    match &expr.expr {
        Expr::Ident(name) => Some(name.clone()),
        Expr::Select(select) if !select.test => {
            Some(format!("{}.{}", name_of(&select.operand)?, select.field))
        }
        _ => None,
    }
}

fn number(literal: &LiteralValue) -> Option<f64> {
    match literal {
        LiteralValue::Int(number) => Some(*number.inner() as f64),
        LiteralValue::UInt(number) => Some(*number.inner() as f64),
        LiteralValue::Double(number) => Some(*number.inner()),
        _ => None,
    }
}

fn is_days(call: &CallExpr) -> bool {
    call.func_name == "days"
}

fn is_arithmetic(name: &str) -> bool {
    matches!(
        name,
        operators::ADD | operators::SUBSTRACT | operators::MULTIPLY | operators::DIVIDE | operators::NEGATE
    )
}

fn is_connective(name: &str) -> bool {
    matches!(
        name,
        operators::LOGICAL_AND
            | operators::LOGICAL_OR
            | operators::LOGICAL_NOT
            | operators::CONDITIONAL
            | operators::EQUALS
            | operators::NOT_EQUALS
            | operators::LESS
            | operators::LESS_EQUALS
            | operators::GREATER
            | operators::GREATER_EQUALS
            | operators::IN
    )
}

fn is_truth(expr: &IdedExpr) -> bool {
    match &expr.expr {
        Expr::Literal(literal) => matches!(literal, LiteralValue::Boolean(_)),
        Expr::Call(call) => {
            is_connective(&call.func_name)
                || call.func_name == "given"
                || TRUTH_FUNCTIONS.contains(&call.func_name.as_str())
        }
        _ => false,
    }
}

impl Truth {
    pub fn names(&self, names: &mut BTreeSet<String>) {
        match self {
            Self::Constant(_) => {}
            Self::Name(name) | Self::Given(name) => {
                names.insert(name.clone());
            }
            Self::Not(of) => of.names(names),
            Self::And(a, b) | Self::Or(a, b) | Self::Same(a, b) => {
                a.names(names);
                b.names(names);
            }
            Self::If(of, yes, no) => {
                of.names(names);
                yes.names(names);
                no.names(names);
            }
            Self::Compare(_, a, b) => {
                a.names(names);
                b.names(names);
            }
            Self::Member(of, among) => {
                of.names(names);
                for value in among {
                    value.names(names);
                }
            }
            Self::Call(leaf) => names.extend(leaf.names.iter().cloned()),
        }
    }

    pub fn reads_absence(&self) -> bool {
        match self {
            Self::Given(_) => true,
            Self::Constant(_) | Self::Name(_) | Self::Compare(..) | Self::Member(..) | Self::Call(_) => false,
            Self::Not(of) => of.reads_absence(),
            Self::And(a, b) | Self::Or(a, b) | Self::Same(a, b) => a.reads_absence() || b.reads_absence(),
            Self::If(of, yes, no) => of.reads_absence() || yes.reads_absence() || no.reads_absence(),
        }
    }
}

impl Operand {
    pub fn names(&self, names: &mut BTreeSet<String>) {
        match self {
            Self::Name(name) => {
                names.insert(name.clone());
            }
            Self::Number(_) | Self::Text(_) => {}
            Self::Days(from, to) => {
                from.names(names);
                to.names(names);
            }
            Self::Cel(leaf) => names.extend(leaf.names.iter().cloned()),
        }
    }
}
