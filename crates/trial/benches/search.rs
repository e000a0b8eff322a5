//! The search for CTCAE terms: what one key press costs, and what a term that is none costs at a save.

fn main() {
    // The index is made at the first use.
    let _ = trial::ctcae::search("warm", 1);
    divan::main();
}

#[divan::bench(args = ["d", "diar", "diarrhoea", "diarhea", "oesophageal haemorrhage", "palmar plantar erytrodysestesia"])]
fn search(bencher: divan::Bencher<'_, '_>, query: &str) {
    bencher.bench(|| trial::ctcae::search(divan::black_box(query), 20));
}

#[divan::bench(args = ["Fatige", "Rash 4711-12-3", "palmar plantar erytrodysestesia"])]
fn nearest(bencher: divan::Bencher<'_, '_>, name: &str) {
    bencher.bench(|| trial::ctcae::nearest(divan::black_box(name)));
}
