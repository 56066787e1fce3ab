/** Owns the check of the home: which it is and why, its settings, and who may read and write it. */
import { constants, accessSync, existsSync, lstatSync, readdirSync, statfsSync, statSync, type Stats } from 'node:fs';
import { dirname, join } from 'node:path';
import { z } from 'zod';
import { createChain } from '../bus/chain.ts';
import { type Home, type HomeSource, resolveHome, settingsFile } from '../config/home.ts';
import { listJobs } from '../config/job/job-files.ts';
import { parseRedisUrl } from '../config/redis/redis-url.ts';
import { loadSettings } from '../config/settings.ts';
import { readYaml } from '../config/yaml/yaml-file.ts';
import { errnoOf, errorMessage, NikaError } from '../model/error.ts';
import { isFull } from './disk-check.ts';
import { counted, degraded, ok, someOf, type Tell, wrong } from './finding.ts';
import type { Check, Place } from './place.ts';

const WHY: Readonly<Record<HomeSource, string>> = {
  flag: 'named by --home',
  env: 'named by NIKA_HOME',
  folder: 'the nearest folder upward with a config/nika.yaml',
  state: 'your own: no folder upward has a config/nika.yaml',
};

const checkHome = ({ request, tell }: Place): Home | undefined => {
  try {
    const home = resolveHome(request);
    const isNamed = home.source === 'flag' || home.source === 'env';
    if (existsSync(home.dir)) tell(ok('home.dir', `${home.dir} (${WHY[home.source]})`));
    else if (isNamed)
      tell(
        wrong(
          'home.dir',
          `there is no folder ${home.dir} (${WHY[home.source]})`,
          `Name one that is there, or make it: nika init --home ${home.dir}`,
        ),
      );
    else tell(ok('home.dir', `${home.dir} (${WHY[home.source]}); the first pod makes it`));
    return home;
  } catch (thrown) {
    if (!(thrown instanceof NikaError)) throw thrown;
    tell(wrong('home.dir', thrown.message, thrown.remedy));
    return undefined;
  }
};

/** One finding for each mistake: an error names all of them, a line each. */
const tellMistakes = (thrown: NikaError, tell: Tell): void => {
  const lines = thrown.message.split('\n').map((line) => line.trim());
  const mistakes = lines.length === 1 ? lines : lines.slice(1);
  for (const mistake of mistakes) tell(wrong('config.settings', mistake, thrown.remedy));
};

const writtenSchema = z.object({
  redis: z.object({ url: z.string().nullish(), sentinelPassword: z.string().nullish() }),
});

/** Itself: the Redis in use may be another, of the environment or of "nika up", which keeps its password elsewhere. */
const holdsPassword = (file: string): boolean => {
  const source = readYaml(file, { ifAbsent: 'empty' });
  const written = writtenSchema.safeParse(source.ok ? source.yaml.value : undefined).data?.redis;
  if (written === undefined) return false;
  const parsed = parseRedisUrl(written.url?.trim() ?? '');
  return typeof written.sentinelPassword === 'string' || (parsed.ok && parsed.url.password !== undefined);
};

/** A password in a file that others may read is no secret. */
const checkPassword = (home: Home, { tell }: Place): void => {
  const file = settingsFile(home);
  const stat = statSync(file, { throwIfNoEntry: false });
  if (stat === undefined || (stat.mode & 0o077) === 0 || !holdsPassword(file)) return;
  const remedy = `Set it as NIKA_REDIS_URL in the environment, or: chmod 600 ${file}`;
  tell(degraded('config.password', `others may read the password of Redis in ${file}`, remedy));
};

const checkSettings = (home: Home, place: Place): void => {
  const { request, tell } = place;
  try {
    const settings = loadSettings(home, request.env);
    createChain(settings.bus.keyFile);
    const file = settingsFile(home);
    tell(ok('config.settings', existsSync(file) ? `${file} is valid` : 'no config/nika.yaml: all defaults'));
    checkPassword(home, place);
  } catch (thrown) {
    if (!(thrown instanceof NikaError)) throw thrown;
    tellMistakes(thrown, tell);
  }
};

