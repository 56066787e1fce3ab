/** Owns the files that differ between two states of a repository, each with what git counts of it. */
import { askGit } from './git.ts';

export interface FileChange {
  readonly path: string;
  readonly status: 'added' | 'changed' | 'deleted' | 'renamed' | 'copied' | 'type' | 'unmerged' | 'unknown';
  /** Of one that was renamed or copied: what it was called before. */
  readonly from?: string;
  /** Lines; null: it is no text. */
  readonly insertions: number | null;
  readonly deletions: number | null;
}

export interface Comparison {
  readonly dir: string;
  /** One: against the files as they stand. */
  readonly revisions: readonly string[];
  readonly paths: readonly string[];
  readonly env: Readonly<Record<string, string | undefined>>;
  readonly set: Readonly<Record<string, string>>;
}

const BUDGET_MS = 120_000;
const STATUS: Readonly<Record<string, FileChange['status']>> = {
  A: 'added',
  M: 'changed',
  D: 'deleted',
  R: 'renamed',
  C: 'copied',
  T: 'type',
  U: 'unmerged',
};

const lineCount = (text: string | undefined): number | null =>
  text === undefined || text === '-' ? null : Number(text);

/** `--numstat -z`: `<+>\t<->\t<path>`, of a renamed one an empty path, and behind it the old and the new one. */
const countsIn = (text: string): ReadonlyMap<string, readonly [number | null, number | null]> => {
  const fields = text.split('\0');
  const counts = new Map<string, readonly [number | null, number | null]>();
  for (let at = 0; at < fields.length; at += 1) {
    const [, insertions, deletions, path] = /^([\d-]+)\t([\d-]+)\t([^]*)$/.exec(fields[at] ?? '') ?? [];
    if (path === undefined) continue;
    counts.set(path === '' ? (fields[at + 2] ?? '') : path, [lineCount(insertions), lineCount(deletions)]);
    if (path === '') at += 2;
  }
  return counts;
};

/** `--name-status -z`: `<status>`, `<path>`; of a renamed one the old and the new path. */
const statusesIn = (text: string): readonly Pick<FileChange, 'path' | 'status' | 'from'>[] => {
  const fields = text.split('\0');
  const files: Pick<FileChange, 'path' | 'status' | 'from'>[] = [];
  for (let at = 0; at + 1 < fields.length; at += 2) {
    const letter = fields[at]?.[0] ?? '';
    const status = STATUS[letter] ?? 'unknown';
    const first = fields[at + 1] ?? '';
    const isMoved = letter === 'R' || letter === 'C';
    files.push(isMoved ? { path: fields[at + 2] ?? '', status, from: first } : { path: first, status });
    if (isMoved) at += 1;
  }
  return files;
};

/** In the order of git. @throws {NikaError} `NIKA_WORKTREE_FAILED` */
export const readFileChanges = async ({
  dir,
  revisions,
  paths,
  env,
  set,
}: Comparison): Promise<readonly FileChange[]> => {
  const ask = (form: string): Promise<string> => {
    const args = ['diff', form, '-z', '-M', '--no-ext-diff', '--no-textconv', ...revisions, '--', ...paths];
    return askGit({ dir, args, env, set, withinMs: BUDGET_MS }, new AbortController().signal);
  };
  const [counts, statuses] = [countsIn(await ask('--numstat')), statusesIn(await ask('--name-status'))];
  return statuses.map((file) => {
    const [insertions = null, deletions = null] = counts.get(file.path) ?? [];
    return { ...file, insertions, deletions };
  });
};
