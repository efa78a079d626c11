#!/usr/bin/env python3
"""Uses the sandbox at BASE as Stripe, through the official library."""
import http.server
import json
import queue
import sys
import threading
import unittest
import urllib.request

import stripe

BASE = sys.argv.pop(1)
CLIENT = stripe.StripeClient("sk_test_official", base_addresses={"api": BASE + "/stripe"}, max_network_retries=0)
V1 = CLIENT.v1
INTENT = {"amount": 2000, "currency": "usd",
          "automatic_payment_methods": {"enabled": True, "allow_redirects": "never"}}
SESSION = {"mode": "payment", "success_url": "http://shop.test/ok?s={CHECKOUT_SESSION_ID}",
           "line_items": [{"quantity": 2, "price_data": {
               "currency": "usd", "unit_amount": 1500, "product_data": {"name": "VIP & friends"}}}],
           "client_reference_id": "order 7", "payment_intent_data": {"metadata": {"reference": "ref/7"}}}


def pay(method="pm_card_visa", **options):
    return V1.payment_intents.create({**INTENT, "confirm": True, "payment_method": method}, options)


def control(path, body):
    request = urllib.request.Request(BASE + "/control/" + path, json.dumps(body).encode(),
                                     {"content-type": "application/json"})
    return json.load(urllib.request.urlopen(request))


class Inbox(http.server.BaseHTTPRequestHandler):
    """Keeps bodies and signatures."""
    came = queue.Queue()

    def do_POST(self):
        body = self.rfile.read(int(self.headers["content-length"]))
        self.came.put((body, self.headers["stripe-signature"]))
        self.send_response(200)
        self.end_headers()

    def log_message(self, *_):
        pass


