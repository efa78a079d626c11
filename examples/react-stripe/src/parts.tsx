// What all pages use: loading and polling, acting, and saying what went wrong.
import { useEffect, useState } from "react";
import { Refusal } from "./api";

/**
 * Loads, and again after as many ms as `pause` says; 0 ends it. Only the first render's functions
 * count: what is loaded depends on the address alone, and another address is another page.
 */
export function useLoaded<T>(load: () => Promise<T>, pause: (value: T) => number = () => 0) {
  const [state, setState] = useState<{ value?: T; error?: unknown }>({});
  const [first] = useState({ load, pause });
  useEffect(() => {
    let timer: ReturnType<typeof setTimeout>;
    let isGone = false;
    const turn = async () => {
      let wait = 5000;
      try {
        const value = await first.load();
        wait = first.pause(value);
        if (!isGone) setState({ value });
      } catch (error) {
        // What the API refused stays refused; a lost connection comes back.
        if (error instanceof Refusal && !error.problem.retryable) wait = 0;
        if (!isGone) setState((before) => ({ ...before, error }));
      }
      if (!isGone && wait > 0) timer = setTimeout(turn, wait);
    };
    void turn();
    return () => {
      isGone = true;
      clearTimeout(timer);
    };
  }, [first]);
  return state;
}

/** For buttons that lead away: one press at a time, and what went wrong with it. */
export function useAct() {
  const [busy, setBusy] = useState(false);
  const [error, setError] = useState<unknown>();
  const act = (what: () => Promise<void>) => {
    setBusy(true);
    setError(undefined);
    what().catch((error: unknown) => {
      setError(error);
      setBusy(false);
    });
  };
  return { busy, error, act };
}

export function Trouble({ error }: { error: unknown }) {
  if (!error) return null;
  const problem = error instanceof Refusal ? error.problem : undefined;
  return (
    <div role="alert" className="trouble">
      <strong>{problem?.title ?? "This did not work"}</strong>
      {/* Faults say all that the detail says, member by member. */}
      {problem?.errors?.map((fault) => (
        <p key={fault.pointer}>{`${fault.pointer.split("/").pop()}: ${fault.detail}`}</p>
      )) ?? <p>{error instanceof Error ? error.message : String(error)}</p>}
    </div>
  );
}

/** In the place of a page that has nothing to show yet. */
export function Loading({ error }: { error: unknown }) {
  return error ? <Trouble error={error} /> : <p role="status">Loading…</p>;
}
