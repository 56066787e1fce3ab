/** Owns what is put right in the state of the fleet for sessions that could not say good-bye to Redis. */
import type { SessionId } from '../../model/id.ts';
import type { Keys } from '../../redis/keys.ts';
import type { Link } from '../../redis/link.ts';
import { runScripts } from '../../redis/scripts/script.ts';
import { setFleetField } from '../../redis/scripts/set-fleet-field.lua.ts';
import { setState } from '../../redis/scripts/set-state.lua.ts';

/** A session of this home that is over. */
export interface EndedSession {
  readonly session: SessionId;
  readonly status: string;
  /** ISO 8601. */
  readonly endedAt: string;
  readonly exitCode: number;
}

const CALL_MS = 3_000;
const PER_CALL_COUNT = 200;
/** After every version that the session itself wrote. */
const LAST_REV = Number.MAX_SAFE_INTEGER;

/** How many were still told to be at work. Best effort: the next one does what is left. */
export const tidyFleet = async (
  link: Link,
  keys: Keys,
  ended: readonly EndedSession[],
  signal: AbortSignal,
): Promise<number> => {
  let tidiedCount = 0;
  for (let at = 0; at < ended.length && !signal.aborted; at += PER_CALL_COUNT) {
    const some = ended.slice(at, at + PER_CALL_COUNT);
    const args = [keys.fleet.name, ...some.map(({ session }) => session)];
    const told = await link.call({ name: 'hmget', args }, { withinMs: CALL_MS }, signal);
    if (told.kind !== 'done') return tidiedCount;
    const values = told.value as readonly (string | null)[];
    const stale = some.filter((_, nth) => typeof values[nth] === 'string');
    const calls = stale.flatMap(({ session, status, endedAt, exitCode }) => [
      setState({
        key: keys.state(session),
        rev: LAST_REV,
        fields: { status, ended_at: endedAt, exit_code: exitCode },
      }),
      setFleetField({ key: keys.fleet, session, value: undefined }),
    ]);
    if (calls.length > 0) await runScripts(link, calls, { withinMs: CALL_MS }, signal);
    tidiedCount += stale.length;
  }
  return tidiedCount;
};
