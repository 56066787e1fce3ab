/** Owns the connection to the pod that the agent runs in, where it is kept between calls: what waits for the agent waits there. */
import type { PodClient } from '../pod/client/client.ts';
import type { Caller } from './caller.ts';

const WITHIN_MS = 2_000;
const kept = new WeakMap<Caller, Promise<PodClient>>();

/** Opened once, again after it broke. @throws {NikaError} `NIKA_POD_OUTSIDE`, `NIKA_POD_UNREACHABLE`, `NIKA_POD_LATE` … */
export const ownPod = async (caller: Caller): Promise<PodClient> => {
  const known = kept.get(caller);
  if (known !== undefined) {
    const client = await known;
    if (client.isConnected) return client;
  }
  const { connect } = await import('../pod/client/client.ts');
  const opening = connect({ path: caller.env['NIKA_SOCKET'] ?? '', client: 'nika mcp', deadlineMs: WITHIN_MS });
  kept.set(caller, opening);
  opening.catch(() => kept.delete(caller)); // told to whoever waits for it
  return opening;
};

export const isInside = ({ env }: Caller): boolean => (env['NIKA_SOCKET'] ?? '') !== '';
