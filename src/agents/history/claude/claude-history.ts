/** Owns where Claude Code keeps its sessions, and which files make up one: its own, and those of its subagents. */
import { readFileSync } from 'node:fs';
import { homedir } from 'node:os';
import { basename, dirname, join, sep } from 'node:path';
import { joinedText, lastPartOf, timeOf } from '../fields.ts';
import { fieldsOf, wordOf } from '../../read-fields.ts';
import { filesUnder, sizeOf, tryStat } from '../history-files.ts';
import { firstLines } from '../json-lines.ts';
import { readThreads, type ThreadFile } from '../threads.ts';
import type { HistoryForm, HistorySession, ReadOptions, SessionHead } from '../told.ts';
import { ClaudeReader, type SubFacts } from './claude-reader.ts';

const UUID = /^[0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12}$/i;
const SUBAGENT_FILE = /^agent-(.+)\.jsonl$/;
const SUBAGENTS = `${sep}subagents${sep}`;
/** So far is looked into a file for what it begins with. */
const HEAD_LINES = 400;

const subOf = (path: string): string => SUBAGENT_FILE.exec(basename(path))?.[1] ?? basename(path, '.jsonl');

const sessionIn = (path: string): string | undefined => {
  for (const record of firstLines(path, HEAD_LINES)) {
    const id = wordOf(record['sessionId']);
    if (id !== undefined) return id;
  }
  return undefined;
};

/** Text of a first prompt that tells something: not the tags of Claude's own that may stand before it. */
const titleIn = (content: unknown): string | undefined => {
  const text = joinedText(content)?.trim();
  return text === undefined || text.startsWith('<') ? undefined : text;
};

const headOf = (path: string): SessionHead | undefined => {
  let startedAtMs: number | undefined;
  let firstAtMs: number | undefined;
  let cwd: string | undefined;
  let version: string | undefined;
  let model: string | undefined;
  let title: string | undefined;
  let kin: string | undefined;
  for (const record of firstLines(path, HEAD_LINES)) {
    const { type } = record;
    firstAtMs ??= timeOf(record['timestamp']);
    if (type !== 'user' && type !== 'assistant') continue;
    const message = fieldsOf(record['message']);
    startedAtMs ??= timeOf(record['timestamp']);
    cwd ??= wordOf(record['cwd']);
    version ??= wordOf(record['version']);
    if (type === 'assistant') {
      model ??= wordOf(message['model']);
      kin ??= wordOf(message['id']);
    } else if (record['isMeta'] !== true) title ??= titleIn(message['content']);
    if (model !== undefined && title !== undefined) break;
  }
  startedAtMs ??= firstAtMs; // its hooks alone have filled so many lines
  return startedAtMs === undefined ? undefined : { startedAtMs, cwd, version, model, title, kin };
};

const factsIn = (path: string): SubFacts => {
  try {
    const facts = fieldsOf(JSON.parse(readFileSync(path.replace(/\.jsonl$/, '.meta.json'), 'utf8')));
    return { type: wordOf(facts['agentType']), what: wordOf(facts['description']) };
  } catch {
    return { type: undefined, what: undefined }; // older versions have no such file
  }
};

const sessionOf = (id: string, path: string, subPaths: readonly string[]): HistorySession => {
  const subs = new Map(subPaths.map((subPath) => [subOf(subPath), subPath]));
  const files: readonly ThreadFile[] = [
    { path, sub: undefined },
    ...Array.from(subs, ([sub, subPath]) => ({ path: subPath, sub })),
  ];
  const factsOf = (sub: string): SubFacts => factsIn(subs.get(sub) ?? '');
  return {
    agent: 'claude-code',
    id,
    place: path,
    ...sizeOf(files.map((file) => file.path)),
    head: () => {
      const head = headOf(path);
      // `-home-ada-shop`: the folder, as Claude Code names what belongs to it
      return head === undefined ? undefined : { ...head, cwd: head.cwd ?? lastPartOf(dirname(path)) };
    },
    read: (options: ReadOptions) => readThreads(files, new ClaudeReader(factsOf, options.isOpen), options),
  };
};

/** Of a file that was named: what Claude Code keeps beside it. */
const besides = (place: string, files: readonly string[], onUnreadable: ReadOptions['onUnreadable']) => {
  if (files.length !== 1 || files[0] !== place) return files;
  return [place, ...filesUnder(join(place.replace(/\.jsonl$/, ''), 'subagents'), onUnreadable)];
};

const find = (place: string, onUnreadable: ReadOptions['onUnreadable']): readonly HistorySession[] => {
  const files = besides(place, filesUnder(place, onUnreadable), onUnreadable);
  const mains: string[] = [];
  const subs = new Map<string, string[]>();
  for (const path of files) {
    if (!path.endsWith('.jsonl')) continue;
    const isSub = SUBAGENT_FILE.test(basename(path));
    const at = path.lastIndexOf(SUBAGENTS);
    if (at === -1 && !isSub) mains.push(path);
    if (!isSub) continue;
    const session = at === -1 ? sessionIn(path) : basename(path.slice(0, at));
    if (session !== undefined) subs.set(session, [...(subs.get(session) ?? []), path]);
  }
  return mains.flatMap((path) => {
    const named = basename(path, '.jsonl');
    const id = UUID.test(named) ? named : sessionIn(path);
    return id === undefined ? [] : [sessionOf(id, path, subs.get(id) ?? [])];
  });
};

export const claudeHistory: HistoryForm = {
  kind: 'claude-code',
  label: 'claude',
  name: 'Claude Code',
  places: (env) => {
    const named = env['CLAUDE_CONFIG_DIR'];
    const home = env['HOME'] ?? homedir();
    const dirs = named === undefined ? [join(home, '.claude'), join(home, '.config', 'claude')] : [named];
    const places = dirs.map((dir) => join(dir, 'projects'));
    const there = places.filter((place) => tryStat(place) !== undefined);
    return there.length > 0 ? there : places.slice(0, 1);
  },
  find,
};
