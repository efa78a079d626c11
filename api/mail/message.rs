//! A mail and the files it carries.

use lettre::message::header::ContentType;
use lettre::message::{self, MultiPart, SinglePart};

use super::MailError;

/// A mail ready to leave.
pub struct Message {
    /// Names the mail in its `Message-ID`, so that a second sending is recognised.
    pub id: String,
    pub recipient: String,
    pub subject: String,
    pub text: String,
    pub html: String,
    pub inline: Vec<InlineImage>,
    pub attachments: Vec<Attachment>,
}

/// A picture that the HTML shows as `cid:` and its `content_id`.
pub struct InlineImage {
    pub content_id: String,
    pub content_type: &'static str,
    pub bytes: Vec<u8>,
}

/// A file for the reader to keep.
pub struct Attachment {
    pub file_name: String,
    pub content_type: &'static str,
    pub bytes: Vec<u8>,
}

impl Message {
    /// What the mail carries beside its text, by name.
    pub(super) fn file_names(&self) -> impl Iterator<Item = &str> {
        let inline = self.inline.iter().map(|image| image.content_id.as_str());
        let attached = self.attachments.iter().map(|file| file.file_name.as_str());
        inline.chain(attached)
    }

    /// Text or HTML, the HTML with its pictures; the attachments behind them.
    pub(super) fn body(&self) -> Result<MultiPart, MailError> {
        let text = SinglePart::plain(self.text.clone());
        let words = MultiPart::alternative().singlepart(text);
        let html = SinglePart::html(self.html.clone());
        let words = if self.inline.is_empty() {
            words.singlepart(html)
        } else {
            let mut related = MultiPart::related().singlepart(html);
            for image in &self.inline {
                related = related.singlepart(image.part()?);
            }
            words.multipart(related)
        };
        if self.attachments.is_empty() {
            return Ok(words);
        }
        let mut mixed = MultiPart::mixed().multipart(words);
        for file in &self.attachments {
            mixed = mixed.singlepart(file.part()?);
        }
        Ok(mixed)
    }
}

impl InlineImage {
    fn part(&self) -> Result<SinglePart, MailError> {
        let content_type = ContentType::parse(self.content_type)?;
        let part = message::Attachment::new_inline(self.content_id.clone());
        Ok(part.body(self.bytes.clone(), content_type))
    }
}

impl Attachment {
    fn part(&self) -> Result<SinglePart, MailError> {
        let content_type = ContentType::parse(self.content_type)?;
        let part = message::Attachment::new(self.file_name.clone());
        Ok(part.body(self.bytes.clone(), content_type))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn plain() -> Message {
        Message {
            id: "eml_1".to_owned(),
            recipient: "asha@example.com".to_owned(),
            subject: "Your tickets".to_owned(),
            text: "See you there.".to_owned(),
            html: "<p>See you there. <img src=\"cid:qr-1\"></p>".to_owned(),
            inline: Vec::new(),
            attachments: Vec::new(),
        }
    }

    fn image() -> InlineImage {
        InlineImage {
            content_id: "qr-1".to_owned(),
            content_type: "image/png",
            bytes: vec![0x89, b'P', b'N', b'G', 0, 0xff],
        }
    }

    fn calendar(file_name: &str) -> Attachment {
        Attachment {
            file_name: file_name.to_owned(),
            content_type: "text/calendar; charset=utf-8; method=PUBLISH",
            bytes: b"BEGIN:VCALENDAR\r\nEND:VCALENDAR\r\n".to_vec(),
        }
    }

    fn written(message: &Message) -> String {
        String::from_utf8(message.body().unwrap().formatted()).unwrap()
    }

    /// The types of the parts, outermost first.
    fn types(message: &Message) -> Vec<String> {
        written(message)
            .lines()
            .filter_map(|line| line.strip_prefix("Content-Type: "))
            .map(|kind| kind.split(';').next().unwrap().to_owned())
            .collect()
    }

    #[test]
    fn a_mail_without_files_is_text_or_html() {
        let expected = ["multipart/alternative", "text/plain", "text/html"];
        assert_eq!(types(&plain()), expected);
    }

    #[test]
    fn pictures_stand_with_the_html_and_files_behind_it() {
        let message = Message {
            inline: vec![image()],
            attachments: vec![calendar("sauti.ics")],
            ..plain()
        };
        let expected = [
            "multipart/mixed",
            "multipart/alternative",
            "text/plain",
            "multipart/related",
            "text/html",
            "image/png",
            "text/calendar",
        ];
        assert_eq!(types(&message), expected);
        let mail = written(&message);
        assert!(mail.contains("Content-ID: <qr-1>\r\n"), "{mail}");
        assert!(mail.contains("Content-Disposition: inline\r\n"), "{mail}");
        assert!(mail.contains("iVBORwD/"), "binary goes as base64: {mail}");
        let file = "Content-Disposition: attachment; filename=\"sauti.ics\"\r\n";
        assert!(mail.contains(file), "{mail}");
        let names: Vec<_> = message.file_names().collect();
        assert_eq!(names, ["qr-1", "sauti.ics"]);
    }

    #[test]
    fn either_kind_of_file_goes_alone() {
        let inline = Message {
            inline: vec![image(), image()],
            ..plain()
        };
        assert_eq!(types(&inline).len(), 6);
        assert!(!types(&inline).contains(&"multipart/mixed".to_owned()));
        let attached = Message {
            attachments: vec![calendar("sauti.ics")],
            ..plain()
        };
        assert!(!types(&attached).contains(&"multipart/related".to_owned()));
    }

    #[test]
    fn a_name_makes_no_header() {
        for hostile in [
            "a\r\nBcc: b@example.com",
            "a\"; x=\"y\nBcc: b",
            "Zanzibar – é.ics",
        ] {
            let attached = Message {
                attachments: vec![calendar(hostile)],
                ..plain()
            };
            let inline = Message {
                inline: vec![InlineImage {
                    content_id: hostile.to_owned(),
                    ..image()
                }],
                ..plain()
            };
            for mail in [written(&attached), written(&inline)] {
                assert!(mail.is_ascii(), "{mail}");
                assert!(!mail.lines().any(|line| line.starts_with("Bcc")), "{mail}");
            }
        }
    }

    #[test]
    fn a_content_type_that_is_none_is_refused() {
        let message = Message {
            attachments: vec![Attachment {
                content_type: "nonsense",
                ..calendar("a.ics")
            }],
            ..plain()
        };
        assert!(matches!(message.body(), Err(MailError::ContentType(_))));
    }
}
