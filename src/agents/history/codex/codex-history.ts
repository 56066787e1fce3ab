/** Owns where Codex keeps its sessions, and which rollout files make up one: its own, and those of its subagents. */
import { homedir } from 'node:os';
import { basename, join } from 'node:path';
import { joinedText, timeOf } from '../fields.ts';
import { type Fields, fieldsOf, wordOf } from '../../read-fields.ts';
import { filesUnder, sizeOf, tryStat } from '../history-files.ts';
import { firstLines } from '../json-lines.ts';
import { readThreads, type ThreadFile } from '../threads.ts';
import type { HistoryForm, HistorySession, ReadOptions, SessionHead } from '../told.ts';
import { CodexReader } from './codex-reader.ts';

const ROLLOUT = /^rollout-.*\.jsonl$/;
/** So far is looked into a file for what it begins with. */
const HEAD_LINES = 60;

interface Rollout {
  readonly path: string;
  readonly id: string;
  /** The thread that started this one. */
  readonly parent: string | undefined;
}

/** Rollouts of before autumn 2025 begin with the fields of `session_meta` themselves. */
const metaOf = (record: Fields): Fields => (record['type'] === 'session_meta' ? fieldsOf(record['payload']) : record);

const rolloutOf = (path: string): Rollout | undefined => {
  const [first] = firstLines(path, 1);
  if (first === undefined) return undefined;
  const meta = metaOf(first);
  const id = wordOf(meta['id']);
  if (id === undefined) return undefined;
  const spawn = fieldsOf(fieldsOf(fieldsOf(meta['source'])['subagent'])['thread_spawn']);
  return { path, id, parent: wordOf(meta['parent_thread_id']) ?? wordOf(spawn['parent_thread_id']) };
};

const titleIn = (record: Fields): string | undefined => {
  const payload = fieldsOf(record['payload']);
  const item = fieldsOf(payload['item']);
  if (payload['type'] === 'user_message') return wordOf(payload['message']);
  if (item['type'] === 'UserMessage') return joinedText(item['content']);
  if (payload['type'] !== 'message' || payload['role'] !== 'user') return undefined;
  const text = joinedText(payload['content']);
  return text === undefined || /^\s*(?:<|# AGENTS\.md)/.test(text) ? undefined : text;
};

const headOf = ({ path, id }: Rollout): SessionHead | undefined => {
  let meta: Fields | undefined;
  let startedAtMs: number | undefined;
  let model: string | undefined;
  let title: string | undefined;
  for (const record of firstLines(path, HEAD_LINES)) {
    meta ??= metaOf(record);
    startedAtMs ??= timeOf(record['timestamp']) ?? timeOf(meta['timestamp']);
    if (record['type'] === 'turn_context') model ??= wordOf(fieldsOf(record['payload'])['model']);
    title ??= titleIn(record);
    if (model !== undefined && title !== undefined) break;
  }
  if (meta === undefined || startedAtMs === undefined) return undefined;
  const kin = wordOf(meta['forked_from_id']) ?? id;
  return { startedAtMs, cwd: wordOf(meta['cwd']), version: wordOf(meta['cli_version']), model, title, kin };
};

/** The thread that all began with, as far as its file is there. */
const rootOf = (rollout: Rollout, byId: ReadonlyMap<string, Rollout>): Rollout => {
  let root = rollout;
  const seen = new Set([root.id]);
  for (;;) {
    const parent = root.parent === undefined ? undefined : byId.get(root.parent);
    if (parent === undefined || seen.has(parent.id)) return root;
    seen.add(parent.id);
    root = parent;
  }
};

const sessionOf = (root: Rollout, all: readonly Rollout[]): HistorySession => {
  const files: readonly ThreadFile[] = all.map(({ path, id }) => ({ path, sub: id === root.id ? undefined : id }));
  return {
    agent: 'codex',
    id: root.id,
    place: root.path,
    ...sizeOf(files.map(({ path }) => path)),
    head: () => headOf(root),
    read: (options: ReadOptions) => readThreads(files, new CodexReader(options.isOpen), options),
  };
};

const find = (place: string, onUnreadable: ReadOptions['onUnreadable']): readonly HistorySession[] => {
  const paths = filesUnder(place, onUnreadable).filter((path) => path === place || ROLLOUT.test(basename(path)));
  const rollouts = paths.flatMap((path) => rolloutOf(path) ?? []);
  const byId = new Map(rollouts.map((rollout) => [rollout.id, rollout]));
  const groups = new Map<Rollout, Rollout[]>();
  for (const rollout of rollouts) {
    const root = rootOf(rollout, byId);
    groups.set(root, [...(groups.get(root) ?? []), rollout]);
  }
  return Array.from(groups, ([root, all]) => sessionOf(root, all));
};

export const codexHistory: HistoryForm = {
  kind: 'codex',
  label: 'codex',
  name: 'Codex',
  places: (env) => {
    const dir = env['CODEX_HOME'] ?? join(env['HOME'] ?? homedir(), '.codex');
    const archived = join(dir, 'archived_sessions');
    return [join(dir, 'sessions'), ...(tryStat(archived) === undefined ? [] : [archived])];
  },
  find,
};
