/**
 * Owns the watch over pods that give no sign of life: `pod_stale` once, `pod_back` when it is there again.
 *
 * S1. Silence on other hosts is measured by Redis's own clock. While Redis was away nobody could tell it anything: for one
 *     such time after its return nobody is called stale.
 * S2. What was told already the changes say, so that it is told once also over restarts and by another Alpha.
 * S3. A pod whose process is gone on this host is not stale but lost: that is told by who closes it.
 */
import { formatDurationShort } from './words.ts';
import { readRecords } from '../../../pod/registry/record-file.ts';
import { statusOf } from '../../../pod/registry/pod-status.ts';
import { askFleet } from '../../../telemetry/read-fleet.ts';
import type { AlphaContext, Chore } from '../duty.ts';
import { sayOf, type Subject } from './say-of.ts';
import { tellPeople } from './tell-people.ts';

const FLEET_MS = 2_000;

interface Sign {
  readonly subject: Subject;
  readonly isSilent: boolean;
  readonly detail: string;
}

/** Of all hosts, where Redis can say it; `undefined`: it cannot (S1). */
const signsInFleet = async (
  context: AlphaContext,
  staleAfterMs: number,
  signal: AbortSignal,
): Promise<readonly Sign[] | undefined> => {
  const answer = await context.link(signal);
  if (answer.kind !== 'link') return undefined;
  const { link, keys } = answer;
  if (Date.now() - link.status.sinceAtMs < staleAfterMs) return undefined;
  const fleet = await askFleet(link, keys, FLEET_MS);
  if (fleet.kind !== 'read') return undefined;
  return fleet.pods.map(({ session, entity, silentMs, host, pid, parent, job, domain, intent, attempt }) => ({
    subject: {
      entity,
      session,
      meta: { parent_id: parent, job, domain, intent, ...context.view.entity(entity)?.meta, attempt, host, pid },
    },
    isSilent: silentMs >= staleAfterMs,
    detail: `no sign of life from ${host} for ${formatDurationShort(silentMs)}`,
  }));
};

/** Of this home, where no Redis says it. */
const signsInHome = ({ home: { runDir }, view }: AlphaContext): readonly Sign[] =>
  readRecords(runDir).flatMap((record) => {
    const { end, entity, session, parent, root, job, domain, intent, attempt, process: by } = record;
    const status = statusOf(record);
    if (end !== null || status === 'lost') return []; // S3
    const known = { parent_id: parent, root_id: root, job, domain, intent, attempt, host: by.host, pid: by.pid };
    return {
      subject: { entity, session, meta: { ...view.entity(entity)?.meta, ...known } },
      isSilent: status === 'stale',
      detail: `no sign of life from ${by.host}`,
    };
  });

export const watchStale = (staleAfterMs: number, everyMs: number): Chore => ({
  name: 'stale pods',
  role: 'monitor',
  everyMs,
  run: async (context, signal) => {
    const isRedisOn = context.settings.redis.kind === 'on';
    const fleet = isRedisOn ? await signsInFleet(context, staleAfterMs, signal) : undefined;
    const signs = fleet ?? signsInHome(context);
    if (signal.aborted || !(await context.mayAct())) return;
    const { view } = context;
    for (const { subject, isSilent, detail } of signs) {
      const { session = '' } = subject;
      if (isSilent === view.isStale(session)) continue; // S2
      sayOf(context, subject, isSilent ? { condition: 'pod_stale', detail } : { condition: 'pod_back' });
      if (isSilent) await tellPeople(context, { on: 'stale', subject, detail, id: `${session}_stale_${Date.now()}` });
      view.hear(session, { ts: new Date().toISOString(), isStale: isSilent });
    }
    if (isRedisOn && fleet === undefined) return; // of others nobody knows now
    const alive = new Set(signs.map(({ subject }) => subject.session));
    for (const session of view.staleSessions()) if (!alive.has(session)) view.forget(session); // it has ended, or was closed
  },
});
