//! What a buyer must do to pay.

use serde::{Deserialize, Serialize};

use crate::keys::{Keys, Sealed};

/// What the buyer must do next.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, utoipa::ToSchema)]
#[serde(tag = "type", rename_all = "snake_case")]
pub enum NextAction {
    /// Nothing.
    None,
    Redirect {
        #[schema(
            example = "https://tickets.example.com/simulate/pay_01h455vb4pex5vsknk084sn02q?k=…"
        )]
        url: String,
    },
    /// The gateway's script on the client's own page.
    Sdk {
        /// Whose script.
        #[schema(example = "stripe")]
        provider: String,
        /// Lets whoever has it pay; for the buyer alone.
        #[schema(value_type = String, example = "pi_3PqUxY2eZvKYlo2C_secret_…")]
        client_secret: ClientSecret,
        #[schema(example = "pk_test_…")]
        publishable_key: String,
    },
}

impl NextAction {
    pub fn kind(&self) -> &'static str {
        match self {
            Self::None => "none",
            Self::Redirect { .. } => "redirect",
            Self::Sdk { .. } => "sdk",
        }
    }
}

/// For what a client secret is sealed.
const PURPOSE: &str = "client_secret";

/// What a buyer must do, as it is stored: its secret is sealed.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(transparent)]
pub struct KeptAction(NextAction);

impl KeptAction {
    /// `None` only if nothing can be sealed, which loading the keys rules out.
    pub fn seal(action: NextAction, keys: &Keys) -> Option<Self> {
        Some(Self(match action {
            NextAction::Sdk {
                provider,
                client_secret: ClientSecret(secret),
                publishable_key,
            } => NextAction::Sdk {
                provider,
                client_secret: ClientSecret(keys.seal(PURPOSE, &secret)?.0),
                publishable_key,
            },
            open => open,
        }))
    }

    /// For the buyer, who has a right to `keys`; for everybody else there is nothing to do
    /// where a secret would be needed.
    pub fn open(self, keys: Option<&Keys>) -> NextAction {
        let NextAction::Sdk {
            provider,
            client_secret: ClientSecret(sealed),
            publishable_key,
        } = self.0
        else {
            return self.0;
        };
        let secret = keys.and_then(|keys| keys.open(PURPOSE, &Sealed(sealed)));
        secret.map_or(NextAction::None, |secret| NextAction::Sdk {
            provider,
            client_secret: ClientSecret(secret),
            publishable_key,
        })
    }
}

/// What a buyer's own page pays with. It is stored sealed, and never written to a log.
#[derive(Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(transparent)]
pub struct ClientSecret(pub String);

impl std::fmt::Debug for ClientSecret {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("ClientSecret(…)")
    }
}
