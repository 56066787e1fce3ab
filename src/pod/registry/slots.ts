/**
 * Owns how many pods run on a host at once (`limits.pods`): each holds one of so many numbered locks, abstract Unix
 * sockets that the kernel frees however their holder ends. Linux; elsewhere there is no such limit.
 */
import { readFileSync } from 'node:fs';
import { createServer } from 'node:net';
import { setTimeout as delay } from 'node:timers/promises';

const LOOK_EVERY_MS = 500;

const nameOf = (slot: number): string => `nika/pod/${process.getuid?.() ?? 0}/${slot}`;

/** Slots that somebody holds, from the kernel's own list: one read instead of a try for each. */
const takenSlots = (): ReadonlySet<string> => {
  try {
    const text = readFileSync('/proc/net/unix', 'utf8');
    return new Set(Array.from(text.matchAll(/ @(nika\/pod\/\d+\/\d+)@?$/gm), ([, name = '']) => name));
  } catch {
    return new Set();
  }
};

const tryHold = async (name: string): Promise<Disposable | undefined> => {
  const server = createServer((socket) => socket.destroy());
  const { promise, resolve } = Promise.withResolvers<boolean>();
  server.once('error', () => resolve(false));
  server.listen(`\0${name}`, () => resolve(true));
  if (!(await promise)) return undefined;
  server.unref();
  return { [Symbol.dispose]: () => server.close() };
};

/** One of `count` slots; `undefined`: all are taken. */
export const tryTakeSlot = async (count: number): Promise<Disposable | undefined> => {
  if (process.platform !== 'linux') return { [Symbol.dispose]: () => undefined };
  const taken = takenSlots();
  const first = Math.floor(Math.random() * count); // two who come at once seldom want the same
  for (let at = 0; at < count; at += 1) {
    const name = nameOf((first + at) % count);
    if (taken.has(name)) continue;
    const held = await tryHold(name);
    if (held !== undefined) return held;
  }
  return undefined;
};

/** Waits for a slot; `undefined`: `signal` was aborted first. `onWait` is told once, if there is none at first. */
export const takeSlot = async (
  count: number,
  onWait: () => void,
  signal: AbortSignal,
): Promise<Disposable | undefined> => {
  for (let isFirst = true; ; isFirst = false) {
    const slot = await tryTakeSlot(count);
    if (slot !== undefined) return slot;
    if (isFirst) onWait();
    try {
      await delay(LOOK_EVERY_MS * (0.75 + Math.random() / 2), undefined, { signal });
    } catch {
      return undefined;
    }
  }
};
