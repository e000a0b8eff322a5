//! What lists have in common: filters in the address, a hundred rows a page, the same list as CSV.
//!
//! Never decides what is in a list, nor who may see it.

use axum::http::header;
use axum::response::IntoResponse;
use jiff::civil::Date;
use maud::{Markup, html};
use people::permission::Sites;
use serde::Deserialize;
use trial::id::{SiteId, SubjectId};

use crate::web::access::Desk;
use crate::web::address::{in_trial, segment};
use crate::web::fault::{Answer, Fault};

/// Rows on a page.
const A_PAGE: usize = 100;

/// Whose and which forms a list is narrowed to, as its address says; what is empty narrows nothing.
#[derive(Clone, Debug, Default, Deserialize)]
#[serde(default)]
pub(super) struct Narrowed {
    pub(super) site: String,
    /// Part of a subject's number, or the whole of it.
    pub(super) subject: String,
    pub(super) form: String,
    pub(super) page: String,
}

impl Narrowed {
    /// For an address; `page` is the one that it leads to.
    pub(super) fn fields<'c>(&'c self, page: &'c str) -> [(&'c str, &'c str); 4] {
        [("site", &self.site), ("subject", &self.subject), ("form", &self.form), ("page", page)]
    }

    /// Whether a subject of a site is among them.
    pub(super) fn holds(&self, subject: &SubjectId, site: &SiteId) -> bool {
        let number = self.subject.trim().to_lowercase();
        (number.is_empty() || subject.as_str().to_lowercase().contains(&number))
            && (self.site.is_empty() || site.as_str() == self.site)
    }

    /// Whether a form is; a thing without a form is only where no form is asked for.
    pub(super) fn holds_form(&self, form: Option<&str>) -> bool {
        self.form.is_empty() || form == Some(self.form.as_str())
    }
}

/// The page of a trial, asked for with `fields`; the empty ones are left out.
pub(super) fn asking(desk: &Desk, page: &str, fields: &[(&str, &str)]) -> String {
    let given = fields.iter().filter(|(_, value)| !value.is_empty());
    let query = given.map(|(name, value)| format!("{name}={}", segment(value))).collect::<Vec<_>>().join("&");
    let page = in_trial(&desk.room.slug, page);
    if query.is_empty() { page } else { format!("{page}?{query}") }
}

/// The rows of a page that is asked for, from 1; and which page it is, of how many.
pub(super) fn cut<'r, T>(rows: &'r [T], page: &str) -> (&'r [T], usize, usize) {
    let pages = rows.len().div_ceil(A_PAGE).max(1);
    let page = page.parse().unwrap_or(1).clamp(1, pages);
    let from = (page - 1) * A_PAGE;
    (&rows[from..rows.len().min(from + A_PAGE)], page, pages)
}

/// The same of `total` rows, of which the first are at hand: at least as many as [`through`] says.
pub(super) fn cut_first<'r, T>(rows: &'r [T], total: usize, page: &str) -> (&'r [T], usize, usize) {
    let pages = total.div_ceil(A_PAGE).max(1);
    let page = page.parse().unwrap_or(1).clamp(1, pages);
    let from = ((page - 1) * A_PAGE).min(rows.len());
    (&rows[from..rows.len().min(from + A_PAGE)], page, pages)
}

/// How many rows must be in their order for [`cut`] to give a page; all of them, where it is no page's number.
pub(super) fn through(page: &str) -> usize {
    let page = if page.is_empty() { Some(1) } else { page.parse::<usize>().ok() };
    page.and_then(|page| page.max(1).checked_mul(A_PAGE)).unwrap_or(usize::MAX)
}

/// To the pages before and behind.
pub(super) fn turn(page: usize, pages: usize, to: &dyn Fn(&str) -> String) -> Markup {
    html! {
        @if pages > 1 {
            nav.pages aria-label="Pages" {
                @if page > 1 { a.button href=(to(&(page - 1).to_string())) rel="prev" { "Previous" } }
                span { "Page " (page) " of " (pages) }
                @if page < pages { a.button href=(to(&(page + 1).to_string())) rel="next" { "Next" } }
            }
        }
    }
}

