//! Compiles `proto/*.proto` with protox: no protoc needed.

fn main() {
    println!("cargo:rerun-if-changed=proto");
    let descriptors =
        protox::compile(["proto/metadata.proto", "proto/inter_broker.proto"], ["proto"])
            .expect("proto/ compiles");
    let mut config = prost_build::Config::new();
    config.bytes(["."]).btree_map(["."]);
    config.compile_fds(descriptors).expect("code is generated");
}
