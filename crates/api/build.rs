//! Packs the program of the page at `/docs`, which would be a sixth of the service as it is.

use std::io::Write;
use std::path::PathBuf;

fn main() -> Result<(), Box<dyn std::error::Error>> {
    println!("cargo::rerun-if-changed=build.rs");
    let program = scalar_api_reference::get_asset("scalar.js").ok_or("scalar_api_reference has no scalar.js")?;
    let mut packed = flate2::write::GzEncoder::new(Vec::new(), flate2::Compression::best());
    packed.write_all(&program)?;
    let folder = std::env::var_os("OUT_DIR").ok_or("cargo names no folder")?;
    std::fs::write(PathBuf::from(folder).join("scalar.js.gz"), packed.finish()?)?;
    Ok(())
}
