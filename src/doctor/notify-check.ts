/** Owns the check of notifications: by which ways, what came of them, what waits to be sent, what was dropped. */
import { statSync } from 'node:fs';
import { delimiter, join } from 'node:path';
import { type Home, settingsFile } from '../config/home.ts';
import type { NotifyWay } from '../config/notify/notify-settings.ts';
import { listSpool, readDropped, readSpooled, spoolDir, type SpooledFile } from '../notify/spool.ts';
import { readState, type WayState } from '../notify/state.ts';
import { keyOf, nameOf } from '../notify/way.ts';
import { desktopMissing, desktopProgram } from '../notify/ways/program-way.ts';
import { type Place as TextPlace, tryReadText } from '../notify/ways/text-source.ts';
import { counted, degraded, info, ok, type Tell } from './finding.ts';
import { type Check, homeOf, type Place, settingsOf } from './place.ts';

/** What was dropped before is no news. */
const NEWS_MS = 7 * 24 * 3_600_000;
/** Due for so long, and still there: nobody sends. */
const STUCK_MS = 60_000;
const DAY_CHARS = '2026-11-20T11:27'.length;

const whenText = (iso: string): string => iso.slice(0, DAY_CHARS).replace('T', ' ');

const isOnPath = (program: string, { env }: TextPlace): boolean =>
  (env['PATH'] ?? '')
    .split(delimiter)
    .some((folder) => statSync(join(folder, program), { throwIfNoEntry: false })?.isFile());

interface Lack {
  readonly why: string;
  readonly remedy: string;
}

/** What a way lacks here; `undefined`: nothing that can be seen without trying it. */
const lackOf = ({ target }: NotifyWay, place: TextPlace): Lack | undefined => {
  if (target.kind === 'desktop') {
    if (isOnPath(desktopProgram(process.platform), place)) return undefined;
    return {
      why: desktopMissing(process.platform),
      remedy: 'Install it, or name another way under "notify" in config/nika.yaml.',
    };
  }
  if (target.kind === 'command') return undefined;
  const { url, secret, headers } = target;
  const sources = [url, ...(secret === undefined ? [] : [secret]), ...Object.values(headers)];
  const lacking = sources.map((source) => tryReadText(source, place)).find((read) => !read.ok);
  if (lacking?.ok !== false) return undefined;
  return {
    why: lacking.why,
    remedy: 'Pods and commands that are started without it cannot send; then: nika notify test',
  };
};

const checkWay = (way: NotifyWay, state: WayState | undefined, place: TextPlace, tell: Tell): void => {
  const name = nameOf(way.target);
  const on = way.on.join(', ');
  const lack = lackOf(way, place);
  if (lack !== undefined) return tell(degraded('notify.ways', `${name}: ${lack.why}`, lack.remedy));
  const failure = state?.last_failure ?? null;
  const isFailing = failure !== null && (state?.last_sent_at ?? '') < failure.at;
  const counts =
    state === undefined ? '' : `; ${state.sent} sent${state.given_up > 0 ? `, ${state.given_up} given up` : ''}`;
  if (!isFailing) return tell(ok('notify.ways', `${name}: ${on}${counts}`));
  const says = `${name}: ${failure.why} (${failure.what}, ${whenText(failure.at)})${counts}`;
  tell(degraded('notify.ways', says, 'Try it: nika notify test. All tries are in logs/notify.jsonl.'));
};

const dueAt = ({ next_at: next, created_at: created }: SpooledFile): number => Date.parse(next ?? created);

const checkSpool = (dir: string, tell: Tell): void => {
  const files = listSpool(dir).map((file) => readSpooled(dir, file));
  const waiting = files.filter((file) => typeof file === 'object').toSorted((a, b) => dueAt(a) - dueAt(b));
  const [first] = waiting;
  if (first === undefined) return;
  const many = `${counted(waiting.length, 'notification')} wait${waiting.length === 1 ? 's' : ''} to be sent`;
  const why = first.last_error === null ? '' : `: ${first.way_name}: ${first.last_error}`;
  if (Date.now() - dueAt(first) < STUCK_MS) return tell(info('notify.spool', `${many}${why}`));
  const remedy = 'No process sends them. The next pod, and each "nika pod …", starts one: nika pod ls';
  tell(degraded('notify.spool', `${many} since ${whenText(new Date(dueAt(first)).toISOString())}${why}`, remedy));
};

const checkDropped = (dir: string, tell: Tell): void => {
  const news = readDropped(dir).filter(({ at }) => Date.now() - Date.parse(at) < NEWS_MS);
  const last = news.at(-1);
  if (last === undefined) return;
  const says = `${counted(news.length, 'notification')} dropped within 7 days; the last: ${last.what} (${last.why}, ${whenText(last.at)})`;
  tell(
    degraded('notify.dropped', says, 'Make room on the disk of run/, or see why they are not sent: nika notify test'),
  );
};

/** Addresses that give whoever knows them the right to post. */
const SECRET_HOSTS = /(?:^|\.)(?:slack\.com|discord(?:app)?\.com|webhook\.office\.com|logic\.azure\.com)$/;

const isSecretInFile = ({ target }: NotifyWay): boolean => {
  if (target.kind !== 'webhook') return false;
  const isSecretUrl = typeof target.url === 'string' && SECRET_HOSTS.test(URL.parse(target.url)?.hostname ?? '');
  return (
    isSecretUrl ||
    Object.entries(target.headers).some(
      ([name, text]) => typeof text === 'string' && /authorization|token|key/i.test(name),
    )
  );
};

const checkSecrets = (home: Home, ways: readonly NotifyWay[], tell: Tell): void => {
  const names = ways.filter(isSecretInFile).map(({ target }) => nameOf(target));
  if (names.length === 0) return;
  const says = `a secret stands in ${settingsFile(home)} (${names.join(', ')})`;
  tell(
    degraded(
      'notify.secret',
      says,
      'Put it into the environment or a file, and name that: { env: NAME } or { file: PATH }.',
    ),
  );
};

export const checkNotify: Check = async (place: Place) => {
  const home = homeOf(place);
  const settings = home === undefined ? undefined : settingsOf(place, home);
  if (home === undefined || settings === undefined) return;
  const dir = spoolDir(home.runDir);
  const { tell, request } = place;
  const ways = settings.notify;
  if (ways.length === 0)
    tell(info('notify.ways', 'nobody is told when a pod waits or fails ("notify" in config/nika.yaml)'));
  const state = readState(dir);
  const textPlace = { env: request.env, dir: home.dir };
  for (const way of ways) checkWay(way, state[keyOf(way.target)], textPlace, tell);
  checkSecrets(home, ways, tell);
  checkSpool(dir, tell);
  checkDropped(dir, tell);
};
