//! Every way in which two books can differ, and the ways in which they only seem to.

use serde_json::Map;

use super::{Finding, FindingKind, compare, count_known};
use crate::db::values::Timestamp;
use crate::gateways::{RemoteStatus, Snapshot};
use crate::id::{OrderId, OrganizerId, PaymentId};
use crate::money::Currency;
use crate::payments::{Payment, Status};

const AMOUNT: i64 = 5_000;

fn at(hour: u32) -> Timestamp {
    Timestamp::parse(&format!("2027-01-05T{hour:02}:00:00Z")).unwrap()
}

fn currency(code: &str) -> Currency {
    Currency::from_code(code).unwrap()
}

/// A payment of ours that came to its status at eight.
fn ours(reference: &str, status: Status) -> Payment {
    Payment {
        id: PaymentId::new(),
        organizer_id: OrganizerId::new(),
        order_id: OrderId::new(),
        attempt_no: 1,
        provider: "dummy".to_owned(),
        account: "default".to_owned(),
        livemode: false,
        amount_minor: AMOUNT,
        currency: currency("TZS"),
        status,
        reference: reference.to_owned(),
        provider_payment_id: Some(format!("dch_{reference}")),
        provider_status: None,
        received_minor: None,
        received_currency: None,
        refund_reserved_minor: 0,
        refunded_minor: 0,
        superseded_at: None,
        next_sync_at: None,
        syncs: 0,
        expires_at: None,
        completed_at: status.is_final().then(|| at(8)),
        version: 1,
        created_at: at(7),
        updated_at: at(8),
    }
}

/// A payment of the gateway's.
fn theirs(reference: &str, status: RemoteStatus) -> Snapshot {
    Snapshot {
        status,
        provider_status: "x".to_owned(),
        next_action: None,
        amount_minor: Some(AMOUNT),
        currency: Some(currency("TZS")),
        reference: Some(reference.to_owned()),
        provider_payment_id: Some(format!("dch_{reference}")),
        method: None,
        failure: None,
        expires_at: None,
        livemode: false,
        raw: Map::new(),
    }
}

/// All differences, of books that are compared at nine.
fn differences(ours: &[Payment], theirs: &[Snapshot]) -> Vec<Finding> {
    compare(ours, theirs, at(9), true)
}

fn kinds(findings: &[Finding]) -> Vec<FindingKind> {
    findings.iter().map(|finding| finding.kind).collect()
}

#[test]
fn equal_books_have_no_differences() {
    let pairs = [
        (Status::Succeeded, RemoteStatus::Succeeded),
        (Status::Failed, RemoteStatus::Failed),
        (Status::Expired, RemoteStatus::Canceled),
        (Status::RequiresAction, RemoteStatus::Processing),
        (Status::Unknown, RemoteStatus::RequiresAction),
    ];
    for (own, it) in pairs {
        let findings = differences(&[ours("a", own)], &[theirs("a", it)]);
        assert_eq!(findings, [], "{own:?}");
    }
    assert_eq!(differences(&[], &[]), []);
}

#[test]
fn what_is_not_paid_may_be_unknown_to_the_other() {
    let own = [ours("a", Status::Failed), ours("b", Status::Created)];
    let gateways = [
        theirs("c", RemoteStatus::RequiresAction),
        theirs("d", RemoteStatus::Failed),
    ];
    assert_eq!(differences(&own, &gateways), []);
}

#[test]
fn money_that_only_one_knows_is_missing_at_the_other() {
    let own = ours("a", Status::Succeeded);
    let gateways = theirs("b", RemoteStatus::Succeeded);
    let findings = differences(std::slice::from_ref(&own), &[gateways]);
    let expected = [FindingKind::MissingHere, FindingKind::MissingThere];
    assert_eq!(kinds(&findings), expected);
    let [here, there] = &findings[..] else {
        panic!("{findings:?}")
    };
    assert_eq!(
        (here.reference.as_deref(), here.payment_id),
        (Some("b"), None)
    );
    assert_eq!((there.payment_id, &there.theirs), (Some(own.id), &None));
    assert_eq!(there.reference.as_deref(), Some("a"));
}

#[test]
fn nothing_is_missing_here_where_ours_are_not_all() {
    let own = ours("a", Status::Succeeded);
    let gateways = [
        theirs("a", RemoteStatus::Succeeded),
        theirs("b", RemoteStatus::Succeeded),
    ];
    let ours = [own];
    assert_eq!(compare(&ours, &gateways, at(9), false), []);
    assert_eq!(count_known(&ours, &gateways), 1);
}

