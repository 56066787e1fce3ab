/**
 * Owns the one door for work that may fail without anybody waiting for it (G1, G3): named, with a deadline, counted.
 */
import { errorMessage } from '../model/error.ts';

export type Outcome<T> =
  | { readonly kind: 'done'; readonly value: T }
  | { readonly kind: 'failed'; readonly why: string }
  | { readonly kind: 'late'; readonly withinMs: number };

/** Told of every failure: the name of the work and why. Must not throw. */
export type FailureListener = (name: string, why: string) => void;

const counts = new Map<string, number>();
let listener: FailureListener | undefined;

/** How often each named piece of work failed or was late in this process. */
export const bestEffortFailures = (): Readonly<Record<string, number>> => Object.fromEntries(counts);

/** Sets who logs failures; one per process. */
export const setFailureListener = (next: FailureListener | undefined): void => {
  listener = next;
};

const count = (name: string, why: string): void => {
  counts.set(name, (counts.get(name) ?? 0) + 1);
  listener?.(name, why);
};

/**
 * Runs `work`, never throws and never rejects. After `withinMs` the signal is aborted and the outcome is `late`,
 * whether the work notices or not.
 */
export const bestEffort = async <T>(
  name: string,
  { withinMs }: { readonly withinMs: number },
  work: (signal: AbortSignal) => Promise<T>,
): Promise<Outcome<T>> => {
  const controller = new AbortController();
  const late = Promise.withResolvers<Outcome<T>>();
  const timer = setTimeout(() => {
    late.resolve({ kind: 'late', withinMs });
    controller.abort();
  }, withinMs);
  const run = async (): Promise<Outcome<T>> => {
    try {
      return { kind: 'done', value: await work(controller.signal) };
    } catch (thrown) {
      return { kind: 'failed', why: errorMessage(thrown) };
    }
  };
  const outcome = await Promise.race([run(), late.promise]);
  clearTimeout(timer);
  if (outcome.kind === 'failed') count(name, outcome.why);
  if (outcome.kind === 'late') count(name, `not done within ${withinMs} ms`);
  return outcome;
};

/** The synchronous form: runs `work` now, gives `undefined` where it throws, and counts that. */
export const bestEffortSync = <T>(name: string, work: () => T): T | undefined => {
  try {
    return work();
  } catch (thrown) {
    count(name, errorMessage(thrown));
    return undefined;
  }
};