class Official(unittest.TestCase):
    def test_payment_intents(self):
        intent = V1.payment_intents.create({**INTENT, "metadata": {"reference": "r1"}})
        self.assertEqual((intent.status, intent.object), ("requires_payment_method", "payment_intent"))
        self.assertTrue(intent.last_response.request_id.startswith("req_"))
        intent = V1.payment_intents.update(intent.id, {"description": "Two tickets"})
        intent = V1.payment_intents.confirm(intent.id, {"payment_method": "pm_card_visa", "expand": ["latest_charge"]})
        self.assertEqual((intent.status, intent.amount_received), ("succeeded", 2000))
        self.assertIsInstance(intent.latest_charge, stripe.Charge)
        self.assertEqual(intent.latest_charge.metadata["reference"], "r1")
        again = V1.payment_intents.retrieve(intent.id)
        self.assertEqual((again.description, again.latest_charge), ("Two tickets", intent.latest_charge.id))
        other = V1.payment_intents.cancel(V1.payment_intents.create(INTENT).id, {"cancellation_reason": "duplicate"})
        self.assertEqual((other.status, other.cancellation_reason), ("canceled", "duplicate"))

    def test_capture(self):
        held = V1.payment_intents.create({**INTENT, "capture_method": "manual", "confirm": True,
                                          "payment_method": "pm_card_mastercard"})
        self.assertEqual((held.status, held.amount_capturable), ("requires_capture", 2000))
        self.assertEqual(V1.payment_intents.capture(held.id).status, "succeeded")

    def test_checkout(self):
        session = V1.checkout.sessions.create(SESSION)
        self.assertEqual((session.status, session.payment_status, session.amount_total), ("open", "unpaid", 3000))
        self.assertIsNone(session.payment_intent)
        lines = V1.checkout.sessions.line_items.list(session.id)
        self.assertEqual([line.description for line in lines.data], ["VIP & friends"])
        page = urllib.request.urlopen(session.url).read().decode()
        self.assertIn("VIP &amp; friends", page)
        control("stripe/payments/ref%2F7", {"outcome": "pay"})
        session = V1.checkout.sessions.retrieve(session.id, {"expand": ["payment_intent.latest_charge"]})
        self.assertEqual((session.status, session.payment_status), ("complete", "paid"))
        self.assertEqual(session.payment_intent.metadata["reference"], "ref/7")
        self.assertEqual(session.payment_intent.latest_charge.amount, 3000)
        with self.assertRaises(stripe.InvalidRequestError):
            V1.checkout.sessions.expire(session.id)
        self.assertEqual(V1.checkout.sessions.expire(V1.checkout.sessions.create(SESSION).id).status, "expired")

    def test_customers_and_paging(self):
        made = [V1.customers.create({"email": "p@example.com", "name": f"Guest {n}"}).id for n in range(7)]
        pages = V1.customers.list({"email": "p@example.com", "limit": 3})
        self.assertTrue(pages.has_more)
        self.assertEqual([one.id for one in pages.auto_paging_iter()], made[::-1])
        backwards = V1.customers.list({"email": "p@example.com", "limit": 3, "ending_before": made[0]})
        self.assertEqual([one.id for one in backwards.auto_paging_iter()], made[1:])
        changed = V1.customers.update(made[0], {"name": "Asha", "metadata": {"a": "1"}})
        self.assertEqual(V1.customers.retrieve(made[0]).to_dict(), changed.to_dict())

    def test_refunds(self):
        intent = pay()
        part = V1.refunds.create({"payment_intent": intent.id, "amount": 500, "reason": "requested_by_customer"})
        self.assertEqual((part.status, V1.refunds.retrieve(part.id).amount), ("succeeded", 500))
        with self.assertRaises(stripe.InvalidRequestError) as more:
            V1.refunds.create({"payment_intent": intent.id, "amount": 1501})
        self.assertEqual((more.exception.param, more.exception.http_status), ("amount", 400))
        V1.refunds.create({"charge": intent.latest_charge})
        with self.assertRaises(stripe.InvalidRequestError) as done:
            V1.refunds.create({"charge": intent.latest_charge})
        self.assertEqual(done.exception.code, "charge_already_refunded")
        amounts = [one.amount for one in V1.refunds.list({"charge": intent.latest_charge}).auto_paging_iter()]
        self.assertEqual(amounts, [1500, 500])
        charge = V1.charges.retrieve(intent.latest_charge, {"expand": ["refunds"]})
        self.assertEqual((charge.refunded, charge.amount_refunded, len(charge.refunds.data)), (True, 2000, 2))

    def test_card_errors(self):
        for method, code, decline in [("pm_card_chargeDeclined", "card_declined", "generic_decline"),
                                      ("pm_card_visa_chargeDeclinedInsufficientFunds", "card_declined", "insufficient_funds"),
                                      ("pm_card_chargeDeclinedExpiredCard", "expired_card", None)]:
            with self.assertRaises(stripe.CardError) as refused:
                pay(method)
            error = refused.exception
            self.assertEqual((error.code, error.http_status, error.error.decline_code), (code, 402, decline))
            self.assertEqual(error.error.payment_intent.status, "requires_payment_method")
        self.assertEqual(pay("pm_card_threeDSecureRequired").next_action.type, "use_stripe_sdk")

    def test_other_errors(self):
        with self.assertRaises(stripe.InvalidRequestError) as missing:
            V1.payment_intents.retrieve("pi_none")
        self.assertEqual((missing.exception.code, missing.exception.http_status), ("resource_missing", 404))
        with self.assertRaises(stripe.InvalidRequestError) as small:
            V1.payment_intents.create({"amount": 10, "currency": "usd"})
        self.assertEqual((small.exception.code, small.exception.param), ("amount_too_small", "amount"))
        stranger = stripe.StripeClient("sk_live_0", base_addresses={"api": BASE + "/stripe"}, max_network_retries=0)
        with self.assertRaises(stripe.AuthenticationError):
            stranger.v1.customers.list()
        for fault, kind in [("rate_limit", stripe.RateLimitError), ("http_500", stripe.APIError),
                            ("html_502", stripe.APIError), ("garbage", stripe.APIError),
                            ("reset", stripe.APIConnectionError)]:
            control("stripe/faults", {"operation": "balance_transactions.list", "fault": fault, "times": 1})
            with self.assertRaises(kind):
                V1.balance_transactions.list()
        V1.balance_transactions.list()

    def test_idempotency(self):
        first, second = pay(idempotency_key="official"), pay(idempotency_key="official")
        self.assertEqual(first.id, second.id)
        self.assertEqual(second.last_response.headers["idempotent-replayed"], "true")
        with self.assertRaises(stripe.IdempotencyError):
            pay("pm_card_mastercard", idempotency_key="official")

    def test_the_library_tries_again_with_its_key(self):
        patient = stripe.StripeClient("sk_test_official", base_addresses={"api": BASE + "/stripe"}, max_network_retries=2)
        control("stripe/faults", {"operation": "customers.create", "fault": "reset", "times": 1})
        made = patient.v1.customers.create({"email": "once@example.com"})
        found = V1.customers.list({"email": "once@example.com"})
        self.assertEqual([one.id for one in found.data], [made.id])

    def test_disputes(self):
        charge = pay("pm_card_createDispute").latest_charge
        dispute = V1.disputes.list({"charge": charge}).data[0]
        self.assertEqual((dispute.status, dispute.amount, dispute.reason), ("needs_response", 2000, "fraudulent"))
        dispute = V1.disputes.update(dispute.id, {"evidence": {"uncategorized_text": "winning_evidence"}})
        self.assertEqual((dispute.status, len(dispute.balance_transactions)), ("won", 2))
        inquiry = V1.disputes.list({"charge": pay("pm_card_createDisputeInquiry").latest_charge}).data[0]
        self.assertEqual(V1.disputes.close(inquiry.id).status, "warning_closed")

    def test_balance(self):
        charge = pay("pm_card_bypassPending").latest_charge
        control("clock", {"advance_seconds": 10})
        moved = V1.charges.retrieve(charge, {"expand": ["balance_transaction"]}).balance_transaction
        self.assertEqual((moved.amount, moved.fee, moved.net, moved.status), (2000, 88, 1912, "available"))
        self.assertEqual(V1.balance_transactions.retrieve(moved.id).source, charge)

    def test_events(self):
        intent = pay()
        kinds = ["payment_intent.succeeded", "charge.succeeded"]
        told = V1.events.list({"types": kinds, "limit": 2})
        self.assertEqual([event.type for event in told.data], kinds)
        self.assertEqual(told.data[0].data.object["id"], intent.id)
        self.assertEqual(V1.events.retrieve(told.data[0].id).type, kinds[0])

    def test_webhooks(self):
        server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Inbox)
        threading.Thread(target=server.serve_forever, daemon=True).start()
        url = f"http://127.0.0.1:{server.server_port}/hook"
        endpoint = V1.webhook_endpoints.create({"url": url, "enabled_events": ["payment_intent.succeeded"]})
        old = endpoint.secret
        intent = pay()
        body, signature = Inbox.came.get(timeout=20)
        event = stripe.Webhook.construct_event(body, signature, old)
        self.assertEqual((event.type, event.data.object["id"]), ("payment_intent.succeeded", intent.id))
        with self.assertRaises(stripe.SignatureVerificationError):
            stripe.Webhook.construct_event(body, signature, "whsec_other")
        new = control(f"stripe/webhook_endpoints/{endpoint.id}/roll", {"keep_seconds": 3600})["secret"]
        pay()
        body, signature = Inbox.came.get(timeout=20)
        for secret in (old, new):
            stripe.Webhook.construct_event(body, signature, secret)
        control(f"stripe/events/{event.id}", {"deliver": "forged"})
        body, signature = Inbox.came.get(timeout=20)
        with self.assertRaises(stripe.SignatureVerificationError):
            stripe.Webhook.construct_event(body, signature, new)
        self.assertEqual([one.url for one in V1.webhook_endpoints.list().data], [url])
        self.assertNotIn("secret", V1.webhook_endpoints.retrieve(endpoint.id))
        self.assertTrue(V1.webhook_endpoints.delete(endpoint.id).deleted)
        server.shutdown()


unittest.main()
