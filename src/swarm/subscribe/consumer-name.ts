/**
 * Owns under which name a subscription reads: the same after a restart, so that what it had taken is given to it again, and
 * never that of another one that runs (an abstract socket of the home, which the kernel frees).
 */
import { hostname } from 'node:os';
import { tryLock } from '../../bus/segments.ts';

const MAX_PER_HOME = 64;

const safe = (text: string): string => text.replaceAll(/[^A-Za-z0-9._-]/g, '-').slice(0, 60);

export interface ConsumerName extends AsyncDisposable {
  readonly name: string;
}

/** `busDir` must be there. */
export const takeConsumerName = async (busDir: string, group: string): Promise<ConsumerName> => {
  for (let nth = 0; nth < MAX_PER_HOME; nth += 1) {
    const lock = await tryLock(busDir, `feed-${safe(group)}-${nth}`);
    if (lock !== undefined)
      return { name: `${safe(hostname())}.${nth}`, [Symbol.asyncDispose]: async () => lock[Symbol.asyncDispose]() };
  }
  return { name: `${safe(hostname())}.${process.pid}`, [Symbol.asyncDispose]: async () => undefined };
};
