/**
 * Owns the examination: all checks at once, each in a thread of its own, each with a deadline.
 *
 * D1. It is over within 2.5 s of the start of the process, whatever hangs; a check that is late is a finding.
 * D2. What a late check found before it hung is kept.
 */
import { fileURLToPath } from 'node:url';
import { Worker } from 'node:worker_threads';
import type { HomeRequest } from '../config/home.ts';
import { errorMessage } from '../model/error.ts';
import { CHECKS, type CheckName, type CheckWord, type CheckWork } from './check-name.ts';
import { AREAS, type Finding, info, ok, wrong } from './finding.ts';

const threadUrl = new URL(
  import.meta.url.endsWith('.ts') ? './doctor-worker.ts' : './doctor-worker.js',
  import.meta.url,
);

/** Of a check, from when it has begun. */
export const CHECK_MS = 1500;
/** From the start of the process. */
const ALL_MS = 2500;

export interface Examination {
  /** By area, each in the order in which it was found. */
  readonly findings: readonly Finding[];
  /** A thread is held by the system and cannot be ended: nor can the process be, but by force. */
  readonly isHeldUp: boolean;
}

const LATE: Readonly<Record<CheckName, readonly [what: string, remedy: string]>> = {
  home: ['the home does not answer', 'See whether its disk hangs; a home belongs on a local disk.'],
  bus: [
    'the disk under _bus/ does not answer',
    'See whether it hangs: it holds every pod that writes there. The bus belongs on a local disk.',
  ],
  pods: ['run/ of the home does not answer', 'See whether its disk hangs; a home belongs on a local disk.'],
  record: ['the alpha bus does not answer', 'See whether the disk under _bus/ hangs; what was dropped stands there.'],
  redis: ['Redis was not looked at to the end', 'See whether it hangs (redis-cli PING), or the disk of the home does.'],
};

const AREA_OF: Readonly<Record<CheckName, Finding['area']>> = {
  home: 'home',
  bus: 'bus',
  pods: 'pods',
  record: 'record',
  redis: 'redis',
};

const lateFinding = (name: CheckName): Finding => {
  const [what, remedy] = LATE[name];
  return wrong(`${AREA_OF[name]}.late`, `${what}: no answer within ${CHECK_MS} ms`, remedy);
};

const brokenFinding = (name: CheckName, why: string): Finding =>
  wrong(
    `${AREA_OF[name]}.broken`,
    `it could not be looked at to the end: ${why}`,
    'See whether this user may read it; else this is a bug of nika.',
  );

/** Resolves when the check is done or late; never rejects. */
const runCheck = async (name: CheckName, request: HomeRequest, tell: (finding: Finding) => void): Promise<Worker> => {
  const { promise: over, resolve } = Promise.withResolvers<'done' | 'late'>();
  const worker = new Worker(fileURLToPath(threadUrl), { workerData: { name, request } satisfies CheckWork });
  const all = setTimeout(() => resolve('late'), Math.max(0, ALL_MS - performance.now())); // D1
  let own: NodeJS.Timeout | undefined;
  let isOver = false;
  worker.on('message', (word: CheckWord) => {
    if (isOver) return;
    if (word.kind === 'begun') own = setTimeout(() => resolve('late'), CHECK_MS);
    else if (word.kind === 'found') tell(word.finding); // D2
    else if (word.kind === 'broken') tell(brokenFinding(name, word.why));
    else resolve('done');
  });
  worker.on('error', (thrown) => {
    tell(brokenFinding(name, errorMessage(thrown)));
    resolve('done');
  });
  worker.on('exit', () => resolve('done'));
  worker.unref();
  const how = await over;
  isOver = true;
  clearTimeout(all);
  clearTimeout(own);
  if (how === 'late') tell(lateFinding(name));
  return worker;
};

const END_MS = 150;

/** Whether all threads are gone; one that the system holds is not. */
const endThreads = async (workers: readonly Worker[]): Promise<boolean> => {
  const { promise: late, resolve } = Promise.withResolvers<false>();
  const timer = setTimeout(() => resolve(false), END_MS);
  const gone = Promise.all(workers.map((worker) => worker.terminate())).then(() => true);
  const isGone = await Promise.race([gone, late]);
  clearTimeout(timer);
  return isGone;
};

const ownFindings = (): readonly Finding[] => [
  ok('node.version', `${process.versions.node} (${process.execPath})`),
  // There are no settings for it yet: it is not part of nika before there are.
  info('qdrant.reach', 'not configured: questions are answered from the bus'),
];

/** Never rejects. */
export const examine = async (request: HomeRequest): Promise<Examination> => {
  const findings: Finding[] = [...ownFindings()];
  const workers = await Promise.all(CHECKS.map((name) => runCheck(name, request, (finding) => findings.push(finding))));
  const isGone = await endThreads(workers);
  const order = (finding: Finding): number => AREAS.indexOf(finding.area);
  return { findings: findings.toSorted((a, b) => order(a) - order(b)), isHeldUp: !isGone };
};
