//! The mails that Tollgate has sent.

use super::TestApp;

impl TestApp {
    /// Does what is due, then reads every mail sent so far, decoded, oldest first.
    pub async fn mails(&self) -> Vec<String> {
        self.drain().await;
        let mut files: Vec<_> = std::fs::read_dir(self.mails.path())
            .unwrap()
            .map(|file| file.unwrap().path())
            .collect();
        files.sort();
        files
            .iter()
            .map(|file| decode(&std::fs::read_to_string(file).unwrap()))
            .collect()
    }

    /// The token of the link in the newest mail to `email` with this subject.
    pub async fn mailed_token(&self, email: &str, subject: &str) -> String {
        let mails = self.mails().await;
        let mail = mails
            .iter()
            .rfind(|mail| {
                mail.contains(&format!("To: {email}"))
                    && mail.contains(&format!("Subject: {subject}"))
            })
            .unwrap_or_else(|| panic!("no mail «{subject}» to {email} among {mails:#?}"));
        let (_, token) = mail.split_once("#token=").unwrap();
        token.split_whitespace().next().unwrap().to_owned()
    }
}

/// Quoted-printable, as far as these mails need it.
fn decode(mail: &str) -> String {
    mail.replace("=\r\n", "")
        .replace("=3D", "=")
        .replace("\r\n", "\n")
}
