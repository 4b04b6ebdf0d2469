//! What our own credentials are good for.

use super::{Asking, words};
use crate::{
    error::Error,
    registry::{
        Registry,
        exchange::challenges,
        token::{Authorization, Scope},
    },
};
use plimsoll_model::registry::{CredentialKind, Grant, Grants, Told};

impl Registry {
    /// Logs in for a purpose without doing anything; nothing where the registry asks for no login.
    async fn authorization(&self, scope: &Scope) -> Result<Option<Authorization>, Error> {
        let response = self.greet().await?;
        if response.status().as_u16() != 401 {
            return Ok(None);
        }
        self.log_in(&challenges(&response), scope).await
    }
}

impl Asking<'_> {
    /// What tokens for pulling and for pushing say that they allow. Asking for a token writes nothing.
    pub(super) async fn grants(&self, credential: &CredentialKind) -> Told<Grants> {
        if *credential == CredentialKind::Absent {
            return Told::Untold("there are no credentials for it".to_owned());
        }
        self.in_time(async {
            let repository = &self.own.repository;
            let pull = self.granted(&Scope::pull(repository)).await;
            let push = self.granted(&Scope::push(repository)).await;
            match (pull, push) {
                (Ok(for_pull), Ok(for_push)) => Told::Is(Grants { for_pull, for_push }),
                (Err(told), _) | (_, Err(told)) => Told::Untold(told),
            }
        })
        .await
    }

    async fn granted(&self, scope: &Scope) -> Result<Vec<Grant>, String> {
        match self.own.authorization(scope).await {
            Ok(Some(authorization)) => authorization.grants().map_err(str::to_owned),
            Ok(None) => Err("the registry asks for no login".to_owned()),
            Err(error) => Err(words(&error)),
        }
    }
}
