//! What a buyer must do to pay.

use serde::{Deserialize, Serialize};

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

    /// The same for whoever is not the buyer.
    #[must_use]
    pub fn without_secret(self) -> Self {
        match self {
            Self::Sdk { .. } => Self::None,
            other => other,
        }
    }
}

/// What a buyer's own page pays with. It is stored until the payment is decided, and never
/// written to a log.
#[derive(Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(transparent)]
pub struct ClientSecret(pub String);

impl std::fmt::Debug for ClientSecret {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("ClientSecret(…)")
    }
}