#[test]
fn another_amount_or_currency_differs_as_far_as_it_is_said() {
    let own = [ours("a", Status::Succeeded)];
    let said = |amount_minor, currency| Snapshot {
        amount_minor,
        currency,
        ..theirs("a", RemoteStatus::Succeeded)
    };
    let (same, other) = (Some(currency("TZS")), Some(currency("KES")));
    for (amount, money, differs) in [
        (Some(AMOUNT), same, false),
        (Some(AMOUNT), None, false),
        (None, None, false),
        (Some(AMOUNT - 1), same, true),
        (Some(AMOUNT), other, true),
        (Some(1), None, true),
    ] {
        let findings = differences(&own, &[said(amount, money)]);
        let expected = differs.then_some(FindingKind::AmountDiffers);
        assert_eq!(kinds(&findings), Vec::from_iter(expected), "{amount:?}");
    }
}

#[test]
fn money_that_we_wait_for_is_mended_by_asking() {
    for status in [
        Status::Created,
        Status::RequiresAction,
        Status::Unknown,
        Status::Processing,
        Status::Failed,
        Status::Canceled,
        Status::Expired,
    ] {
        let findings = differences(
            &[ours("a", status)],
            &[theirs("a", RemoteStatus::Succeeded)],
        );
        assert_eq!(kinds(&findings), [FindingKind::StatusDiffers], "{status:?}");
        assert!(findings[0].is_mended_by_asking(), "{status:?}");
    }
}

#[test]
fn a_success_that_the_gateway_takes_back_is_not_mended_by_asking() {
    for status in [
        RemoteStatus::RequiresAction,
        RemoteStatus::Processing,
        RemoteStatus::Failed,
        RemoteStatus::Canceled,
        RemoteStatus::Expired,
    ] {
        let findings = differences(&[ours("a", Status::Succeeded)], &[theirs("a", status)]);
        assert_eq!(kinds(&findings), [FindingKind::StatusDiffers], "{status:?}");
        assert!(!findings[0].is_mended_by_asking(), "{status:?}");
    }
}

#[test]
fn what_was_paid_after_the_question_could_not_be_known() {
    let mut own = ours("a", Status::Succeeded);
    own.completed_at = Some(at(10));
    let own = [own];
    assert_eq!(differences(&own, &[]), []);
    assert_eq!(
        differences(&own, &[theirs("a", RemoteStatus::Processing)]),
        []
    );
    // Another amount is another amount, whenever it came.
    let mut said = theirs("a", RemoteStatus::Succeeded);
    said.amount_minor = Some(1);
    assert_eq!(
        kinds(&differences(&own, &[said])),
        [FindingKind::AmountDiffers]
    );
}

#[test]
fn money_in_review_is_what_came_in() {
    let mut own = ours("a", Status::Review);
    own.received_minor = Some(1);
    let mut said = theirs("a", RemoteStatus::Succeeded);
    said.amount_minor = Some(1);
    assert_eq!(differences(std::slice::from_ref(&own), &[said.clone()]), []);
    // The gateway speaks of other money now: asking resolves the review.
    said.amount_minor = Some(AMOUNT);
    let findings = differences(&[own], &[said]);
    assert_eq!(kinds(&findings), [FindingKind::StatusDiffers]);
    assert!(findings[0].is_mended_by_asking());
}

#[test]
fn a_second_payment_under_our_reference_is_money_that_we_do_not_know() {
    let own = [ours("a", Status::Succeeded)];
    let second = Snapshot {
        provider_payment_id: Some("dch_second".to_owned()),
        ..theirs("a", RemoteStatus::Succeeded)
    };
    let findings = differences(&own, &[theirs("a", RemoteStatus::Succeeded), second]);
    assert_eq!(kinds(&findings), [FindingKind::MissingHere]);
    assert_eq!(
        findings[0].provider_payment_id.as_deref(),
        Some("dch_second")
    );
}

#[test]
fn a_gateway_that_does_not_tell_our_reference_is_understood_by_its_own() {
    let own = [ours("a", Status::Succeeded)];
    let mut said = theirs("a", RemoteStatus::Succeeded);
    said.reference = None;
    assert_eq!(differences(&own, std::slice::from_ref(&said)), []);
    said.provider_payment_id = None;
    let expected = [FindingKind::MissingHere, FindingKind::MissingThere];
    assert_eq!(kinds(&differences(&own, &[said])), expected);
}
