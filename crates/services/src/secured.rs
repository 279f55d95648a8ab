//! etcd and MinIO over TLS, with the keys that lie in their directory: `authority.pem`, and `server.pem` with key and certificate.

use crate::{Error, Program, Purpose, Server, Tool, free_port, process::accepts, server};
use std::{fs, path::Path, process::Command};

/// A single-member etcd that asks clients for a certificate.
pub type SecuredEtcd = Server<SecuredEtcdProgram>;

/// A MinIO server with the bucket `alluvium` over HTTPS; its credentials are those of [`crate::Minio`].
pub type SecuredMinio = Server<SecuredMinioProgram>;

/// etcd's program.
#[derive(Debug)]
pub struct SecuredEtcdProgram;

/// MinIO's program.
#[derive(Debug)]
pub struct SecuredMinioProgram;

const AUTHORITY: &str = "authority.pem";
const SERVER: &str = "server.pem";

impl Program for SecuredEtcdProgram {
    const NAME: &'static str = "etcd";

    fn command(purpose: Purpose, directory: &Path, port: u16) -> Result<Command, Error> {
        let client = format!("https://127.0.0.1:{port}");
        let peer = format!("http://127.0.0.1:{}", free_port()?);
        let keys = directory.join(SERVER);
        let mut command = Command::new(Tool::Etcd.path_for(purpose)?);
        command
            .args(["--name", "default", "--data-dir"])
            .arg(directory.join("data"))
            .args(["--listen-client-urls", &client, "--advertise-client-urls", &client])
            .args(["--listen-peer-urls", &peer, "--initial-advertise-peer-urls", &peer])
            .arg(format!("--initial-cluster=default={peer}"))
            .args(["--client-cert-auth", "--trusted-ca-file"])
            .arg(directory.join(AUTHORITY))
            .arg("--cert-file")
            .arg(&keys)
            .arg("--key-file")
            .arg(&keys)
            .args(["--log-level", "warn"]);
        Ok(command)
    }

    fn is_ready(port: u16) -> bool {
        accepts(port)
    }
}

impl Program for SecuredMinioProgram {
    const NAME: &'static str = "minio";

    fn command(purpose: Purpose, directory: &Path, port: u16) -> Result<Command, Error> {
        let (data, certificates) = (directory.join("data"), directory.join("certs"));
        server::create_directory(&data.join("alluvium"))?;
        server::create_directory(&certificates)?;
        give_keys(&directory.join(SERVER), &certificates)
            .map_err(Error::io("could not copy the keys of minio"))?;
        let mut command = Command::new(Tool::Minio.path_for(purpose)?);
        command
            .arg("server")
            .arg(data)
            .args(["--quiet", "--address", &format!("127.0.0.1:{port}"), "--certs-dir"])
            .arg(certificates)
            .args(["--console-address", &format!("127.0.0.1:{}", free_port()?)])
            .env("MINIO_ROOT_USER", crate::minio::CREDENTIAL)
            .env("MINIO_ROOT_PASSWORD", crate::minio::CREDENTIAL)
            .env("MINIO_BROWSER", "off")
            .env("MINIO_UPDATE", "off")
            .env("MINIO_CI_CD", "1");
        Ok(command)
    }

    fn is_ready(port: u16) -> bool {
        accepts(port)
    }
}

/// Puts the key and the certificate that follows it into files of their own: MinIO wants no key beside its certificate.
fn give_keys(from: &Path, into: &Path) -> std::io::Result<()> {
    let text = fs::read_to_string(from)?;
    let end = text.find("-----BEGIN CERTIFICATE").unwrap_or(text.len());
    let (key, certificate) = text.split_at(end);
    fs::write(into.join("private.key"), key)?;
    fs::write(into.join("public.crt"), certificate)
}
