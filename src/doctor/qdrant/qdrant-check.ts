/**
 * Owns the check of Qdrant: whether it is there, takes the key, and has memory as nika writes it. Its client is loaded only
 * where one is configured. Nothing that is told holds the key: what a server says comes through the link, which takes it out.
 */
import { existsSync } from 'node:fs';
import type { Home } from '../../config/home.ts';
import type { QdrantTarget } from '../../config/memory/qdrant-settings.ts';
import { hasDied } from '../../config/services/service-state.ts';
import type { DenseShape } from '../../memory/qdrant/dense-encoder.ts';
import { degraded, type Finding, info, ok, wrong } from '../finding.ts';
import { type Check, homeOf, type Place, settingsOf } from '../place.ts';
import { collectionFindings } from './collection-findings.ts';
import { homeFinding } from './home-findings.ts';
import { unreachable } from './unreachable.ts';

/** Of each of three questions: together less than what the check may take. */
const ASK_MS = 400;
const COUNT_BUS_MS = 300;
/** Each question has its own time. */
const NO_END = new AbortController().signal;

/** `has_vector` came with it. Older than 1.16 it does not keep the mark of the version. */
const NEEDED = [1, 13] as const;

export const versionFinding = (version: string): Finding => {
  const [major = 0, minor = 0] = version.split('.').map(Number);
  const isEnough = major > NEEDED[0] || (major === NEEDED[0] && minor >= NEEDED[1]);
  if (isEnough) return ok('qdrant.version', `Qdrant ${version}`);
  return wrong('qdrant.version', `Qdrant ${version} is too old`, `Install Qdrant ${NEEDED.join('.')} or later.`);
};

const LOOPBACK = ['127.0.0.1', 'localhost', '[::1]'];

/** A key that anybody on the way can read. */
const openKeyFinding = ({ url, apiKey }: QdrantTarget): Finding | undefined => {
  const { protocol, hostname } = new URL(url);
  if (apiKey === undefined || protocol === 'https:' || LOOPBACK.includes(hostname)) return undefined;
  const says = 'the key goes over the network as it is: http:// to another machine';
  return degraded('qdrant.key', says, 'Use https://, or a network that is yours alone.');
};

const checkTarget = async (target: QdrantTarget, dense: DenseShape | undefined, { tell }: Place): Promise<void> => {
  const options = { target, withinMs: ASK_MS, ...(dense === undefined ? {} : { dense }) };
  const { inspectQdrant } = await import('../../memory/qdrant/inspect.ts');
  const seen = await inspectQdrant(options, NO_END);
  if ('kind' in seen) return tell(unreachable(target.url, seen.why));
  const { version, answeredWithinMs, collection } = seen;
  if (collection !== undefined && 'kind' in collection) return tell(unreachable(target.url, collection.why));
  tell(ok('qdrant.reach', `${target.url}, answers within ${answeredWithinMs.toFixed(1)} ms`));
  tell(versionFinding(version));
  const openKey = openKeyFinding(target);
  if (openKey !== undefined) tell(openKey);
  for (const finding of collectionFindings(target.collection, collection)) tell(finding);
};

/** What is on the bus and not there. A bus that cannot be read is told of by its own check. */
const checkHome = async ({ busDir, runDir }: Home, target: QdrantTarget, { tell }: Place): Promise<void> => {
  if (!existsSync(busDir)) return;
  const { readHomeStanding } = await import('../../memory/sync/home-standing.ts');
  const standing = await readHomeStanding({ busDir, runDir, target, withinMs: COUNT_BUS_MS }, NO_END);
  tell(homeFinding(standing, Date.now()));
};

export const checkQdrant: Check = async (place) => {
  const home = homeOf(place);
  const settings = home && settingsOf(place, home);
  if (settings === undefined)
    return place.tell(info('qdrant.reach', 'not looked at: the settings must be valid first'));
  const { qdrant, memory } = settings;
  if (qdrant.kind === 'on') {
    await checkTarget(qdrant, memory.embeddings, place);
    if (home !== undefined) await checkHome(home, qdrant, place);
    return;
  }
  if (home !== undefined && hasDied(home.runDir, 'qdrant')) {
    const says = 'the Qdrant that "nika up" started for this home is gone: questions are answered from the bus';
    return place.tell(degraded('qdrant.reach', says, 'Start it again, with its data: nika up --qdrant'));
  }
  const remedy = 'To count and search months at once: nika up --qdrant, or NIKA_QDRANT_URL=http://host:6333';
  place.tell(info('qdrant.reach', 'not configured: questions are answered from the bus', remedy));
};
