//! Credentials from the shared AWS files (`~/.aws/credentials`, `~/.aws/config`, `AWS_PROFILE`), which `object_store` does
//! not read.

use async_trait::async_trait;
use aws_config::profile::ProfileFileCredentialsProvider;
use aws_sdk_s3::config::ProvideCredentials;
use object_store::{CredentialProvider, Error, Result, aws::AwsCredential};
use std::{path::PathBuf, sync::Arc, time::Duration};
use tokio::{sync::Mutex, time::Instant};

/// How long credentials are used before the files are read again: below the life of any temporary ones.
const KEPT: Duration = Duration::from_mins(2);

/// The credentials of a profile.
#[derive(Debug)]
pub(super) struct ProfileCredentials {
    files: ProfileFileCredentialsProvider,
    last: Mutex<Option<(Instant, Arc<AwsCredential>)>>,
}

impl ProfileCredentials {
    /// The profile that the environment names; `None` when there are no such files.
    pub fn from_environment() -> Option<Self> {
        let set = |name: &str| std::env::var_os(name).filter(|value| !value.is_empty());
        let file = set("AWS_SHARED_CREDENTIALS_FILE")
            .map(PathBuf::from)
            .or_else(|| Some(PathBuf::from(set("HOME")?).join(".aws/credentials")))?;
        let wanted = set("AWS_PROFILE").is_some() || file.is_file();
        wanted.then(|| Self::new(ProfileFileCredentialsProvider::builder().build()))
    }

    fn new(files: ProfileFileCredentialsProvider) -> Self {
        Self { files, last: Mutex::default() }
    }
}

#[async_trait]
impl CredentialProvider for ProfileCredentials {
    type Credential = AwsCredential;

    async fn get_credential(&self) -> Result<Arc<AwsCredential>> {
        let mut last = self.last.lock().await;
        if let Some((read, credential)) = last.as_ref()
            && read.elapsed() < KEPT
        {
            return Ok(Arc::clone(credential));
        }
        let found = self.files.provide_credentials().await.map_err(|error| {
            let path = "the shared AWS credentials file".to_owned();
            Error::Unauthenticated { path, source: Box::new(error) }
        })?;
        let credential = Arc::new(AwsCredential {
            key_id: found.access_key_id().to_owned(),
            secret_key: found.secret_access_key().to_owned(),
            token: found.session_token().map(str::to_owned),
        });
        *last = Some((Instant::now(), Arc::clone(&credential)));
        Ok(credential)
    }
}