const checkJobs = async (home: Home, { tell }: Place): Promise<void> => {
  const listed = await listJobs(home);
  const broken = listed.filter(({ outcome }) => !outcome.ok).map(({ name }) => name);
  if (broken.length === 0) return;
  const remedy = `See what: nika job check ${broken[0] ?? ''}`;
  tell(
    degraded('config.jobs', `${counted(broken.length, 'job')} cannot be started as written: ${someOf(broken)}`, remedy),
  );
};

/** Above a folder that is not there yet, the nearest that is: in it one would have to be made. */
const nearestThere = (path: string): string =>
  existsSync(path) || dirname(path) === path ? path : nearestThere(dirname(path));

const mayWrite = (path: string): string | undefined => {
  try {
    if (!statSync(path).isDirectory()) return 'it is no folder';
    accessSync(path, constants.W_OK | constants.X_OK);
    return undefined;
  } catch (thrown) {
    return errnoOf(thrown) ?? errorMessage(thrown);
  }
};

const checkWritable = (folders: readonly string[], tell: Tell): void => {
  const refusals = new Map<string, string>();
  for (const folder of folders) {
    const there = nearestThere(folder);
    const why = mayWrite(there);
    if (why !== undefined) refusals.set(there, why);
  }
  for (const [path, why] of refusals) {
    const remedy =
      why === 'EROFS'
        ? 'Its file system is mounted read-only: mount it for writing, or choose another home. Until then pods run without a record.'
        : `Give it to the user that runs nika (chown, chmod 700 ${path}), or choose another home. Until then pods run without a record.`;
    tell(wrong('home.writable', `${path} cannot be written to (${why})`, remedy));
  }
  if (refusals.size > 0) return;
  const full = folders.map(nearestThere).find((there) => isFull(statfsSync(there)));
  if (full === undefined) return tell(ok('home.writable', '_bus/, logs/ and run/ can be written to'));
  const remedy = 'Make room, or move the home to a larger disk. Until then pods run without a record.';
  tell(wrong('home.writable', `there is no room on the disk of ${full}: nothing more can be written (ENOSPC)`, remedy));
};

const ENTRIES_MAX = 5000;

const tryLstat = (path: string): Stats | undefined => {
  try {
    return lstatSync(path, { throwIfNoEntry: false });
  } catch {
    return undefined; // the check of what can be written tells of it
  }
};

const entriesOf = (folder: string): readonly string[] => {
  try {
    return readdirSync(folder);
  } catch {
    return []; // as above
  }
};

/** Folders 0700, files 0600: tool calls are nobody else's business. */
const openToOthers = (folder: string): readonly string[] => {
  const inside = entriesOf(folder).slice(0, ENTRIES_MAX);
  const paths = [folder, ...inside.filter((name) => name !== '.gitignore').map((name) => join(folder, name))];
  return paths.filter((path) => {
    const stat = tryLstat(path);
    return stat !== undefined && (stat.isFile() || stat.isDirectory()) && (stat.mode & 0o077) !== 0;
  });
};

const checkModes = (folders: readonly string[], { dir }: Home, tell: Tell): void => {
  const open = [...new Set(folders.flatMap(openToOthers))];
  if (open.length === 0) return tell(ok('home.modes', 'nobody else may read the record (folders 0700, files 0600)'));
  const says = `others may look into ${someOf(open.map((path) => path.replace(`${dir}/`, '')))}`;
  tell(
    degraded(
      'home.modes',
      says,
      `chmod -R go= ${[...new Set(open.map((path) => join(dir, path.slice(dir.length + 1).split('/')[0] ?? '')))].join(' ')}`,
    ),
  );
};

export const checkHomeAndConfig: Check = async (place) => {
  const home = checkHome(place);
  if (home === undefined) return;
  checkSettings(home, place);
  const { busDir, logsDir, runDir } = home;
  checkWritable([busDir, logsDir, runDir], place.tell);
  const inner = [join(busDir, 'channels'), join(busDir, 'blobs'), join(runDir, 'pods')];
  checkModes([busDir, logsDir, runDir, ...inner], home, place.tell);
  await checkJobs(home, place);
};
