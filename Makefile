# Everything that one does with this repository. `run`, `test` and `bench` install what they need from the system's packages.

.DEFAULT_GOAL := help
.PHONY: help run test bench bench-quick soak calibration fuzz fmt doc openapi deny

ARGS ?=

help: ## what can be made
	@sed -n 's/^\([a-z-]*\):.*## \(.*\)/  make \1\t\2/p' $(firstword $(MAKEFILE_LIST)) | expand -t 22

run: ## build, then watch a real experiment being ingested and read its lifts (ARGS="--data cookie-cats" for another)
	@bash scripts/ensure-build.sh
	@bash scripts/ensure-postgres.sh
	cargo build --release --locked --bin journeylift
	target/release/journeylift demo $(ARGS)

test: ## formatting, lints, unit and property tests, then everything against a real Postgres
	@bash scripts/ensure-build.sh
	@bash scripts/ensure-postgres.sh
	@bash scripts/ensure-clients.sh
	cargo fmt --all --check
	cargo clippy --workspace --all-targets --locked -- -D warnings
	@# All targets at once, the program included: the tests start it, and one set of features is built only once.
	cargo build --workspace --all-targets --locked
	@# Cargo goes through the packages by name: the libraries and the program first, the package `tests` last.
	cargo test --workspace --locked

bench: ## measure ingestion, answers and resources on this machine (ARGS="--full" for ten million events, ARGS="--only lift" for a part)
	@bash scripts/ensure-build.sh
	@bash scripts/ensure-postgres.sh
	cargo build --release --locked --bin journeylift
	target/release/journeylift bench $(ARGS)

bench-quick: ARGS += --quick
bench-quick: bench ## the same, small, in less than three minutes

soak: ARGS += --only soak --events 200000 --rate 2000 --seconds 1800 --out benches/soak.md
soak: bench ## half an hour of load, under which the memory of the service must stay flat

calibration: ## simulate whole experiments on every core, and compare how often answers are wrong with what is promised
	@bash scripts/ensure-build.sh
	cargo run --release --locked -p metrics --example calibration -- $(ARGS)

fuzz: ## look for a tally that makes a NaN, an infinity or a panic (ARGS="--cases 100000" for fewer)
	@bash scripts/ensure-build.sh
	cargo run --locked -p metrics --example fuzz -- $(ARGS)

fmt: ## format all code
	cargo fmt --all

doc: ## the documentation of the code, in target/doc
	RUSTDOCFLAGS="-D warnings -A rustdoc::private_intra_doc_links" cargo doc --workspace --no-deps --document-private-items --locked

openapi: ## write openapi.yaml anew from the handlers
	cargo build --locked --bin journeylift
	target/debug/journeylift openapi > target/openapi.yaml
	mv target/openapi.yaml openapi.yaml

deny: ## licences, advisories and sources of all dependencies (needs cargo-deny)
	cargo deny --locked check
