/** Owns the check of what runs: pods that died unseen, those that are silent, sockets that nobody listens on, services. */
import { existsSync, readdirSync } from 'node:fs';
import { createConnection } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { errnoOf } from '../model/error.ts';
import type { PodRecord } from '../pod/registry/pod-record.ts';
import { isLiving, statusOf } from '../pod/registry/pod-status.ts';
import { readRecords } from '../pod/registry/record-file.ts';
import { socketFolders } from '../pod/socket/socket-path.ts';
import { counted, degraded, type Finding, ok, someOf, type Tell, wrong } from './finding.ts';
import { type Check, homeOf } from './place.ts';

const idsOf = (records: readonly PodRecord[]): string => someOf(records.map(({ entity }) => entity));

const checkRecords = (runDir: string, tell: Tell): void => {
  const records = readRecords(runDir).map((record) => ({ record, status: statusOf(record) }));
  const of = (wanted: string) => records.filter(({ status }) => status === wanted).map(({ record }) => record);
  const lost = of('lost').filter(({ end }) => end === null);
  const stale = of('stale');
  if (lost.length > 0) {
    const says = `${counted(lost.length, 'pod')} died without a word: ${idsOf(lost)}`;
    const remedy =
      '"nika pod ls" ends what is left of it and closes it on the bus; then: nika pod logs ID, nika pod restart ID.';
    tell(wrong('pods.lost', says, remedy));
  }
  if (stale.length > 0) {
    const says = `${counted(stale.length, 'pod')} gave no sign of life for 30 s: ${idsOf(stale)}`;
    tell(
      degraded(
        'pods.stale',
        says,
        'Its process hangs, stands still, or is of another machine: nika pod show ID; nika pod stop ID.',
      ),
    );
  }
  const living = records.filter(({ status }) => isLiving(status)).length - stale.length;
  if (lost.length + stale.length === 0)
    tell(ok('pods.records', living === 0 ? 'none runs' : `${counted(living, 'pod')} run${living === 1 ? 's' : ''}`));
  checkUnreadable(runDir, records.length, tell);
};

const checkUnreadable = (runDir: string, readCount: number, tell: Tell): void => {
  const folder = join(runDir, 'pods');
  const written = existsSync(folder) ? readdirSync(folder).filter((name) => name.endsWith('.json')).length : 0;
  const count = written - readCount;
  if (count <= 0) return;
  tell(
    degraded(
      'pods.unreadable',
      `${counted(count, 'record')} in ${folder} cannot be read`,
      'Older than a day, they go by: nika pod prune --keep 500',
    ),
  );
};

const CONNECT_MS = 300;

/** Whether nobody listens: only then is it refused. */
const isStale = async (path: string): Promise<boolean> => {
  const { promise, resolve } = Promise.withResolvers<boolean>();
  const socket = createConnection({ path });
  const timer = setTimeout(() => resolve(false), CONNECT_MS); // its process stands still: it lives
  socket.once('connect', () => resolve(false));
  socket.once('error', (thrown) => resolve(errnoOf(thrown) === 'ECONNREFUSED'));
  const answer = await promise;
  clearTimeout(timer);
  socket.destroy();
  return answer;
};

const socketsIn = (folder: string): readonly string[] => {
  try {
    return readdirSync(folder)
      .filter((name) => name.endsWith('.sock'))
      .map((name) => join(folder, name));
  } catch {
    return []; // not there, or not ours
  }
};

const SOCKETS_MAX = 1000;
const NAMED_MAX = 3;
const REMOVE_ALL = "nika doctor --json | jq -r '.findings[].paths[]?' | xargs rm";

export const socketsFinding = (stale: readonly string[]): Finding => {
  const says = `nobody listens on ${counted(stale.length, 'socket')} any more: ${someOf(stale)}`;
  const removal = stale.length > NAMED_MAX ? REMOVE_ALL : `rm ${stale.join(' ')}`;
  return { ...degraded('pods.sockets', says, `They are in nobody's way. To remove them: ${removal}`), paths: stale };
};

const checkSockets: Check = async ({ request, tell }) => {
  const place = { env: request.env, uid: process.getuid?.() ?? 0, tmpDir: tmpdir() };
  const paths = [...new Set(socketFolders(place).flatMap(socketsIn))].slice(0, SOCKETS_MAX);
  const answers = await Promise.all(paths.map(isStale));
  const stale = paths.filter((_, at) => answers[at] === true);
  if (stale.length > 0) tell(socketsFinding(stale));
};

export const checkPods: Check = async (place) => {
  const home = homeOf(place);
  if (home !== undefined) checkRecords(home.runDir, place.tell);
  await checkSockets(place);
};