/// A choice among the filters of a list.
pub(super) fn pick(name: &str, label: &str, options: &[(String, String)], chosen: &str) -> Markup {
    html! {
        div {
            label for=(name) { (label) }
            select #(name) name=(name) data-submit {
                @for (value, words) in options { option value=(value) selected[value == chosen] { (words) } }
            }
        }
    }
}

/// A field among the filters of a list.
pub(super) fn search(name: &str, label: &str, kind: &str, value: &str) -> Markup {
    html! {
        div {
            label for=(name) { (label) }
            input #(name) type=(kind) name=(name) value=(value) autocomplete="off";
        }
    }
}

/// The options of `pick`, the first of which asks for everything.
pub(super) fn options<A: Into<String>, B: Into<String>>(
    everything: &str,
    rest: impl IntoIterator<Item = (A, B)>,
) -> Vec<(String, String)> {
    let rest = rest.into_iter().map(|(value, words)| (value.into(), words.into()));
    std::iter::once((String::new(), everything.to_owned())).chain(rest).collect()
}

/// The sites that a visitor may choose among; none where there is nothing to choose.
pub(super) async fn site_options(desk: &Desk, reach: &Sites) -> Result<Vec<(String, String)>, Fault> {
    let sites = desk.room.office.sites().await?;
    let own: Vec<_> = sites.into_iter().filter(|site| reach.contains(&site.id)).collect();
    let named = own.iter().map(|site| (site.id.to_string(), format!("{} {}", site.id, site.name)));
    Ok(if own.len() > 1 { options("All sites", named) } else { Vec::new() })
}

/// `1 thing`, `2 things`.
pub(super) fn count(n: usize, one: &str, many: &str) -> String {
    if n == 1 { format!("1 {one}") } else { format!("{n} {many}") }
}

/// The words as a sentence begins.
pub(super) fn capital(words: &str) -> String {
    let mut letters = words.chars();
    letters.next().map(|first| first.to_uppercase().to_string()).unwrap_or_default() + letters.as_str()
}

/// A list as a CSV file to be kept.
pub(super) fn csv<const N: usize>(
    name: &str,
    today: Date,
    header: [&str; N],
    rows: impl Iterator<Item = [String; N]>,
) -> Answer {
    let written = table(header, rows).map_err(|wrong| Fault::Broken(format!("{name} as CSV: {wrong}")))?;
    let file = format!("attachment; filename=\"{name}-{today}.csv\"");
    let kind = "text/csv; charset=utf-8".to_owned();
    Ok(([(header::CONTENT_TYPE, kind), (header::CONTENT_DISPOSITION, file)], written).into_response())
}

fn table<const N: usize>(
    header: [&str; N],
    rows: impl Iterator<Item = [String; N]>,
) -> Result<Vec<u8>, ::csv::Error> {
    let mut writer = ::csv::Writer::from_writer(Vec::new());
    writer.write_record(header)?;
    for row in rows {
        writer.write_record(row.map(plain))?;
    }
    writer.into_inner().map_err(|wrong| wrong.into_error().into())
}

/// A text that no spreadsheet takes for a formula (OWASP, CSV injection).
pub(super) fn plain(text: String) -> String {
    if text.starts_with(['=', '+', '-', '@', '\t', '\r']) { format!("'{text}") } else { text }
}

#[cfg(test)]
mod tests {
    use rstest::rstest;

    use super::*;

    #[rstest]
    #[case(0, "", (0, 1, 1))]
    #[case(100, "2", (100, 1, 1))]
    #[case(101, "2", (1, 2, 2))]
    #[case(250, "99", (50, 3, 3))]
    #[case(250, "nonsense", (100, 1, 3))]
    #[case(250, "0", (100, 1, 3))]
    fn a_list_is_cut_into_pages(
        #[case] rows: usize,
        #[case] page: &str,
        #[case] want: (usize, usize, usize),
    ) {
        let rows: Vec<usize> = (0..rows).collect();
        let (shown, page, pages) = cut(&rows, page);
        assert_eq!((shown.len(), page, pages), want);
        assert_eq!(shown.first().copied().unwrap_or(0), (page - 1) * A_PAGE);
    }

    #[test]
    fn a_spreadsheet_finds_no_formula() {
        let written = table(["A", "B"], [["=1+1".to_owned(), "a,b".to_owned()]].into_iter()).unwrap();
        assert_eq!(String::from_utf8(written).unwrap(), "A,B\n'=1+1,\"a,b\"\n");
    }
}
