// The API's client: its types come from the contract, see `npm run generate`.
import createClient from "openapi-fetch";
import type { components, paths } from "./openapi";

export type Schemas = components["schemas"];
type Answer<T> = { data?: T; error?: Schemas["Problem"]; response: Response };

export const api = createClient<paths>({ baseUrl: import.meta.env.VITE_API_URL ?? "http://127.0.0.1:8080" });
api.use({ onError: () => new Error("The shop cannot be reached.") });

/** A refusal of the API's: RFC 9457, in words for people. */
export class Refusal extends Error {
  constructor(readonly problem: Schemas["Problem"]) {
    super(problem.detail);
  }
}

/** What was asked for; throws what the API refuses. */
export async function ask<T>(call: Promise<Answer<T>>): Promise<T> {
  const { data, error, response } = await call;
  if (data !== undefined) return data;
  if (error?.code) throw new Refusal(error);
  // Something between us and the API may answer too, and not in its format.
  throw new Error(`The shop answered ${response.status}. Please try again.`);
}

/** Keys of requests that were sent and have no final answer yet. */
const openKeys = new Map<string, string>();

/**
 * Sends a POST so that it happens once. The key stays the same while the outcome is not known, also
 * when the person presses the button again: the API then goes on with what it began. A final answer
 * ends the key, since asking with it once more would only repeat that answer.
 */
export async function send<T>(
  request: unknown[],
  call: (header: { "Idempotency-Key": string }) => Promise<Answer<T>>,
): Promise<T> {
  const print = JSON.stringify(request);
  // Not crypto.randomUUID: browsers have that on https and localhost only.
  const key = openKeys.get(print) ?? crypto.getRandomValues(new Uint32Array(4)).join("-");
  openKeys.set(print, key);
  for (let attempt = 1; ; attempt++) {
    const isLast = attempt === 3;
    const answer = await call({ "Idempotency-Key": key }).catch((error: unknown) => {
      if (isLast) throw error;
    });
    if (answer && isFinal(answer)) openKeys.delete(print);
    if (answer && (isFinal(answer) || isLast)) return ask(Promise.resolve(answer));
    const seconds = Number(answer?.response.headers.get("retry-after")) || attempt;
    await new Promise((done) => setTimeout(done, seconds * 1000));
  }
}

function isFinal({ error, response }: Answer<unknown>): boolean {
  const passes = response.status >= 500 || [408, 429].includes(response.status);
  return !passes && error?.code !== "idempotency_in_progress";
}

// Whoever has an order's token has its tickets. It is never put into an address, which ends up in
// histories and logs; sessionStorage survives the way to Stripe's page and back in this tab.
export function rememberToken(id: string, token: string | null | undefined): void {
  if (token) sessionStorage.setItem(`order-token:${id}`, token);
}

export function bearer(id: string): { Authorization: string } {
  const token = sessionStorage.getItem(`order-token:${id}`);
  if (!token) throw new Error("This page only opens where you bought. Please use the link in your mail.");
  return { Authorization: `Bearer ${token}` };
}
