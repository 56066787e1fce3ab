/** Owns in whose name an agent claims: its pod's, or its own process's outside of pods. */
import { thisPodProcess } from '../../pod/registry/pod-status.ts';
import type { Caller } from '../caller.ts';
import type { Place } from '../place.ts';
import type { Holder } from './claim.ts';

export const holderOf = ({ self, records }: Place, { client, env }: Caller): Holder => {
  const here = thisPodProcess();
  if (self === undefined) {
    const key = `${here.host}/${here.boot_id}/${here.pid}/${here.start_ticks}`;
    return { key, name: `${client} (process ${here.pid})`, session: null, process: here };
  }
  const record =
    records.find(({ session }) => session === env['NIKA_SESSION_ID']) ??
    records.findLast(({ entity }) => entity === self);
  // A pod whose record could not be written: the server ends with its agent, which is near enough.
  return { key: self, name: self, session: record?.session ?? null, process: record?.process ?? here };
};
