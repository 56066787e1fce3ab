/** Owns the making whole of Redis for a home: which of its sessions live, which are over; those that died are closed. */
import type { Home } from '../../config/home.ts';
import { absentRedis } from '../../config/services/absent-redis.ts';
import type { Settings } from '../../config/settings.ts';
import { reconcile, type ReconcileCounts, type Reconciled } from '../../recorder/reconcile/reconcile.ts';
import type { EndedSession } from '../../recorder/reconcile/tidy-fleet.ts';
import { closeLostUntold } from '../registry/lost.ts';
import { isLiving, statusOf } from '../registry/pod-status.ts';
import { readRecord, readRecords } from '../registry/record-file.ts';

export interface ReconcileHomeOptions {
  readonly home: Home;
  readonly settings: Settings;
  readonly isFull: boolean;
  readonly onProgress?: (counts: ReconcileCounts) => void;
}

/** `off`: no Redis is configured. One of `nika up` that died is unreachable. */
export type HomeReconciled = Reconciled | { readonly kind: 'off' };

/**
 * Looked at when its first event comes by: a session is registered before it writes. One that lives then is left to
 * itself to the end; one that does not never will.
 */
const livingIn = (runDir: string): ((session: string) => boolean) => {
  const known = new Map<string, boolean>();
  return (session) => {
    let verdict = known.get(session);
    if (verdict === undefined) {
      const record = readRecord(runDir, session);
      verdict = record !== undefined && isLiving(statusOf(record));
      known.set(session, verdict);
    }
    return verdict;
  };
};

const endedIn = (runDir: string): readonly EndedSession[] =>
  readRecords(runDir).flatMap(({ session, end }) =>
    end === null ? [] : [{ session, status: end.status, endedAt: end.at, exitCode: end.exit_code }],
  );

/** Never rejects. */
export const reconcileHome = async (options: ReconcileHomeOptions, signal: AbortSignal): Promise<HomeReconciled> => {
  const { home, settings, isFull, onProgress } = options;
  const { busDir, runDir } = home;
  const target = settings.redis;
  if (target.kind === 'off') {
    const { hasDied, why } = absentRedis(runDir);
    return hasDied ? { kind: 'unreachable', why } : { kind: 'off' };
  }
  await closeLostUntold({ home, settings }); // their end belongs on the feed too
  return reconcile({
    target,
    busDir,
    runDir,
    isFull,
    isLiving: livingIn(runDir),
    ended: endedIn(runDir),
    ...(onProgress === undefined ? {} : { onProgress }),
    signal,
  });
};
