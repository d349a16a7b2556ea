//! Has the core built on shuttle.

fn main() {
    println!("cargo::rustc-cfg=timtow_shuttle");
    println!("cargo::rerun-if-changed=build.rs");
}
