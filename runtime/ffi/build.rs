//! Gives libfinbox.so its SONAME, which plain cargo does not. The number is the major version of
//! the ABI: it changes when something is removed, retyped or reordered.

fn main() {
    println!("cargo:rerun-if-changed=build.rs");
    let os = std::env::var("CARGO_CFG_TARGET_OS");
    if os.is_ok_and(|os| os == "linux") {
        println!("cargo:rustc-cdylib-link-arg=-Wl,-soname,libfinbox.so.0");
    }
}
