/**
 * Owns what a search has to know of a line in which nothing can be found: whether it counts among all points with words,
 * and what it is the last word of. By its text alone; whoever wants more parses it.
 */
import { isOfSwarmMeta } from '../../model/envelope.ts';
import { encodeDocument } from '../encode/sparse.ts';
import { headOf } from './head-of-line.ts';

export interface PassedLine {
  /** As of a point: the session, or the entity. */
  readonly key: string;
  /** It is not over. */
  readonly isOpen: boolean;
}

const META_KEY = ',"meta":{';
const DATA_KEY = ',"data":{';
const ORCHESTRATE = '"intent":"orchestrate"';

const valueIn = (meta: string, key: string): string | undefined => {
  const name = `"${key}":"`;
  const at = meta.indexOf(name);
  return at === -1 ? undefined : meta.slice(at + name.length, meta.indexOf('"', at + name.length));
};

const MAX_KNOWN = 10_000;
const withWords = new Map<string, boolean>();

/** Domains are few, and stand in each document. */
const hasWords = (text: string): boolean => {
  const known = withWords.get(text);
  if (known !== undefined) return known;
  if (withWords.size >= MAX_KNOWN) withWords.clear();
  const has = encodeDocument(text).indices.length > 0;
  withWords.set(text, has);
  return has;
};

/** `undefined`: it is not remembered. `unknown`: that its text does not say. */
export const passedLineOf = (text: string): PassedLine | undefined | 'unknown' => {
  const [metaAt, dataAt] = [text.indexOf(META_KEY), text.indexOf(DATA_KEY)];
  const head = headOf(text);
  if (metaAt === -1 || dataAt < metaAt || head === undefined || text.lastIndexOf(META_KEY, dataAt) !== metaAt)
    return 'unknown';
  const meta = text.slice(metaAt, dataAt);
  const domain = valueIn(meta, 'domain') ?? '';
  const mayBeOfSwarm = meta.includes(ORCHESTRATE) && isOfSwarmMeta({ domain, intent: 'orchestrate' });
  if (mayBeOfSwarm || meta.includes('\\') || !hasWords(domain)) return 'unknown';
  const { type, subject, session } = head;
  if (type === 'session_end_summary') return { key: session, isOpen: false };
  if (type !== 'entity_created') return { key: subject, isOpen: false };
  const root = valueIn(meta, 'root_id');
  if (root === undefined) return 'unknown';
  return root === subject ? { key: subject, isOpen: true } : undefined;
};
