//! The search for CTCAE terms: what one key press costs.

fn main() {
    // The index is made at the first use.
    let _ = trial::ctcae::search("warm", 1);
    divan::main();
}

#[divan::bench(args = ["d", "diar", "diarrhoea", "diarhea", "oesophageal haemorrhage", "palmar plantar erytrodysestesia"])]
fn search(bencher: divan::Bencher<'_, '_>, query: &str) {
    bencher.bench(|| trial::ctcae::search(divan::black_box(query), 20));
}
