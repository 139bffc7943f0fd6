//! Builds the migrations into the library anew whenever one is added.

fn main() {
    println!("cargo:rerun-if-changed=../../migrations");
}
