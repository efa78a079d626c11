// Paying on our own page: Stripe.js draws the card's fields in a frame of Stripe's, so that no
// card number ever reaches this page's code or the API.
import { Elements, PaymentElement, useElements, useStripe } from "@stripe/react-stripe-js";
// "pure" loads the script when loadStripe is called; the plain module does it on every page.
import { loadStripe } from "@stripe/stripe-js/pure";
import { type FormEvent, useState } from "react";
import { api, ask, bearer } from "./api";
import { money } from "./money";
import { Loading, Trouble, useAct, useLoaded } from "./parts";
import { startPayment } from "./pay";

/** The order, with an attempt that Stripe.js can pay: the one it has, or a new one. */
async function load(orderId: string) {
  const params = { path: { id: orderId } };
  const order = await ask(api.GET("/api/v1/orders/{id}", { params, headers: bearer(orderId) }));
  const open = order.payments.findLast((payment) => payment.next_action.type === "sdk");
  const { next_action: action } = open ?? (await startPayment(orderId, true));
  return { order, action };
}

export function PayHere({ orderId }: { orderId: string }) {
  const { value, error } = useLoaded(() => load(orderId));
  if (!value) return <Loading error={error} />;
  const { order, action } = value;
  const done = `/done?order=${orderId}`;
  return (
    <>
      <h1>Pay {money(order.total_minor, order.currency)}</h1>
      {action.type === "sdk" ? (
        <Card publishableKey={action.publishable_key} clientSecret={action.client_secret} done={done} />
      ) : (
        <p>This payment is under way. <a href={done}>How it stands</a></p>
      )}
      <p><a href={`/unpaid?order=${orderId}`}>Other ways to pay</a></p>
    </>
  );
}

function Card(props: { publishableKey: string; clientSecret: string; done: string }) {
  const { value: stripe, error } = useLoaded(() => loadStripe(props.publishableKey));
  if (error) return <Trouble error={error} />;
  return (
    <Elements stripe={stripe ?? null} options={{ clientSecret: props.clientSecret }}>
      <CardForm done={props.done} />
    </Elements>
  );
}

function CardForm({ done }: { done: string }) {
  const stripe = useStripe();
  const elements = useElements();
  const [isReady, setReady] = useState(false);
  const [broken, setBroken] = useState<unknown>();
  const { busy, error, act } = useAct();

  const pay = async () => {
    if (!stripe || !elements) return;
    const { error } = await stripe.confirmPayment({
      elements,
      // Some methods lead over the bank's page; Stripe sends the buyer back there.
      confirmParams: { return_url: location.origin + done },
      redirect: "if_required",
    });
    if (error) throw new Error(error.message);
    // That Stripe.js says so proves nothing: the next page asks the API.
    location.assign(done);
  };
  const submit = (form: FormEvent) => {
    form.preventDefault();
    act(pay);
  };
  return (
    <form onSubmit={submit}>
      {!isReady && !broken && <p role="status">Waiting for Stripe.js…</p>}
      {stripe && (
        <PaymentElement onReady={() => setReady(true)} onLoadError={(it) => setBroken(it.error.message)} />
      )}
      <Trouble error={broken ?? error} />
      <button className="main" disabled={!isReady || busy}>Pay</button>
    </form>
  );
}
