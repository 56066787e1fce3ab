/** Owns the listening to a signal that lives longer than what is done until then. */

/** Calls it at the abort, at once where that was before; disposed of, no more. */
export const onAbort = (signal: AbortSignal, act: () => void): Disposable => {
  const listener = (): void => act();
  if (signal.aborted) act();
  else signal.addEventListener('abort', listener, { once: true });
  return { [Symbol.dispose]: () => signal.removeEventListener('abort', listener) };
};
