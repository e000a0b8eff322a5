# Each recipe only names what cargo does.

demo:
    cargo run --release -- demo

test:
    cargo test

lint:
    cargo fmt --check
    cargo clippy --all-targets -- -D warnings

bench:
    cargo bench

deny:
    cargo deny check

ci:
    bash .ci/run
