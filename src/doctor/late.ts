/** Owns what is said of a check that was not over in time, or broke. Pure. */
import type { CheckName } from './check-name.ts';
import { type Area, degraded, type Finding, wrong } from './finding.ts';

interface Words {
  readonly area: Area;
  readonly what: string;
  readonly remedy: string;
}

const OF: Readonly<Record<CheckName, Words>> = {
  home: {
    area: 'home',
    what: 'the home does not answer',
    remedy: 'See whether its disk hangs; a home belongs on a local disk.',
  },
  pods: {
    area: 'pods',
    what: 'run/ of the home does not answer',
    remedy: 'See whether its disk hangs; a home belongs on a local disk.',
  },
  notify: {
    area: 'notify',
    what: 'run/notify/ of the home, or the settings, do not answer',
    remedy: 'See whether its disk hangs; a home belongs on a local disk.',
  },
  record: {
    area: 'record',
    what: 'the alpha bus does not answer',
    remedy: 'See whether the disk under _bus/ hangs: it holds every pod that writes there.',
  },
  bus: {
    area: 'bus',
    what: 'the disk under _bus/, or the settings, do not answer',
    remedy: 'See whether it hangs: it holds every pod that writes there. The bus belongs on a local disk.',
  },
  redis: {
    area: 'redis',
    what: 'Redis, or the settings, do not answer',
    remedy: 'See whether Redis hangs (redis-cli PING), or the disk of the home does.',
  },
  qdrant: {
    area: 'qdrant',
    what: 'Qdrant, or the settings, do not answer',
    remedy: 'See whether Qdrant hangs (curl its /readyz), or the disk of the home does.',
  },
};

/** A timer may fire so much too early. */
const TIMER_SLACK_MS = 5;
/** What a check may take, from when it has begun. */
export const CHECK_MS = 1500;

/**
 * `waitedMs`: since it had begun; `undefined`: it had not, so that nothing is known of it. One that was cut short because
 * it began late says nothing against what it looked at: this machine is busy.
 */
export const lateFinding = (name: CheckName, waitedMs: number | undefined): Finding => {
  const { area, what, remedy } = OF[name];
  if (waitedMs === undefined)
    return degraded(
      `${area}.skipped`,
      'there was no time left to look: this machine is busy',
      'Ask again: nika doctor',
    );
  const within = `${Math.round(waitedMs / 100) * 100} ms`;
  if (waitedMs >= CHECK_MS - TIMER_SLACK_MS)
    return wrong(`${area}.late`, `${what}: no answer within ${within}`, remedy);
  const says = `there was too little time to look, ${within}: this machine is busy`;
  return degraded(`${area}.late`, says, 'Ask again: nika doctor');
};

export const brokenFinding = (name: CheckName, why: string): Finding => {
  const remedy = 'See whether this user may read it; else this is a bug of nika.';
  return wrong(`${OF[name].area}.broken`, `it could not be looked at to the end: ${why}`, remedy);
};
